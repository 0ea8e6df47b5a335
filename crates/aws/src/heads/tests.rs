use chela_contract::Reason;
use rstest::rstest;

use super::*;
use crate::trigger::testing::{at, because, commit, id, request, stranger};

mod laws;

/// What a request that counts makes of the head, whatever was there.
fn head(newest: i64, digit: char) -> Head {
    Head {
        newest: id(newest),
        commit: Some(commit(digit)),
        let_through: None,
        held: None,
        ends: Vec::new(),
    }
}

fn through(second: i64, digit: char) -> Head {
    Head {
        let_through: Some(let_through(second, digit)),
        ..head(second, digit)
    }
}

fn held(second: i64, digit: char) -> Head {
    Head {
        held: Some(id(second)),
        ..head(second, digit)
    }
}

fn let_through(second: i64, digit: char) -> Let {
    Let {
        build: id(second),
        commit: Some(commit(digit)),
        origin: Origin::Committer,
    }
}

/// All that the head names is open; what is held was acknowledged at this second.
fn lane(head: Head, acknowledged: Option<i64>) -> Lane {
    let open = head.older().into_iter().map(|id| {
        let open = Open {
            acknowledged: acknowledged.map(at),
            ..Open::default()
        };
        (id, open)
    });
    Lane {
        open: open.collect(),
        head: Some(head),
    }
}

fn decided(request: &BuildRequest, lane: &Lane) -> Decision {
    decide(request, lane, Strangers::Hold)
}

fn rebuild(second: i64) -> BuildRequest {
    because(Reason::Rebuild, request(second))
}

fn by(second: i64, digit: char) -> Standing {
    Standing::Overtaken(Overtaken {
        by: id(second),
        commit: Some(commit(digit)),
    })
}

const THROUGH: Standing = Standing::Through(Origin::Committer);
const HELD: Standing = Standing::Held(Held::Stranger);

#[rstest]
#[case::a_committers(request(5), THROUGH, Some(through(5, 'a')))]
#[case::a_strangers(stranger(request(5)), HELD, Some(held(5, 'a')))]
#[case::unseen(rebuild(5), Standing::Held(Held::Unseen), Some(held(5, 'a')))]
fn the_first_request_makes_the_head(
    #[case] request: BuildRequest,
    #[case] standing: Standing,
    #[case] head: Option<Head>,
) {
    let decision = decided(&request, &Lane::default());
    assert_eq!(decision, Decision { standing, head });
}

#[rstest]
#[case::after_a_running_one(request(5), through(1, 'b'), vec![1], THROUGH)]
#[case::after_a_held_one(request(5), held(1, 'b'), vec![1], THROUGH)]
#[case::a_strangers_other_commit(stranger(request(5)), through(1, 'b'), vec![1], HELD)]
#[case::a_strangers_same_commit(stranger(request(5)), through(1, 'a'), vec![], HELD)]
#[case::a_strangers_after_a_held_one(stranger(request(5)), held(1, 'a'), vec![1], HELD)]
#[case::a_rebuild_of_what_ran(rebuild(5), through(1, 'a'), vec![1], THROUGH)]
#[case::a_rebuild_of_something_else(rebuild(5), through(1, 'b'), vec![1], Standing::Held(Held::Unseen))]
fn a_newer_request_ends_what_is_older(
    #[case] request: BuildRequest,
    #[case] before: Head,
    #[case] ends: Vec<i64>,
    #[case] standing: Standing,
) {
    let decision = decided(&request, &lane(before, None));
    assert_eq!(decision.standing, standing);
    let head = decision.head.expect("the newest one is kept");
    assert_eq!(head.newest, id(5));
    assert_eq!(head.ends, ends.into_iter().map(id).collect::<Vec<_>>());
}

#[rstest]
#[case::never_shown('a', None, Standing::Held(Held::Unseen))]
#[case::shown_later('a', Some(6), Standing::Held(Held::Unseen))]
#[case::shown_before('a', Some(4), Standing::Through(Origin::Stranger))]
#[case::another_commit_was_shown('b', Some(4), Standing::Held(Held::Unseen))]
fn a_rebuild_releases_the_commit_that_was_shown_before(
    #[case] shown: char,
    #[case] acknowledged: Option<i64>,
    #[case] standing: Standing,
) {
    let lane = lane(held(1, shown), acknowledged);
    assert_eq!(decided(&rebuild(5), &lane).standing, standing);
}

#[test]
fn a_hold_that_is_over_releases_nothing() {
    let mut lane = lane(held(1, 'a'), Some(4));
    lane.open.clear();
    let decision = decided(&rebuild(5), &lane);
    assert_eq!(decision.standing, Standing::Held(Held::Unseen));
}

#[rstest]
#[case::running(through(9, 'b'))]
#[case::held(held(9, 'b'))]
fn a_request_that_comes_after_a_newer_one_is_over(#[case] before: Head) {
    for request in [request(5), stranger(request(5)), rebuild(5)] {
        let decision = decided(&request, &lane(before.clone(), Some(1)));
        assert_eq!(decision.standing, by(9, 'b'));
    }
}

#[test]
fn a_strangers_request_that_comes_first_stops_no_committers_of_the_same_commit() {
    let decision = decided(&request(5), &lane(held(9, 'a'), None));
    assert_eq!(decision.standing, THROUGH);
    let expected = Head {
        let_through: Some(let_through(5, 'a')),
        ..held(9, 'a')
    };
    assert_eq!(decision.head, Some(expected));
}

#[test]
fn who_is_killed_before_the_older_ones_have_ended_finds_them_again() {
    let first = decided(&request(5), &lane(through(1, 'b'), None))
        .head
        .expect("kept");
    let again = decided(&request(5), &lane(first.clone(), None));
    assert_eq!((again.standing, again.head), (THROUGH, None));
    assert_eq!(first.ends, [id(1)]);
    // Whoever comes next ends them too, until they are closed.
    let mut lane = lane(first, None);
    let next = decided(&request(7), &lane).head.expect("kept");
    assert_eq!(next.ends, [id(1), id(5)]);
    lane.open.remove(&id(1));
    let next = decided(&request(7), &lane).head.expect("kept");
    assert_eq!(next.ends, [id(5)]);
}

#[test]
fn what_was_to_end_before_does_not_run_on_because_a_stranger_asks_for_it_again() {
    let head = Head {
        let_through: Some(let_through(1, 'a')),
        ends: vec![id(1)],
        ..held(9, 'a')
    };
    assert_eq!(settled(&request(1), &head), Some(by(9, 'a')));
    let head = Head {
        ends: Vec::new(),
        ..head
    };
    assert_eq!(settled(&request(1), &head), Some(THROUGH));
}

#[test]
fn what_is_refused_leaves_no_trace() {
    let lane = lane(through(1, 'a'), None);
    let decision = decide(&stranger(request(5)), &lane, Strangers::Refuse);
    assert_eq!(
        (decision.standing, decision.head),
        (Standing::Refused, None)
    );
}

#[test]
fn builds_of_commits_know_of_nothing_else() {
    let mut push = because(Reason::Pushed, request(5));
    push.pull_request = None;
    assert_eq!(alone(&push, Strangers::Hold), THROUGH);
    assert_eq!(alone(&stranger(push.clone()), Strangers::Hold), HELD);
    assert_eq!(alone(&stranger(push), Strangers::Refuse), Standing::Refused);
}
