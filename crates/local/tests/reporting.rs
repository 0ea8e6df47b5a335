//! Reports are handed out one after another until the forge has the newest of each build.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use chela_contract::BuildId;
use chela_local::Outgoing;
use chela_receiver::{After, End, Happened, Pending};
use rstest::rstest;
use support::{Ground, Wanted, at};

/// A build that runs, and has a report that says so.
fn running(ground: &Ground, pull: u32) -> BuildId {
    ground.new_build(&Wanted {
        pull: Some(pull),
        ..Wanted::new(i64::from(pull))
    });
    ground
        .store
        .claim(at(100 + i64::from(pull)))
        .unwrap()
        .unwrap()
        .id()
}

fn phase(ground: &Ground, id: BuildId, name: &str, second: i64) {
    let what = Happened::Phase {
        name: name.to_owned(),
        percent: 50,
    };
    ground.store.happened_at(id, what, at(second)).unwrap();
}

fn again(pending: &Pending, second: i64) -> After {
    After::Again {
        pending: Pending {
            attempts: pending.attempts + 1,
            not_before: at(second),
            ..pending.clone()
        },
        reason: "no answer".to_owned(),
    }
}

#[test]
fn only_the_newest_report_of_a_build_is_sent() {
    let ground = Ground::new();
    let id = running(&ground, 1);
    phase(&ground, id, "install", 200);
    phase(&ground, id, "build", 201);
    let due = ground.store.due(at(300)).unwrap().unwrap();
    assert!(due.pending.body.contains("Phase build"));
    assert_eq!(
        (due.build, due.project.as_str(), due.holds),
        (id, "demo/hello", false)
    );
    ground
        .store
        .settle(&due, &After::Delivered, at(300), at(300))
        .unwrap();
    drop(due);
    assert!(ground.store.due(at(999)).unwrap().is_none());
    assert_eq!(
        ground.store.by_id(id).unwrap().unwrap().report,
        Outgoing::Settled
    );
}

#[test]
fn a_builds_reports_are_sent_one_after_another_and_builds_side_by_side() {
    let ground = Ground::new();
    let (one, two) = (running(&ground, 1), running(&ground, 2));
    let first = ground.store.due(at(300)).unwrap().unwrap();
    assert_eq!(first.build, one, "what waited longest");
    phase(&ground, one, "build", 301);
    let second = ground.store.due(at(302)).unwrap().unwrap();
    assert_eq!(second.build, two);
    assert!(
        ground.store.due(at(302)).unwrap().is_none(),
        "both are on their way"
    );

    ground
        .store
        .settle(&first, &After::Delivered, at(303), at(303))
        .unwrap();
    assert!(
        ground.store.due(at(304)).unwrap().is_none(),
        "as long as the first is held"
    );
    drop(first);
    let next = ground.store.due(at(304)).unwrap().unwrap();
    assert!(next.build == one && next.pending.body.contains("Phase build"));
}

#[test]
fn a_failed_attempt_is_made_again_at_its_time_with_the_same_name() {
    let ground = Ground::new();
    let id = running(&ground, 1);
    let due = ground.store.due(at(300)).unwrap().unwrap();
    let name = due.pending.id.clone();
    ground
        .store
        .settle(&due, &again(&due.pending, 400), at(300), at(300))
        .unwrap();
    drop(due);
    let ground = ground.reopen();
    assert!(ground.store.due(at(399)).unwrap().is_none());
    assert_eq!(ground.store.next_at(at(399)).unwrap(), Some(at(400)));
    let expected = Outgoing::Waiting {
        attempts: 1,
        not_before: at(400),
        trouble: Some("no answer".to_owned()),
    };
    assert_eq!(ground.store.by_id(id).unwrap().unwrap().report, expected);
    let due = ground.store.due(at(400)).unwrap().unwrap();
    assert_eq!((due.pending.id.clone(), due.pending.attempts), (name, 1));
}

#[rstest]
#[case::delivered(|_: &Pending| After::Delivered)]
#[case::dropped(|_: &Pending| dropped())]
#[case::again(|pending: &Pending| again(pending, 900))]
fn what_a_newer_report_replaced_on_the_way_stays_replaced(#[case] after: fn(&Pending) -> After) {
    let ground = Ground::new();
    let id = running(&ground, 1);
    let due = ground.store.due(at(300)).unwrap().unwrap();
    phase(&ground, id, "build", 301);
    ground
        .store
        .settle(&due, &after(&due.pending), at(302), at(302))
        .unwrap();
    drop(due);
    let next = ground
        .store
        .due(at(303))
        .unwrap()
        .expect("the newer one, at its own time");
    assert!(next.pending.body.contains("Phase build"));
    let report = ground.store.by_id(id).unwrap().unwrap().report;
    assert!(
        matches!(
            report,
            Outgoing::Waiting {
                attempts: 0,
                trouble: None,
                ..
            }
        ),
        "{report:?}"
    );
}

fn dropped() -> After {
    After::Dropped {
        reason: "401: wrong token".to_owned(),
    }
}

#[test]
fn why_a_report_was_given_up_stands_on_the_build_until_another_arrives() {
    let ground = Ground::new();
    let id = running(&ground, 1);
    let due = ground.store.due(at(300)).unwrap().unwrap();
    ground
        .store
        .settle(&due, &dropped(), at(300), at(300))
        .unwrap();
    drop(due);
    let ground = ground.reopen();
    let report = ground.store.by_id(id).unwrap().unwrap().report;
    assert_eq!(report, Outgoing::Dropped("401: wrong token".to_owned()));
    assert!(ground.store.due(at(999)).unwrap().is_none());

    ground
        .store
        .happened_at(id, Happened::Ended(End::Succeeded), at(301))
        .unwrap();
    let due = ground.store.due(at(302)).unwrap().unwrap();
    ground
        .store
        .settle(&due, &After::Delivered, at(302), at(302))
        .unwrap();
    assert_eq!(
        ground.store.by_id(id).unwrap().unwrap().report,
        Outgoing::Settled
    );
}

#[test]
fn a_report_that_was_on_its_way_in_a_crash_is_sent_again() {
    let ground = Ground::new();
    running(&ground, 1);
    let before = ground.store.due(at(300)).unwrap().unwrap();
    let ground = ground.reopen();
    let after = ground.store.due(at(300)).unwrap().unwrap();
    assert_eq!(after.pending, before.pending);
}

#[test]
fn a_build_of_which_no_commit_is_known_has_no_flag_to_report_to() {
    let ground = Ground::new();
    let wanted = Wanted {
        commit: None,
        ..Wanted::new(1)
    };
    ground.new_build(&wanted);
    let build = ground.store.claim(at(2)).unwrap().unwrap();
    assert!(ground.store.due(at(9)).unwrap().is_none());
    let found = "d".repeat(40).parse().unwrap();
    ground
        .store
        .happened_at(build.id(), Happened::Fetched(found), at(3))
        .unwrap();
    phase(&ground, build.id(), "build", 4);
    let due = ground
        .store
        .due(at(9))
        .unwrap()
        .expect("a report on what was found");
    assert!(due.pending.body.contains(&"d".repeat(40)));
}
