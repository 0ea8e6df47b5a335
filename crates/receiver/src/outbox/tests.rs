use std::time::Duration;

use chela_outbound::Answer;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::testing::at;

fn pending() -> Pending {
    Pending {
        id: "0199a1c2-6f0e-7c3a-9d6b-2f6f1f1f0a11-1".to_owned(),
        body: "{}".to_owned(),
        first_at: at(0),
        attempts: 0,
        not_before: at(0),
    }
}

fn retry(after: Option<Duration>) -> Verdict {
    Verdict::Retry {
        reason: "no answer".to_owned(),
        after,
    }
}

fn decide(pending: Pending, verdict: Verdict, second: i64) -> After {
    let at = at(second);
    after_attempt(pending, Attempted { verdict, at }, 0.0)
}

#[test]
fn what_is_taken_is_delivered_and_what_is_refused_is_dropped_with_its_reason() {
    assert_eq!(decide(pending(), Verdict::Accepted, 1), After::Delivered);
    let reason = "400: data.url".to_owned();
    let refused = Verdict::Refused {
        reason: reason.clone(),
    };
    assert_eq!(decide(pending(), refused, 1), After::Dropped { reason });
}

#[rstest]
#[case::soon(None, 6)]
#[case::as_the_forge_asks(Some(Duration::from_secs(100)), 101)]
fn silence_is_tried_again_with_the_same_name_and_body(
    #[case] asked: Option<Duration>,
    #[case] second: i64,
) {
    let After::Again {
        pending: next,
        reason,
    } = decide(pending(), retry(asked), 1)
    else {
        panic!("it is tried again");
    };
    let expected = Pending {
        attempts: 1,
        not_before: at(second),
        ..pending()
    };
    assert_eq!((next, reason.as_str()), (expected, "no answer"));
}

/// When the report was given up, and why.
fn given_up(mut report: Pending, jitter: f64) -> (Micros, String) {
    for _ in 0..1000 {
        let at = report.not_before;
        let verdict = retry(None);
        match after_attempt(report, Attempted { verdict, at }, jitter) {
            After::Again { pending, .. } => {
                assert!(pending.not_before > at, "each attempt is later");
                report = pending;
            }
            After::Dropped { reason } => return (at, reason),
            After::Delivered => panic!("nobody took it"),
        }
    }
    panic!("it is tried for ever");
}

proptest! {
    #[test]
    fn a_report_is_tried_for_a_day_and_then_dropped(jitter in 0.0..=1.0_f64) {
        let (when, reason) = given_up(pending(), jitter);
        prop_assert_eq!(when, at(24 * 60 * 60));
        prop_assert!(reason.contains("no answer"));
    }
}

#[test]
fn a_hold_is_acknowledged_by_the_forges_clock_not_before_it_answered() {
    let answer = |date| Answer {
        status: 200,
        date,
        retry_after: None,
        content_type: None,
        location: None,
        body: Vec::new(),
        truncated: false,
    };
    assert_eq!(acknowledged_at(&answer(Some(at(5))), at(100)), at(6));
    assert_eq!(acknowledged_at(&answer(None), at(100)), at(100));
}
