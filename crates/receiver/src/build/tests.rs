use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::testing::{at, build, commit};

const HELD: Stage = Stage::Held { acknowledged: None };

fn queued() -> Stage {
    Stage::Queued { not_before: at(1) }
}

fn postponed() -> Happened {
    Happened::Postponed {
        why: "no answer".to_owned(),
        until: at(60),
    }
}

fn phase() -> Happened {
    Happened::Phase {
        name: "build".to_owned(),
        percent: 40,
    }
}

fn overtaken(digit: char) -> Happened {
    let by = BuildId::new(at(9));
    Happened::Overtaken(Overtaken {
        by,
        commit: Some(commit(digit)),
    })
}

const AGAIN: Happened = Happened::Interrupted { again: true };

#[rstest]
#[case(queued(), Happened::Taken, Stage::Running)]
#[case(Stage::Running, phase(), Stage::Running)]
#[case(Stage::Running, Happened::Fetched(commit('a')), Stage::Running)]
#[case(Stage::Running, postponed(), Stage::Queued { not_before: at(60) })]
#[case(Stage::Running, AGAIN, Stage::Queued { not_before: at(5) })]
#[case(Stage::Running, Happened::Interrupted { again: false }, Stage::Ended(Status::Error))]
#[case(
    Stage::Running,
    Happened::Ended(End::Succeeded),
    Stage::Ended(Status::Success)
)]
#[case(Stage::Running, overtaken('b'), Stage::Ended(Status::Canceled))]
#[case(queued(), overtaken('b'), Stage::Ended(Status::Canceled))]
#[case(HELD, overtaken('b'), Stage::Ended(Status::Canceled))]
#[case(HELD, Happened::Ended(End::Expired), Stage::Ended(Status::Canceled))]
#[case(HELD, Happened::Acknowledged(at(4)), Stage::Held { acknowledged: Some(at(4)) })]
fn a_build_goes_on(#[case] stage: Stage, #[case] what: Happened, #[case] expected: Stage) {
    let mut build = build(stage);
    build.happened(what, at(5));
    assert_eq!(build.stage, expected);
}

#[rstest]
#[case::held_taken(HELD, Happened::Taken)]
#[case::held_postponed(HELD, postponed())]
#[case::held_interrupted(HELD, AGAIN)]
#[case::held_fetched(HELD, Happened::Fetched(commit('b')))]
#[case::held_phase(HELD, phase())]
#[case::queued_phase(queued(), phase())]
#[case::queued_interrupted(queued(), AGAIN)]
#[case::running_taken(Stage::Running, Happened::Taken)]
#[case::running_acknowledged(Stage::Running, Happened::Acknowledged(at(4)))]
fn what_does_not_fit_changes_nothing(#[case] stage: Stage, #[case] what: Happened) {
    let before = build(stage);
    let mut after = before.clone();
    assert_eq!(after.happened(what, at(5)), None);
    assert_eq!(after, before);
}

#[rstest]
#[case(End::Succeeded, Status::Success, texts::SUCCEEDED)]
#[case(End::Failed("exit 1".to_owned()), Status::Failure, "exit 1")]
#[case(End::Errored("no disk".to_owned()), Status::Error, "no disk")]
#[case(End::Stopped, Status::Canceled, texts::STOPPED)]
#[case(End::Expired, Status::Canceled, texts::EXPIRED)]
fn an_end_has_its_status_and_says_why(
    #[case] end: End,
    #[case] status: Status,
    #[case] text: &str,
) {
    let report = build(Stage::Running)
        .happened(Happened::Ended(end), at(5))
        .unwrap();
    assert_eq!(
        (report.shown.status, report.shown.description.as_str()),
        (status, text)
    );
}

#[rstest]
#[case::of_another_commit('b', "Canceled: bbbbbbbbbbbb is newer")]
#[case::of_the_same('a', "is newer")]
fn an_overtaken_build_says_by_what(#[case] digit: char, #[case] text: &str) {
    let report = build(Stage::Running)
        .happened(overtaken(digit), at(5))
        .unwrap();
    assert!(report.shown.description.contains(text), "{report:?}");
    let names_build = report.shown.description.contains("build ");
    assert_eq!(names_build, digit == 'a', "{report:?}");
}

