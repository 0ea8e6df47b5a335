//! Builds are taken in turn, go on, and end once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use chela_contract::{CommitId, Status};
use chela_local::PhaseState;
use chela_receiver::{Build, End, Happened, Ledger, Stage, Standing};
use support::{Ground, Wanted, at};

fn of_project(project: &str, second: i64) -> Wanted {
    Wanted {
        project: project.to_owned(),
        pull: Some(u32::try_from(second).unwrap()),
        ..Wanted::new(second)
    }
}

fn claim(ground: &Ground, second: i64) -> Option<Build> {
    ground.store.claim(at(second)).unwrap()
}

fn happened(ground: &Ground, build: &Build, what: Happened, second: i64) -> Standing {
    ground
        .store
        .happened_at(build.id(), what, at(second))
        .unwrap()
}

fn phase(name: &str) -> Happened {
    Happened::Phase {
        name: name.to_owned(),
        percent: 50,
    }
}

#[test]
fn the_project_of_which_the_fewest_run_is_next_and_then_the_oldest() {
    let ground = Ground::new();
    for (project, second) in [("a/a", 1), ("a/a", 2), ("a/a", 3), ("b/b", 4), ("c/c", 5)] {
        ground.new_build(&of_project(project, second));
    }
    let taken = std::iter::from_fn(|| claim(&ground, 9));
    let taken: Vec<_> = taken
        .map(|build| build.request.pull_request.unwrap().id)
        .collect();
    assert_eq!(taken, [1, 4, 5, 2, 3]);
}

#[test]
fn a_build_is_taken_once_and_says_that_its_source_is_fetched() {
    let ground = Ground::new();
    let queued = ground.new_build(&Wanted::new(1));
    let taken = claim(&ground, 2).expect("it is queued");
    assert_eq!(
        (taken.id(), taken.stage, taken.runs),
        (queued.id(), Stage::Running, 1)
    );
    assert!(claim(&ground, 3).is_none());
    let due = ground.store.due(at(3)).unwrap().expect("a report");
    assert!(due.pending.body.contains("Fetches the source"));
}

#[test]
fn what_is_postponed_is_not_taken_before_its_time() {
    let ground = Ground::new();
    ground.new_build(&Wanted::new(1));
    let build = claim(&ground, 2).unwrap();
    let what = Happened::Postponed {
        why: "no answer".to_owned(),
        until: at(60),
    };
    assert_eq!(happened(&ground, &build, what, 3), Standing::Wanted);
    assert!(claim(&ground, 59).is_none());
    let due = ground.store.due(at(3)).unwrap();
    drop(due);
    assert_eq!(ground.store.next_at(at(59)).unwrap(), Some(at(60)));
    assert_eq!(claim(&ground, 60).unwrap().misses, 1);
}

#[test]
fn phases_follow_one_another_and_end_with_the_build() {
    let ground = Ground::new();
    ground.new_build(&Wanted::new(1));
    let build = claim(&ground, 2).unwrap();
    happened(&ground, &build, phase("install"), 3);
    happened(&ground, &build, phase("build"), 5);
    let failed = End::Failed("Phase build: exit 1".to_owned());
    assert_eq!(
        happened(&ground, &build, Happened::Ended(failed), 8),
        Standing::Over
    );

    let kept = ground.store.by_id(build.id()).unwrap().unwrap();
    let phases: Vec<_> = kept
        .phases
        .iter()
        .map(|phase| (phase.name.as_str(), phase.started, phase.ended, phase.state))
        .collect();
    let expected = [
        ("install", at(3), Some(at(5)), PhaseState::Done),
        ("build", at(5), Some(at(8)), PhaseState::Failed),
    ];
    assert_eq!(phases, expected);
    assert_eq!((kept.started, kept.ended), (Some(at(2)), Some(at(8))));
}

#[test]
fn what_is_over_stays_over() {
    let ground = Ground::new();
    ground.new_build(&Wanted::new(1));
    let build = claim(&ground, 2).unwrap();
    let stopped = ground.store.stop(build.id(), at(3)).unwrap();
    assert_eq!(stopped.stage, Stage::Ended(Status::Canceled));
    for what in [
        phase("build"),
        Happened::Ended(End::Succeeded),
        Happened::Fetched(CommitId::try_from("c".repeat(40)).unwrap()),
    ] {
        assert_eq!(ground.store.happened(&build, what).unwrap(), Standing::Over);
    }
    assert_eq!(ground.build(build.id()), stopped);
    assert_eq!(ground.store.standing(build.id()).unwrap(), Standing::Over);
}

#[test]
fn a_build_that_nobody_knows_is_not_wanted() {
    let ground = Ground::new();
    ground.new_build(&Wanted::new(1));
    let build = claim(&ground, 2).unwrap();
    let other = Ground::new();
    let standing = other.store.happened(&build, phase("build")).unwrap();
    assert_eq!(standing, Standing::Over);
    assert!(other.store.stop(build.id(), at(1)).is_err());
}

#[test]
fn what_ran_when_the_process_ended_is_run_again_or_ends() {
    let ground = Ground::new();
    for second in [1, 2] {
        ground.new_build(&of_project("a/a", second));
    }
    let (again, never) = (claim(&ground, 3).unwrap(), claim(&ground, 3).unwrap());
    happened(&ground, &again, phase("build"), 4);
    let ground = ground.reopen();
    let wanted = again.id();
    let recovered = ground
        .store
        .recover(at(9), &|build| build.id() == wanted)
        .unwrap();
    assert_eq!(recovered.len(), 2);
    assert_eq!(
        ground.build(again.id()).stage,
        Stage::Queued { not_before: at(9) }
    );
    assert_eq!(ground.build(never.id()).stage, Stage::Ended(Status::Error));
    assert!(
        ground.store.recover(at(9), &|_| true).unwrap().is_empty(),
        "nothing runs now"
    );

    assert_eq!(claim(&ground, 9).unwrap().runs, 2);
    let kept = ground.store.by_id(again.id()).unwrap().unwrap();
    assert!(kept.phases.is_empty(), "the new run has phases of its own");
}

#[test]
fn whoever_waits_is_woken_by_what_is_queued_and_by_phases() {
    let ground = Ground::new();
    let mut wake = ground.store.wake();
    ground.new_build(&Wanted::new(1));
    assert!(woken(&mut wake), "by what is queued");
    let build = claim(&ground, 2).unwrap();
    assert!(woken(&mut wake), "by what is taken");
    happened(&ground, &build, phase("build"), 3);
    assert!(woken(&mut wake), "by a phase");
    ground.store.by_id(build.id()).unwrap();
    assert!(claim(&ground, 9).is_none());
    assert!(!wake.has_changed().unwrap(), "nothing is new");
}

/// The commit is answered before others are woken, so wait for it.
fn woken(wake: &mut tokio::sync::watch::Receiver<u64>) -> bool {
    let soon = std::time::Duration::from_secs(20);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async { tokio::time::timeout(soon, wake.changed()).await.is_ok() })
}
