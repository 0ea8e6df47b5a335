//! What is kept, for how long, and what is remembered after.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use chela_contract::{BuildId, Status};
use chela_local::Accepted;
use chela_receiver::{After, End, Happened, Stage, first_answer};
use support::{Ground, Wanted, at};

const HOUR: i64 = 60 * 60;

/// A build that ended at this second, and the forge knows.
fn ended(ground: &Ground, second: i64) -> BuildId {
    let id = unsettled(ground, second);
    settle(ground, second);
    id
}

/// The same of another project.
fn ended_of(ground: &Ground, project: &str, second: i64) -> BuildId {
    let wanted = Wanted {
        project: project.to_owned(),
        ..Wanted::new(second)
    };
    let id = ended_as(ground, &wanted, second);
    settle(ground, second);
    id
}

/// A build that ran and ended at this second, and the forge knows.
fn ran(ground: &Ground, second: i64) -> BuildId {
    let build = ground.new_build(&Wanted::new(second));
    let taken = ground.store.claim(at(second)).unwrap().unwrap();
    assert_eq!(taken.id(), build.id());
    let end = Happened::Ended(End::Succeeded);
    ground
        .store
        .happened_at(build.id(), end, at(second))
        .unwrap();
    settle(ground, second);
    build.id()
}

fn settle(ground: &Ground, second: i64) {
    let due = ground.store.due(at(second)).unwrap().unwrap();
    ground
        .store
        .settle(&due, &After::Delivered, at(second), at(second))
        .unwrap();
}

fn unsettled(ground: &Ground, second: i64) -> BuildId {
    let wanted = Wanted {
        pull: Some(u32::try_from(second).unwrap()),
        ..Wanted::new(second)
    };
    ended_as(ground, &wanted, second)
}

fn ended_as(ground: &Ground, wanted: &Wanted, second: i64) -> BuildId {
    let build = ground.new_build(wanted);
    let end = Happened::Ended(End::Succeeded);
    ground
        .store
        .happened_at(build.id(), end, at(second))
        .unwrap();
    build.id()
}

fn forget(ground: &Ground, before: i64, keep: usize, now: i64) -> Vec<BuildId> {
    let gone = ground.store.forget(at(before), keep, at(now)).unwrap();
    gone.iter().map(chela_receiver::Build::id).collect()
}

#[test]
fn old_builds_are_forgotten_and_given_to_the_caller() {
    let ground = Ground::new();
    let ids: Vec<_> = (1..=4).map(|second| ended(&ground, second)).collect();
    assert_eq!(forget(&ground, 3, 100, 10), ids[..2]);
    assert_eq!(forget(&ground, 3, 100, 10), []);
    assert_eq!(ground.store.list(None, None, 9).unwrap().len(), 2);
}

#[test]
fn beyond_so_many_those_that_ended_first_are_forgotten() {
    let ground = Ground::new();
    let ids: Vec<_> = (1..=250).map(|second| ended(&ground, second)).collect();
    assert_eq!(forget(&ground, 0, 10, 500), ids[..240]);
    assert_eq!(forget(&ground, 0, 10, 500), []);
}

#[test]
fn a_projects_builds_push_out_neither_anothers_nor_those_that_ran() {
    let ground = Ground::new();
    let other = ended_of(&ground, "demo/other", 1);
    let ran = ran(&ground, 2);
    let never_ran: Vec<_> = (3..=9).map(|second| ended(&ground, second)).collect();
    assert_eq!(forget(&ground, 0, 2, 500), never_ran[..6]);
    let kept = ground.store.list(None, None, 9).unwrap();
    let kept: Vec<_> = kept.iter().map(|kept| kept.build.id()).collect();
    assert_eq!(kept, [never_ran[6], ran, other]);
}

#[test]
fn what_is_not_over_or_not_told_is_never_forgotten() {
    let ground = Ground::new();
    ground.new_build(&Wanted::new(1));
    ground.store.claim(at(2)).unwrap().unwrap();
    ground.new_build(&Wanted {
        pull: Some(8),
        ..Wanted::stranger(3)
    });
    unsettled(&ground, 4);
    assert_eq!(forget(&ground, 1000, 0, 1000), []);
    assert_eq!(ground.store.list(None, None, 9).unwrap().len(), 3);
}

