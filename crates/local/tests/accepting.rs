//! A request becomes a build once, and the build is held or let through as the contract says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use chela_contract::{BuildId, Status};
use chela_local::{Accepted, Outgoing};
use chela_receiver::{After, Bounds, Happened, Origin, Stage, Strangers};
use support::{Ground, Wanted, at};

/// Sends what is due, as if the forge took it at this second.
fn deliver(ground: &Ground, second: i64) -> Vec<(BuildId, String)> {
    let mut sent = Vec::new();
    while let Some(due) = ground.store.due(at(second)).unwrap() {
        let settled = ground
            .store
            .settle(&due, &After::Delivered, at(second), at(second));
        settled.unwrap();
        sent.push((due.build, due.pending.body.clone()));
    }
    sent
}

#[test]
fn a_committers_request_is_queued_and_the_answer_carries_the_report() {
    let ground = Ground::new();
    let build = ground.new_build(&Wanted::new(1));
    assert_eq!(build.stage, Stage::Queued { not_before: at(1) });
    assert_eq!(build.origin, Origin::Committer);
    assert_eq!(ground.build(build.id()), build);
    assert!(
        ground.store.due(at(9)).unwrap().is_none(),
        "no report of its own"
    );
}

#[test]
fn a_delivery_that_comes_again_starts_nothing() {
    let ground = Ground::new();
    let wanted = Wanted::new(1);
    let build = ground.new_build(&wanted);
    let mut again = wanted.asked(at(60));
    again.key = "another".to_owned();
    assert_eq!(
        ground.accept(again.clone()),
        Accepted::Before(build.clone())
    );

    let ground = ground.reopen();
    assert_eq!(ground.accept(again), Accepted::Before(build));
    assert_eq!(ground.store.list(None, None, 9).unwrap().len(), 1);
}

#[test]
fn another_project_cannot_learn_of_a_build_by_its_id() {
    let ground = Ground::new();
    let wanted = Wanted::new(1);
    ground.new_build(&wanted);
    let other = Wanted {
        project: "demo/other".to_owned(),
        ..wanted
    };
    assert_eq!(ground.accept(other.asked(at(2))), Accepted::Foreign);
}

#[test]
fn a_stranger_is_held_until_a_committer_asks_after_the_forge_took_the_hold() {
    let ground = Ground::new();
    let held = ground.new_build(&Wanted::stranger(1));
    assert_eq!(held.stage, Stage::Held { acknowledged: None });

    let sent = deliver(&ground, 10);
    assert_eq!(sent.len(), 1);
    assert!(
        sent[0]
            .1
            .contains("Waits for a committer to ask for a rebuild of aaaaaaaaaaaa")
    );
    let acknowledged = Some(at(10));
    assert_eq!(ground.build(held.id()).stage, Stage::Held { acknowledged });

    let early = ground.new_build(&Wanted::rebuild(10));
    assert_eq!(
        early.stage,
        Stage::Held { acknowledged: None },
        "not later than the hold"
    );
    deliver(&ground, 20);
    let late = ground.new_build(&Wanted::rebuild(21));
    assert!(matches!(late.stage, Stage::Queued { .. }));
    assert_eq!(
        late.origin,
        Origin::Stranger,
        "a committer's wish makes it no committer's code"
    );
    for id in [held.id(), early.id()] {
        assert_eq!(ground.build(id).stage, Stage::Ended(Status::Canceled));
    }
}

#[test]
fn what_was_let_through_once_needs_no_second_hold() {
    let ground = Ground::new();
    ground.new_build(&Wanted::stranger(1));
    deliver(&ground, 2);
    ground.new_build(&Wanted::rebuild(3));
    let again = ground.new_build(&Wanted::rebuild(4));
    assert!(matches!(again.stage, Stage::Queued { .. }));
    assert_eq!(again.origin, Origin::Stranger);
}

#[test]
fn an_earlier_hold_of_the_same_commit_releases_nothing() {
    let ground = Ground::new();
    ground.new_build(&Wanted::stranger(1));
    deliver(&ground, 2);
    let b = Wanted {
        commit: Some('b'),
        ..Wanted::stranger(3)
    };
    ground.new_build(&b);
    deliver(&ground, 4);
    // The stranger puts the first commit back, just before the committer asks for what they saw.
    ground.new_build(&Wanted::stranger(5));
    let asked = ground.new_build(&Wanted::rebuild(6));
    assert_eq!(asked.stage, Stage::Held { acknowledged: None });
}

