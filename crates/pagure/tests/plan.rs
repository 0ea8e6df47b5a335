//! Which flag stands: reports and deliveries in every order.

use chela_contract::{BuildId, CommitId, Context, Micros, Report, Shown, Status};
use chela_pagure::{
    Delivery, DeliveryStep, Ended, Plan, Refused, Row, Subject,
    flag::{Precision, Progress, Requester},
};
use proptest::prelude::*;
use rstest::rstest;
use url::Url;

const COMMIT: &str = "7a1b0c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b";
const START: i64 = 1_795_000_000_000_000;

fn subject() -> Subject {
    Subject {
        secret: "the forge's secret".into(),
        project: 1,
        commit: COMMIT.parse().expect("a commit"),
        pull_request: Some(7),
        job: "codebuild/hello".to_owned(),
        precision: Precision::Microseconds,
    }
}

fn build(second: i64) -> BuildId {
    BuildId::new(Micros::new(START).plus_seconds(second))
}

fn shown(second: i64, status: Status) -> Shown {
    let url = Url::parse("https://ci.example.org/1").expect("a URL");
    Shown::new(
        Micros::new(START).plus_seconds(second),
        status,
        None,
        &url,
        "",
    )
}

fn report(build: BuildId, second: i64, status: Status, context: Option<&str>) -> Report {
    let commit: CommitId = COMMIT.parse().expect("a commit");
    let context = context.map(|context| context.parse::<Context>().expect("a context"));
    let shown = shown(second, status);
    Report {
        build_id: Some(build),
        context,
        commit,
        pull_request: Some(7),
        shown,
    }
}

/// The database: what a plan or a delivery writes is there afterwards.
#[derive(Default, Clone)]
struct Rows(Vec<Row>);

impl Rows {
    fn report(&mut self, report: &Report) -> Plan {
        let plan = subject()
            .plan_report(&self.0, report)
            .expect("room for a flag");
        self.0.retain(|row| Some(&row.uid) != plan.remove.as_ref());
        if let Some(write) = &plan.write {
            self.put(&write.values);
        }
        plan
    }

    fn deliver(&mut self, build: BuildId, by: Requester, step: &DeliveryStep) -> Delivery {
        let shown = shown(0, Status::Pending);
        let delivery = subject().plan_delivery(&self.0, build, by, step, shown);
        if let Delivery::Go(Some(write)) = &delivery {
            self.put(&write.values);
        }
        delivery
    }

    fn put(&mut self, values: &chela_pagure::Values) {
        self.0.retain(|row| row.uid != values.uid);
        let context = values.context.to_string();
        self.0.push(Row {
            uid: values.uid.clone(),
            context,
            held: Some(values.held.clone()),
        });
    }

    fn statuses(&self) -> Vec<(String, Status)> {
        let of = |row: &Row| Some((row.context.clone(), row.held.as_ref()?.shown.status));
        let mut all: Vec<_> = self.0.iter().filter_map(of).collect();
        all.sort();
        all
    }
}

const BEGIN: DeliveryStep = DeliveryStep::Begin;

#[test]
fn a_time_out_after_the_target_accepted_does_not_cover_its_word() {
    let mut rows = Rows::default();
    rows.deliver(build(0), Requester::Committer, &BEGIN);
    rows.report(&report(build(0), 1, Status::Success, None));
    for step in [
        DeliveryStep::Waiting(1),
        DeliveryStep::Accepted,
        DeliveryStep::End(Status::Error),
    ] {
        let delivery = rows.deliver(build(0), Requester::Committer, &step);
        assert_eq!(delivery, Delivery::Over(Ended::Delivered));
    }
    assert_eq!(
        rows.statuses(),
        [("codebuild/hello".to_owned(), Status::Success)]
    );
}

#[test]
fn a_first_report_under_another_name_replaces_the_deliverys_flag() {
    let mut rows = Rows::default();
    rows.deliver(build(0), Requester::Committer, &BEGIN);
    rows.report(&report(build(0), 1, Status::Pending, Some("lint")));
    assert_eq!(rows.statuses(), [("lint".to_owned(), Status::Pending)]);
    let look = rows.deliver(build(0), Requester::Committer, &DeliveryStep::Look(0));
    assert_eq!(look, Delivery::Over(Ended::Delivered));
}