#[test]
fn a_delivery_that_comes_again_is_answered_alike_after_its_build_is_forgotten() {
    let ground = Ground::new();
    let wanted = Wanted {
        pull: Some(1),
        ..Wanted::new(1)
    };
    let first = first_answer(&ground.new_build(&wanted));
    ground.store.stop(wanted.id, at(2)).unwrap();
    let due = ground.store.due(at(2)).unwrap().unwrap();
    ground
        .store
        .settle(&due, &After::Delivered, at(2), at(2))
        .unwrap();
    drop(due);
    assert_eq!(forget(&ground, 9, 0, 9), [wanted.id]);

    let ground = ground.reopen();
    match ground.accept(wanted.asked(at(10))) {
        Accepted::Before(build) => {
            assert_eq!(first_answer(&build), first);
            assert_eq!(build.stage, Stage::Ended(Status::Canceled));
        }
        other => panic!("it was there before, but: {other:?}"),
    }
    let other = Wanted {
        project: "demo/other".to_owned(),
        ..wanted
    };
    assert_eq!(ground.accept(other.asked(at(10))), Accepted::Foreign);
}

#[test]
fn a_forgotten_build_still_overtakes_older_ones() {
    let ground = Ground::new();
    let newer = ended(&ground, 5);
    forget(&ground, 9, 0, 9);
    let late = ground.new_build(&Wanted {
        pull: Some(5),
        ..Wanted::new(1)
    });
    assert_eq!(late.stage, Stage::Ended(Status::Canceled));
    assert!(
        late.said.description.contains(&newer.to_string()),
        "{:?}",
        late.said
    );
}

#[test]
fn an_id_is_remembered_for_as_long_as_its_delivery_may_be_repeated() {
    let ground = Ground::new();
    let wanted = Wanted {
        pull: Some(5),
        ..Wanted::new(5)
    };
    let id = ended(&ground, 5);
    let repeated = Wanted { id, ..wanted };
    forget(&ground, 9, 0, 9);
    forget(&ground, 9, 0, 24 * HOUR + 600);
    let again = ground.accept(repeated.asked(at(24 * HOUR + 600)));
    assert!(matches!(again, Accepted::Before(_)), "{again:?}");
    forget(&ground, 9, 0, 26 * HOUR);
    let again = ground.accept(repeated.asked(at(26 * HOUR)));
    assert!(matches!(again, Accepted::New { .. }), "{again:?}");
}

#[test]
fn a_hold_that_nobody_releases_ends_and_says_so() {
    let ground = Ground::new();
    let held = ground.new_build(&Wanted::stranger(1));
    let queued = ground.new_build(&Wanted {
        pull: Some(8),
        ..Wanted::new(1)
    });
    assert!(ground.store.expire(at(1), at(9)).unwrap().is_empty());
    let expired = ground.store.expire(at(2), at(9)).unwrap();
    assert_eq!(expired.len(), 1);
    assert_eq!(
        ground.build(held.id()).stage,
        Stage::Ended(Status::Canceled)
    );
    assert_eq!(ground.build(queued.id()), queued);
    let due = ground.store.due(at(9)).unwrap().unwrap();
    assert!(
        due.pending
            .body
            .contains("No committer asked for it in time")
    );
}

#[test]
fn a_list_shows_the_newest_first_and_goes_on_where_it_ended() {
    let ground = Ground::new();
    for second in 1..=5 {
        let project = if second % 2 == 0 {
            "demo/even"
        } else {
            "demo/odd"
        };
        ground.new_build(&Wanted {
            project: project.to_owned(),
            ..Wanted::new(second)
        });
    }
    let seconds = |kept: &[chela_local::Kept]| -> Vec<i64> {
        let second = |kept: &chela_local::Kept| kept.build.accepted.seconds() - at(0).seconds();
        kept.iter().map(second).collect()
    };
    let page = ground.store.list(None, None, 2).unwrap();
    assert_eq!(seconds(&page), [5, 4]);
    let before = page.last().map(|kept| kept.build.id());
    assert_eq!(
        seconds(&ground.store.list(None, before, 2).unwrap()),
        [3, 2]
    );
    assert_eq!(
        seconds(&ground.store.list(Some("demo/odd"), before, 9).unwrap()),
        [3, 1]
    );
    assert!(
        ground
            .store
            .list(Some("demo/none"), None, 9)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_build_is_found_by_the_key_of_its_page_alone() {
    let ground = Ground::new();
    let wanted = Wanted::new(1);
    let build = ground.new_build(&wanted);
    let key = wanted.asked(at(1)).key;
    assert_eq!(ground.store.by_key(&key).unwrap().unwrap().build, build);
    assert_eq!(ground.store.by_key(&key[1..]).unwrap(), None);
}