#[test]
fn a_newer_commit_ends_the_older_build_and_says_so() {
    let ground = Ground::new();
    let old = ground.new_build(&Wanted::new(1));
    ground.store.claim(at(2)).unwrap().expect("it is queued");
    let newer = Wanted {
        commit: Some('b'),
        ..Wanted::new(3)
    };
    match ground.accept(newer.asked(at(3))) {
        Accepted::New { overtaken, .. } => assert_eq!(overtaken, [old.id()]),
        other => panic!("it is new, but: {other:?}"),
    }
    let sent = deliver(&ground, 4);
    assert_eq!(
        sent.len(),
        1,
        "what was said of the run before is overtaken as well"
    );
    assert!(
        sent[0].1.contains("Canceled: bbbbbbbbbbbb is newer"),
        "{}",
        sent[0].1
    );
}

#[test]
fn an_older_request_that_comes_late_is_over_at_once() {
    let ground = Ground::new();
    let newer = ground.new_build(&Wanted::new(5));
    let late = ground.new_build(&Wanted::new(1));
    assert_eq!(late.stage, Stage::Ended(Status::Canceled));
    assert!(matches!(
        ground.build(newer.id()).stage,
        Stage::Queued { .. }
    ));
    assert_eq!(deliver(&ground, 6).len(), 1, "the forge is told");
}

#[test]
fn pushed_commits_overtake_nothing() {
    let ground = Ground::new();
    for (second, commit) in [(1, 'a'), (2, 'b')] {
        let pushed = Wanted {
            pull: None,
            commit: Some(commit),
            reason: "pushed",
            ..Wanted::new(second)
        };
        ground.new_build(&pushed);
    }
    assert!(ground.store.claim(at(3)).unwrap().is_some());
    assert!(ground.store.claim(at(3)).unwrap().is_some());
}

#[test]
fn what_is_too_much_is_neither_kept_nor_overtakes() {
    let ground = Ground::new();
    let first = ground.new_build(&Wanted::new(1));
    let bounds = Bounds { queued: 1, held: 0 };
    for wanted in [Wanted::new(2), Wanted::stranger(3)] {
        let mut asked = wanted.asked(at(3));
        asked.bounds = bounds;
        assert_eq!(ground.accept(asked), Accepted::Full);
    }
    let mut asked = Wanted::stranger(3).asked(at(3));
    asked.strangers = Strangers::Refuse;
    assert_eq!(ground.accept(asked), Accepted::Refused);
    assert_eq!(ground.build(first.id()), first);

    ground.store.claim(at(4)).unwrap().expect("the first");
    let mut asked = Wanted::new(5).asked(at(5));
    asked.bounds = bounds;
    assert!(
        matches!(ground.accept(asked), Accepted::New { .. }),
        "there is room again"
    );
}

#[test]
fn a_request_that_fails_is_undone_alone() {
    let ground = Ground::new();
    let keys = ["one", "two", "one", "three", "two", "four"];
    let asked = keys.iter().zip(1..).map(|(key, second)| {
        let wanted = Wanted {
            pull: Some(u32::try_from(second).unwrap()),
            ..Wanted::stranger(second)
        };
        let mut asked = wanted.asked(at(second));
        asked.key = (*key).to_owned();
        asked
    });
    let answers = support::block_on(async {
        let all: Vec<_> = asked
            .map(|asked| {
                let store = ground.store.clone();
                tokio::spawn(async move { store.accept(asked).await })
            })
            .collect();
        let mut answers = Vec::new();
        for one in all {
            answers.push(one.await.unwrap().is_ok());
        }
        answers
    });
    assert_eq!(answers, [true, true, false, true, false, true]);
    let kept = ground.store.list(None, None, 9).unwrap();
    assert_eq!(kept.len(), 4, "those with a key of their own");
    let waiting = |kept: &&chela_local::Kept| matches!(kept.report, Outgoing::Waiting { .. });
    assert_eq!(
        kept.iter().filter(waiting).count(),
        4,
        "with the report of each"
    );
}

#[test]
fn nothing_but_a_request_lets_a_held_build_go() {
    let ground = Ground::new();
    let held = ground.new_build(&Wanted::stranger(1));
    for what in [
        Happened::Taken,
        Happened::Postponed {
            why: "x".to_owned(),
            until: at(2),
        },
        Happened::Interrupted { again: true },
    ] {
        ground.store.happened_at(held.id(), what, at(2)).unwrap();
        assert_eq!(ground.build(held.id()).stage, held.stage);
    }
    assert!(ground.store.claim(at(9)).unwrap().is_none());
}