#[test]
fn a_report_of_an_old_build_leaves_the_flag_of_a_new_delivery() {
    let mut rows = Rows::default();
    rows.deliver(build(60), Requester::Committer, &BEGIN);
    let plan = rows.report(&report(build(0), 90, Status::Failure, Some("lint")));
    assert_eq!(plan.remove, None);
    assert_eq!(rows.statuses().len(), 2);
}

#[test]
fn the_same_report_twice_changes_and_tells_nothing() {
    let mut rows = Rows::default();
    let first = rows.report(&report(build(0), 1, Status::Success, None));
    assert!(first.write.is_some_and(|write| write.new && write.notify));
    let second = rows.report(&report(build(0), 1, Status::Success, None));
    assert_eq!(second.write, None);
}

#[test]
fn from_pending_to_pending_nobody_is_told() {
    let mut rows = Rows::default();
    rows.report(&report(build(0), 1, Status::Pending, None));
    let plan = rows.report(&report(build(0), 2, Status::Pending, None));
    assert!(plan.write.is_some_and(|write| !write.notify && !write.new));
}

#[test]
fn a_rebuild_updates_the_flag_that_it_repeats() {
    let mut rows = Rows::default();
    rows.report(&report(build(0), 50, Status::Failure, None));
    rows.report(&report(build(20), 30, Status::Pending, None));
    assert_eq!(
        rows.statuses(),
        [("codebuild/hello".to_owned(), Status::Pending)]
    );
    let late = rows.report(&report(build(0), 60, Status::Error, None));
    assert_eq!(
        late.write, None,
        "an old build never overwrites a newer one"
    );
}

#[test]
fn two_pull_requests_with_one_head_do_not_share_a_flag() {
    let other = Subject {
        pull_request: Some(8),
        ..subject()
    };
    let commit = Subject {
        pull_request: None,
        ..subject()
    };
    let fork = Subject {
        project: 2,
        ..subject()
    };
    let uids = [subject(), other, commit, fork].map(|subject| subject.uid("x"));
    let distinct: std::collections::HashSet<_> = uids.iter().collect();
    assert_eq!(distinct.len(), 4);
    assert!(uids.iter().all(|uid| uid.len() == 32));
}

#[test]
fn a_stranger_who_opens_pull_requests_with_the_same_head_takes_no_room_from_reports() {
    let mut rows = Rows::default();
    for number in 100..160 {
        let other = Subject {
            pull_request: Some(number),
            ..subject()
        };
        let step = DeliveryStep::Begin;
        let shown = shown(0, Status::Pending);
        let began = other.plan_delivery(&rows.0, build(0), Requester::Stranger, &step, shown);
        let Delivery::Go(Some(write)) = began else {
            panic!("no flag for pull request {number}: {began:?}")
        };
        rows.put(&write.values);
    }
    let plan = rows.report(&report(build(1), 1, Status::Success, Some("another name")));
    assert!(plan.write.is_some());
}

#[test]
fn flags_that_others_set_take_no_room_from_reports() {
    let foreign = |n: usize| Row {
        uid: format!("{n:032x}"),
        context: format!("someone {n}"),
        held: None,
    };
    let mut rows = Rows((0..200).map(foreign).collect());
    assert!(
        rows.report(&report(build(0), 1, Status::Success, None))
            .write
            .is_some()
    );
}

#[test]
fn the_fifty_first_context_is_refused_and_the_fifty_are_still_updated() {
    let mut rows = Rows::default();
    for n in 0..50 {
        rows.report(&report(
            build(0),
            1,
            Status::Pending,
            Some(&format!("check {n}")),
        ));
    }
    let more = report(build(0), 1, Status::Pending, Some("one more"));
    assert_eq!(
        subject().plan_report(&rows.0, &more),
        Err(Refused::TooManyContexts)
    );
    assert!(
        rows.report(&report(build(0), 2, Status::Success, Some("check 7")))
            .write
            .is_some()
    );
}

