//! The order of reports: whatever arrives in whatever order, the same report stands in the end.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is the report"
)]

use chela_contract::{Micros, Shown, Status};
use proptest::prelude::*;
use rstest::rstest;
use url::Url;

const STATUSES: [Status; 5] = [
    Status::Pending,
    Status::Success,
    Status::Canceled,
    Status::Failure,
    Status::Error,
];

fn shown() -> impl Strategy<Value = Shown> {
    // Few values, so that ties are common.
    let percent = proptest::option::of(0_u8..3);
    (0_i64..3, 0_usize..5, percent, "[ab]", "[ab]").prop_map(|(at, status, percent, path, text)| {
        let url = Url::parse(&format!("https://host/{path}")).unwrap();
        Shown::new(Micros::new(at), STATUSES[status], percent, &url, &text)
    })
}

fn last_standing(reports: &[(i64, Shown)]) -> Option<&(i64, Shown)> {
    reports.iter().fold(None, |stands, next| match stands {
        Some(stands) if stands >= next => Some(stands),
        _ => Some(next),
    })
}

proptest! {
    #[test]
    fn any_interleaving_ends_in_the_same_flag(
        (reports, shuffled) in proptest::collection::vec((0_i64..3, shown()), 1..12)
            .prop_flat_map(|reports| (Just(reports.clone()), Just(reports).prop_shuffle())),
    ) {
        prop_assert_eq!(last_standing(&reports), last_standing(&shuffled));
    }
}

#[rstest]
#[case(Status::Error, Status::Failure)]
#[case(Status::Failure, Status::Canceled)]
#[case(Status::Canceled, Status::Success)]
#[case(Status::Success, Status::Pending)]
fn of_one_moment_the_worse_news_stands(#[case] greater: Status, #[case] less: Status) {
    let url = Url::parse("https://host/").unwrap();
    let at = |status| Shown::new(Micros::new(1), status, None, &url, "");
    assert!(at(greater) > at(less));
}

#[test]
fn a_late_pending_never_reopens_a_finished_build() {
    let url = Url::parse("https://host/").unwrap();
    let success = Shown::new(Micros::new(2), Status::Success, None, &url, "a");
    let pending = Shown::new(Micros::new(1), Status::Pending, Some(99), &url, "z");
    assert!(pending < success);
}

#[test]
fn a_pipeline_whose_failed_stage_is_retried_may_turn_green() {
    let url = Url::parse("https://host/").unwrap();
    let failure = Shown::new(Micros::new(1), Status::Failure, None, &url, "z");
    let success = Shown::new(Micros::new(2), Status::Success, None, &url, "a");
    assert!(failure < success);
}
