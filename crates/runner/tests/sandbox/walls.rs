//! What the machine must have, and what is said when it has not.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use chela_runner::{Kind, NOBODY, Outcome, Sandbox, User, detect};

use crate::support::{Bench, sandbox};

#[test]
fn what_works_is_tried_and_what_is_missing_is_said() {
    let mut sandbox = sandbox(Kind::Bubblewrap);
    assert_eq!(detect(&sandbox).best(), Some(Kind::Bubblewrap));

    sandbox.bubblewrap = "/nonexistent/bwrap".into();
    let detected = detect(&sandbox);
    let sentence = detected.bubblewrap.as_ref().unwrap_err().to_string();
    assert!(sentence.contains("apt install bubblewrap"), "{sentence}");
    assert_eq!(detected.best(), Some(Kind::Landlock));

    sandbox.bubblewrap = "/bin/false".into();
    let sentence = detect(&sandbox).bubblewrap.unwrap_err().to_string();
    assert!(sentence.contains("user namespaces"), "{sentence}");
}

#[test]
fn trying_landlock_does_not_restrict_the_program() {
    let detected = detect(&sandbox(Kind::Landlock));
    detected.landlock.unwrap();
    fs::read_dir("/").expect("this thread is as free as before");
}

#[test]
fn without_its_sandbox_nothing_runs() {
    for kind in [Kind::Bubblewrap, Kind::Landlock] {
        let mut bench = Bench::new(kind);
        bench.sandbox.bubblewrap = "/nonexistent/bwrap".into();
        bench.sandbox.confine.program = "/nonexistent/confine".into();
        let ran = bench.commands(&["touch ran"]);
        match &ran.finished.outcome {
            Outcome::Errored(sentence) => assert!(sentence.contains("/nonexistent/"), "{sentence}"),
            other => panic!("{other:?}"),
        }
        assert!(!bench.source().join("ran").exists());
    }
}

#[test]
fn a_sandbox_that_fails_says_why() {
    let mut bench = Bench::new(Kind::Bubblewrap);
    let script = bench.path("bwrap");
    fs::write(
        &script,
        "#!/bin/sh\necho 'bwrap: No permissions' >&2\nexit 1\n",
    )
    .unwrap();
    fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    bench.sandbox.bubblewrap = script;
    let ran = bench.commands(&["true"]);
    match &ran.finished.outcome {
        Outcome::Errored(sentence) => assert!(sentence.contains("No permissions"), "{sentence}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_that_the_builds_user_cannot_pass_is_named() {
    let bench = Bench::new(Kind::Bubblewrap);
    if bench.sandbox.user.is_none() {
        // An ordinary user's builds are his own.
        return;
    }
    fs::set_permissions(bench.path(""), Permissions::from_mode(0o700)).unwrap();
    let ran = bench.commands(&["true"]);
    match &ran.finished.outcome {
        Outcome::Errored(sentence) => {
            let named = bench.path("").display().to_string();
            let named = named.trim_end_matches('/');
            assert!(
                sentence.contains(&format!("chmod o+x {named}")),
                "{sentence}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_strangers_build_runs_as_root() {
    let bench = |change: fn(&mut Sandbox)| {
        let mut bench = Bench::new(Kind::Bubblewrap);
        change(&mut bench.sandbox);
        bench.commands(&["touch ran"]).finished.outcome
    };
    let outcomes = if rustix::process::geteuid().is_root() {
        [
            bench(|sandbox| sandbox.user = None),
            bench(|sandbox| sandbox.user = Some(User { uid: 0, gid: 0 })),
        ]
    } else {
        let other = |sandbox: &mut Sandbox| sandbox.user = Some(NOBODY);
        [bench(other), bench(other)]
    };
    for outcome in outcomes {
        assert!(matches!(outcome, Outcome::Errored(_)), "{outcome:?}");
    }
}