#[test]
fn the_first_acknowledgement_counts() {
    let mut held = build(HELD);
    held.happened(Happened::Acknowledged(at(4)), at(5));
    held.happened(Happened::Acknowledged(at(6)), at(7));
    let acknowledged = Some(at(4));
    assert_eq!(held.stage, Stage::Held { acknowledged });
}

#[test]
fn a_build_that_the_receivers_end_interrupts_runs_three_times_at_most() {
    let mut build = build(queued());
    for _ in 0..3 {
        assert!(!build.is_over());
        build.happened(Happened::Taken, at(5));
        build.happened(AGAIN, at(5));
    }
    assert_eq!(build.stage, Stage::Ended(Status::Error));
    assert_eq!(build.said.description, texts::INTERRUPTED_OFTEN);
}

#[test]
fn waiting_for_a_source_is_no_run() {
    let mut build = build(queued());
    for misses in 1..=9 {
        build.happened(Happened::Taken, at(5));
        build.happened(postponed(), at(5));
        assert_eq!((build.runs, build.misses), (0, misses));
    }
    build.happened(Happened::Taken, at(5));
    build.happened(Happened::Fetched(commit('a')), at(5));
    assert_eq!((build.runs, build.misses), (1, 0));
}

#[test]
fn a_build_without_a_commit_reports_once_one_is_found() {
    let mut build = build(queued());
    build.commit = None;
    assert_eq!(build.happened(Happened::Taken, at(5)), None);
    build.happened(Happened::Fetched(commit('c')), at(6));
    let report = build.happened(phase(), at(7)).unwrap();
    assert_eq!(report.commit, commit('c'));
}

#[test]
fn the_first_answer_is_the_same_however_far_the_build_is() {
    let mut build = build(queued());
    let first = first_answer(&build);
    for what in [Happened::Taken, phase(), Happened::Ended(End::Succeeded)] {
        let later = build.happened(what, at(5)).unwrap();
        assert_eq!(first_answer(&build), first);
        assert!(
            first.as_ref().unwrap().shown < later.shown,
            "what was said since stands"
        );
    }
}

fn anything() -> impl Strategy<Value = Happened> {
    let end = prop::sample::select(vec![
        End::Succeeded,
        End::Failed("x".to_owned()),
        End::Stopped,
    ]);
    prop_oneof![
        3 => Just(Happened::Taken),
        2 => Just(phase()),
        1 => Just(Happened::Fetched(commit('a'))),
        1 => Just(postponed()),
        1 => Just(AGAIN),
        1 => Just(Happened::Acknowledged(at(3))),
        1 => Just(overtaken('b')),
        1 => end.prop_map(Happened::Ended),
    ]
}

proptest! {
    #[test]
    fn reports_are_ever_later_and_what_is_over_stays(
        stage in prop::sample::select(vec![HELD, queued(), Stage::Running]),
        // The clock goes as it likes.
        steps in prop::collection::vec((anything(), 0..20_i64), 1..30),
    ) {
        let mut build = build(stage);
        let mut last = build.said.at;
        for (what, second) in steps {
            let before = build.clone();
            let report = build.happened(what, at(second));
            if before.is_over() {
                prop_assert_eq!(&build, &before);
                prop_assert_eq!(&report, &None);
            }
            if let Some(report) = report {
                prop_assert!(report.shown.at > last);
                last = report.shown.at;
                prop_assert_eq!(report.commit, build.commit.clone().unwrap());
            }
            if matches!(before.stage, Stage::Held { .. }) {
                let stays = matches!(build.stage, Stage::Held { .. } | Stage::Ended(_));
                prop_assert!(stays, "a hold became {:?}", build.stage);
            }
        }
        let json = serde_json::to_string(&build).unwrap();
        prop_assert_eq!(serde_json::from_str::<Build>(&json).unwrap(), build);
    }
}