#[rstest]
#[case::second_click(Requester::Committer, 5, Requester::Committer, Some(Ended::Merged))]
#[case::later_click(Requester::Committer, 60, Requester::Committer, None)]
#[case::stranger_after_committer(
    Requester::Committer,
    60,
    Requester::Stranger,
    Some(Ended::Merged)
)]
#[case::committer_after_stranger(Requester::Stranger, 5, Requester::Committer, None)]
#[case::strangers_second_click(Requester::Stranger, 5, Requester::Stranger, Some(Ended::Merged))]
fn clicks_are_merged_but_never_weakened(
    #[case] first: Requester,
    #[case] seconds: i64,
    #[case] second: Requester,
    #[case] ended: Option<Ended>,
) {
    let mut rows = Rows::default();
    rows.deliver(build(0), first, &BEGIN);
    let delivery = rows.deliver(build(seconds), second, &BEGIN);
    if let Some(ended) = ended {
        assert_eq!(delivery, Delivery::Over(ended));
        return;
    }
    assert!(matches!(delivery, Delivery::Go(Some(_))));
    let older = rows.deliver(build(0), first, &DeliveryStep::Look(0));
    assert_eq!(older, Delivery::Over(Ended::Superseded));
}

#[test]
fn one_commit_pushed_to_two_branches_is_two_builds() {
    let commit = Subject {
        pull_request: None,
        ..subject()
    };
    let begin = |rows: &[Row], second| {
        let shown = shown(0, Status::Pending);
        commit.plan_delivery(rows, build(second), Requester::Committer, &BEGIN, shown)
    };
    let mut rows = Rows::default();
    let Delivery::Go(Some(write)) = begin(&rows.0, 0) else {
        panic!("no first build")
    };
    rows.put(&write.values);
    assert!(matches!(begin(&rows.0, 1), Delivery::Go(Some(_))));
}

#[test]
fn a_delivery_that_is_handed_out_twice_ends_once() {
    let mut rows = Rows::default();
    let by = Requester::Stranger;
    rows.deliver(build(0), by, &BEGIN);
    rows.deliver(build(0), by, &DeliveryStep::Waiting(1));
    assert_eq!(rows.deliver(build(0), by, &BEGIN), Delivery::Go(None));
    let first_again = rows.deliver(build(0), by, &DeliveryStep::Look(0));
    assert_eq!(first_again, Delivery::Over(Ended::HandedOn));
    assert_eq!(
        rows.deliver(build(0), by, &DeliveryStep::Look(1)),
        Delivery::Go(None)
    );
    rows.deliver(build(0), by, &DeliveryStep::Accepted);
    let again = rows.deliver(build(0), by, &DeliveryStep::Look(1));
    assert_eq!(again, Delivery::Over(Ended::Delivered));
    let progress = rows.0[0]
        .held
        .as_ref()
        .and_then(chela_pagure::flag::Held::progress);
    assert_eq!(progress, Some((Progress::Accepted, by)));
}

fn any_report() -> impl Strategy<Value = Report> {
    let statuses = [
        Status::Pending,
        Status::Success,
        Status::Canceled,
        Status::Failure,
        Status::Error,
    ];
    (0_i64..3, 0_i64..4, 0_usize..5, proptest::option::of("[ab]")).prop_map(
        move |(of, at, status, context)| {
            // A build id has random bits; the order looks at its time alone.
            report(build(of), at, statuses[status], context.as_deref())
        },
    )
}

proptest! {
    #[test]
    fn any_interleaving_of_reports_ends_in_the_same_flags(
        (reports, shuffled) in proptest::collection::vec(any_report(), 1..10)
            .prop_flat_map(|reports| (Just(reports.clone()), Just(reports).prop_shuffle())),
    ) {
        let end = |reports: &[Report]| {
            let mut rows = Rows::default();
            for report in reports {
                rows.report(report);
            }
            let mut all: Vec<_> =
                rows.0.into_iter().map(|row| (row.uid, row.held)).collect();
            all.sort_by(|a, b| a.0.cmp(&b.0));
            all
        };
        prop_assert_eq!(end(&reports), end(&shuffled));
    }
}
