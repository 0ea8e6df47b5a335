use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::testing::{at, because, commit, request, stranger};

const ROOM: Bounds = Bounds {
    queued: 10,
    held: 10,
};

fn decide(request: &BuildRequest, known: &Known) -> Admission {
    admit(request, known, Strangers::Hold, ROOM)
}

fn queue(origin: Origin) -> Admission {
    let overtakes = Vec::new();
    Admission::Queue { origin, overtakes }
}

fn hold(why: Held) -> Admission {
    let overtakes = Vec::new();
    Admission::Hold { why, overtakes }
}

fn acknowledged(second: i64) -> Known {
    Known {
        acknowledged: Some(at(second)),
        ..Known::default()
    }
}

fn cleared(origin: Origin) -> Known {
    Known {
        cleared: Some(origin),
        ..Known::default()
    }
}

#[rstest]
#[case(Reason::Opened)]
#[case(Reason::Updated)]
#[case(Reason::Pushed)]
fn what_a_committer_made_is_a_committers(#[case] reason: Reason) {
    assert_eq!(
        decide(&because(reason, 9), &Known::default()),
        queue(Origin::Committer)
    );
}

#[rstest]
#[case::nothing_known(Known::default(), hold(Held::Unseen))]
#[case::before_the_hold_was_shown(acknowledged(10), hold(Held::Unseen))]
#[case::in_the_same_moment(acknowledged(9), hold(Held::Unseen))]
#[case::after_it_was_shown(acknowledged(8), queue(Origin::Stranger))]
#[case::let_through_before(cleared(Origin::Stranger), queue(Origin::Stranger))]
#[case::a_committers_before(cleared(Origin::Committer), queue(Origin::Committer))]
fn a_rebuild_releases_what_its_committer_has_seen(
    #[case] known: Known,
    #[case] expected: Admission,
) {
    assert_eq!(decide(&because(Reason::Rebuild, 9), &known), expected);
}

#[rstest]
#[case::never_held(Known::default(), hold(Held::Unseen))]
#[case::asked_for_too_early(acknowledged(9), hold(Held::Unseen))]
#[case::seen(acknowledged(8), queue(Origin::Committer))]
fn a_branch_of_the_project_itself_waits_like_any_other(
    #[case] known: Known,
    #[case] expected: Admission,
) {
    let mut rebuild = because(Reason::Rebuild, 9);
    if let Some(pull) = &mut rebuild.pull_request {
        pull.from_fork = false;
    }
    assert_eq!(decide(&rebuild, &known), expected);
}

#[rstest]
#[case::nothing_known(Known::default())]
#[case::a_committer_could_release_it(acknowledged(1))]
#[case::it_was_let_through(cleared(Origin::Committer))]
fn a_stranger_is_held_whatever_is_known(#[case] known: Known) {
    let mut nobody = stranger(9);
    nobody.requested_by = None;
    for request in [stranger(9), nobody] {
        assert_eq!(decide(&request, &known), hold(Held::Stranger));
        let refused = admit(&request, &known, Strangers::Refuse, ROOM);
        assert_eq!(refused, Admission::Refused);
    }
}

#[rstest]
#[case(Reason::Updated, queue(Origin::Stranger))]
#[case(Reason::Rebuild, hold(Held::Unseen))]
fn a_head_that_the_forge_does_not_know_is_nobodys_word(
    #[case] reason: Reason,
    #[case] expected: Admission,
) {
    let mut request = because(reason, 9);
    request.source.commit = None;
    assert_eq!(decide(&request, &acknowledged(1)), expected);
}

fn other(second: i64, digit: char, stage: Stage) -> Other {
    Other {
        id: request(second).build_id,
        commit: Some(commit(digit)),
        stage,
    }
}

/// One of each kind, all older.
fn others() -> Known {
    let queued = Stage::Queued { not_before: at(0) };
    let held = Stage::Held { acknowledged: None };
    Known {
        others: vec![
            other(1, 'a', Stage::Running),
            other(2, 'b', Stage::Running),
            other(3, 'a', queued),
            other(4, 'b', queued),
            other(5, 'a', held),
            other(6, 'b', held),
        ],
        ..Known::default()
    }
}

fn overtaken(admission: &Admission, known: &Known) -> Vec<usize> {
    let (Admission::Queue { overtakes, .. } | Admission::Hold { overtakes, .. }) = admission else {
        panic!("it is kept, not {admission:?}");
    };
    let place = |id: &BuildId| known.others.iter().position(|other| other.id == *id);
    overtakes.iter().filter_map(place).collect()
}

#[test]
fn a_newer_build_ends_all_older_ones_of_its_pull_request() {
    let known = others();
    assert_eq!(
        overtaken(&decide(&request(9), &known), &known),
        [0, 1, 2, 3, 4, 5]
    );
}

#[test]
fn a_stranger_ends_no_build_of_the_same_commit_that_was_let_through() {
    let known = others();
    assert_eq!(
        overtaken(&decide(&stranger(9), &known), &known),
        [1, 3, 4, 5]
    );
}

#[test]
fn a_push_ends_nothing_and_is_ended_by_nothing() {
    let mut known = others();
    known.newest = Some((request(99).build_id, None));
    let mut push = because(Reason::Pushed, 9);
    push.pull_request = None;
    assert_eq!(decide(&push, &known), queue(Origin::Committer));
}

#[test]
fn who_comes_after_a_newer_build_is_over_whoever_asks() {
    let by = request(9).build_id;
    let known = Known {
        newest: Some((by, Some(commit('b')))),
        queued: 99,
        held: 99,
        ..Known::default()
    };
    let expected = Admission::Overtaken {
        by,
        commit: Some(commit('b')),
    };
    assert_eq!(decide(&request(8), &known), expected);
    assert_eq!(decide(&stranger(8), &known), expected);
}

#[rstest]
#[case::queue(request(9), Known { queued: 10, ..Known::default() }, true)]
#[case::queue_has_room(request(9), Known { queued: 9, held: 99, ..Known::default() }, false)]
#[case::hold(stranger(9), Known { held: 10, ..Known::default() }, true)]
#[case::hold_has_room(stranger(9), Known { queued: 99, held: 9, ..Known::default() }, false)]
fn each_kind_of_waiting_has_its_bound(
    #[case] request: BuildRequest,
    #[case] known: Known,
    #[case] full: bool,
) {
    assert_eq!(decide(&request, &known) == Admission::Full, full);
}

proptest! {
    #[test]
    fn nothing_is_let_through_that_nobody_who_can_push_asked_for(
        can_push: bool,
        rebuild: bool,
        known_commit: bool,
        ack in prop::option::of(0..20_i64),
        clear in prop::option::of(prop::sample::select(vec![Origin::Committer, Origin::Stranger])),
    ) {
        let reason = if rebuild { Reason::Rebuild } else { Reason::Updated };
        let mut request = because(reason, 9);
        if let Some(by) = &mut request.requested_by {
            by.can_push = can_push;
        }
        if !known_commit {
            request.source.commit = None;
        }
        let known = Known { acknowledged: ack.map(at), cleared: clear, ..others() };
        let decision = decide(&request, &known);
        let through = matches!(decision, Admission::Queue { .. });
        let seen = known_commit && (clear.is_some() || ack.is_some_and(|ack| ack < 9));
        prop_assert_eq!(through, can_push && (!rebuild || seen));
        // Deciding again decides the same.
        prop_assert_eq!(decide(&request, &known), decision);
    }
}
