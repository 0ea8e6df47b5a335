//! A call that fails, whichever it is.

use chela_contract::Status;
use rstest::rstest;

use super::crashes::settled;
use crate::trigger::fake::{Effect, Fake, Fault, Kind, RunState};
use crate::trigger::play::Pagure;
use crate::trigger::testing::{id, queued, request};

fn calls() -> usize {
    let fake = Fake::new();
    older(&fake);
    let before = fake.calls.borrow().len();
    fake.deliver(queued(request(2)), 1);
    let all = fake.calls.borrow().len();
    all - before
}

/// A build that is overtaken by the one that is looked at.
fn older(fake: &Fake) {
    assert_eq!(fake.deliver(queued(request(1)), 1), []);
    fake.report(&mut Pagure::default());
}

#[rstest]
fn a_call_that_fails_for_now_delays_a_build_and_nothing_more(
    #[values(Effect::None, Effect::Hidden)] effect: Effect,
) {
    for call in 0..calls() {
        let fake = Fake::new();
        older(&fake);
        let call = fake.calls.borrow().len() + call;
        let kind = Kind::Passing;
        *fake.faults.borrow_mut() = vec![Fault { call, effect, kind }];
        assert_eq!(fake.deliver(queued(request(2)), 1), []);
        let failed = fake.calls.borrow()[call];
        let mut pagure = Pagure::default();
        settled(&fake, &mut pagure);
        assert_eq!(fake.states(id(1)), [RunState::Stopped], "{failed}");
        assert_eq!(fake.states(id(2)), [RunState::Succeeded], "{failed}");
        assert_eq!(pagure.status(id(2)), Some(Status::Success), "{failed}");
        assert!(fake.open.borrow().is_empty(), "{failed}");
    }
}

#[rstest]
fn a_call_that_fails_for_good_ends_a_build_or_does_not_matter(
    #[values(Effect::None, Effect::Hidden)] effect: Effect,
) {
    let mut errors = 0;
    for call in 0..calls() {
        let fake = Fake::new();
        older(&fake);
        let call = fake.calls.borrow().len() + call;
        let kind = Kind::Denied;
        *fake.faults.borrow_mut() = vec![Fault { call, effect, kind }];
        assert_eq!(fake.deliver(queued(request(2)), 1), []);
        let failed = fake.calls.borrow()[call];
        // Whatever was started for a build that ended with an error does not run on.
        let mut pagure = Pagure::default();
        fake.report(&mut pagure);
        if pagure.status(id(2)) == Some(Status::Error) {
            errors += 1;
            assert!(!fake.states(id(2)).contains(&RunState::Runs), "{failed}");
            assert!(
                pagure
                    .says(id(2))
                    .contains("does not let this function call")
            );
        }
        settled(&fake, &mut pagure);
        assert!(fake.starts(id(2)) <= 1, "{failed}");
        let status = pagure.status(id(2));
        assert!(
            matches!(status, Some(Status::Success | Status::Error)),
            "{failed}: {status:?}"
        );
        assert!(
            fake.open.borrow().keys().all(|open| *open != id(2)),
            "{failed}"
        );
    }
    assert!(errors > 5);
}
