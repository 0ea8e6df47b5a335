//! Artifacts: which files leave a build.

use std::{fs, os::unix::fs::PermissionsExt};

use chela_runner::{Collected, Failure, Kind};

use crate::support::{Bench, Ran};

fn build(bench: &Bench, commands: &str, artifacts: &str) -> Ran {
    bench.run(&format!(
        "version: 0.2\nphases:\n  build:\n    commands:\n{commands}artifacts:\n{artifacts}"
    ))
}

#[test]
fn sets_go_into_folders_of_their_names() {
    let bench = Bench::new(Kind::Bubblewrap);
    let ran = build(
        &bench,
        "
      - mkdir -p out/deep && echo one > out/one.txt && echo two > out/deep/two.txt
      - echo no > out/no.log && printf '#!/bin/sh' > out/tool && chmod +x out/tool
      - export VERSION=1.2
",
        "
  files: ['out/**/*']
  exclude-paths: ['**/*.log']
  secondary-artifacts:
    texts: {files: ['**/*.txt'], base-directory: out, discard-paths: yes, name: 'texts-$VERSION'}
    dated: {files: [out/one.txt], name: 'from-$(echo a/shell)'}
",
    );
    ran.succeeded();
    assert_eq!(bench.artifact("primary/out/deep/two.txt"), "two\n");
    assert_eq!(bench.artifact("texts-1.2/two.txt"), "two\n");
    assert_eq!(bench.artifact("from-a/shell/out/one.txt"), "one\n");
    assert!(!bench.path("artifacts/primary/out/no.log").exists());
    let mode = fs::metadata(bench.path("artifacts/primary/out/tool"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o755, "a program stays one");
    assert_eq!(
        ran.finished.artifacts[0],
        Collected {
            folder: "primary".to_owned(),
            files: 3,
            bytes: 17
        }
    );
}

#[test]
fn nothing_leaves_by_a_link() {
    let bench = Bench::new(Kind::Bubblewrap);
    fs::write(bench.path("secret"), "secret").unwrap();
    let outside = bench.path("secret").display().to_string();
    let folder = bench.path("").display().to_string();
    let ran = build(
        &bench,
        &format!(
            "
      - ln -s {outside} link && ln -s {folder} folder && ln -s /etc/shadow shadow
      - mkfifo pipe && mkdir locked && echo x > locked/x && chmod 0 locked
      - echo kept > kept
"
        ),
        "  files: ['**/*']\n",
    );
    ran.succeeded();
    let mut kept: Vec<_> = fs::read_dir(bench.path("artifacts/primary"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    kept.sort();
    // root reads what nobody may enter.
    kept.retain(|name| name != "locked");
    assert_eq!(kept, ["kept"]);
}

#[test]
fn artifacts_have_a_limit_that_holes_do_not_reach() {
    let bench = Bench::new(Kind::Bubblewrap).with_limits(|limits| limits.artifacts = 1000);
    let ran = build(
        &bench,
        "      - head -c 1000 /dev/zero > f\n",
        "  files: [f]\n",
    );
    ran.succeeded();
    let bench = Bench::new(Kind::Bubblewrap).with_limits(|limits| limits.artifacts = 1000);
    let ran = build(&bench, "      - truncate -s 3G f\n", "  files: [f]\n");
    assert!(
        matches!(ran.failed(), Failure::Artifacts(_)),
        "{:?}",
        ran.finished
    );
    ran.says("larger than 1000 bytes");
    let copied = fs::metadata(bench.path("artifacts/primary/f"))
        .unwrap()
        .len();
    assert!(copied <= 1001, "{copied} bytes were copied");
}

#[test]
fn a_set_without_a_file_fails_the_build() {
    let ran = build(
        &Bench::new(Kind::Bubblewrap),
        "      - 'true'\n",
        "  files: ['*.none']\n",
    );
    assert!(
        matches!(ran.failed(), Failure::Artifacts(_)),
        "{:?}",
        ran.finished
    );
    ran.says("Phase UPLOAD_ARTIFACTS FAILED");
}

#[test]
fn artifacts_of_a_failed_build_are_collected() {
    let bench = Bench::new(Kind::Bubblewrap);
    let ran = build(
        &bench,
        "      - echo why > report\n      - 'false'\n",
        "  files: [report]\n",
    );
    assert_eq!(ran.status(), 1);
    assert_eq!(bench.artifact("primary/report"), "why\n");
}

#[test]
fn of_two_files_with_one_place_the_first_is_kept() {
    let bench = Bench::new(Kind::Bubblewrap);
    let ran = build(
        &bench,
        "      - mkdir a b && echo a > a/f && echo b > b/f\n",
        "  files: ['*/f']\n  discard-paths: yes\n",
    );
    ran.succeeded().says("Two files have the place `f`");
    assert_eq!(bench.artifact("primary/f"), "a\n");
}

#[test]
fn a_name_that_leads_elsewhere_is_refused() {
    let bench = Bench::new(Kind::Bubblewrap);
    let ran = build(
        &bench,
        "      - export WHERE=.. && echo x > x\n",
        "  files: [x]\n  name: '$WHERE/x'\n",
    );
    assert!(
        matches!(ran.failed(), Failure::Artifacts(_)),
        "{:?}",
        ran.finished
    );
    assert!(!bench.path("x").exists());
}
