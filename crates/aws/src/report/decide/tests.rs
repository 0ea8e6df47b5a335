use rstest::rstest;

use super::super::testing::{
    action, asked, at, begun, build, event, finished, link, overtaken, pipeline, stage, started,
    strangers,
};
use super::*;
use crate::record::Service::{self, CodeBuild, CodePipeline};

fn desk() -> Desk {
    Desk {
        region: "eu-central-1".to_owned(),
    }
}

fn fresh() -> Open {
    Open::default()
}

/// Effect, status, percent and description of what is told.
type Line = (Effect, Status, Option<u8>, String);

fn line(telling: &Telling) -> Line {
    let shown = &telling.report.shown;
    let (status, percent) = (shown.status, shown.percent);
    (telling.effect, status, percent, shown.description.clone())
}

fn said(decided: &Decided) -> Option<Line> {
    match decided {
        Decided::Tell(telling) => Some(line(telling)),
        Decided::Nothing | Decided::Note(_) | Decided::Late(_) => None,
    }
}

fn tells(effect: Effect, status: Status, percent: Option<u8>, text: &str) -> Line {
    (effect, status, percent, text.to_owned())
}

#[rstest]
#[case::it_begins(
    CodeBuild,
    build("IN_PROGRESS"),
    Some(tells(Effect::Passing, Status::Pending, None, "Runs in CodeBuild"))
)]
#[case::the_next_phase(
    CodeBuild,
    finished("PRE_BUILD", "SUCCEEDED"),
    Some(tells(Effect::Passing, Status::Pending, Some(40), "Phase BUILD"))
)]
#[case::the_last_phase(CodeBuild, finished("FINALIZING", "SUCCEEDED"), None)]
#[case::success(
    CodeBuild,
    build("SUCCEEDED"),
    Some(tells(Effect::Last, Status::Success, None, "The build succeeded"))
)]
#[case::a_time_out(
    CodeBuild,
    build("TIMED_OUT"),
    Some(tells(
        Effect::Last,
        Status::Error,
        None,
        "Stopped: it took longer than the CodeBuild project allows"
    ))
)]
#[case::a_stage(
    CodePipeline,
    stage("Deploy", "STARTED"),
    Some(tells(Effect::Passing, Status::Pending, Some(50), "Stage Deploy, 2 of 2"))
)]
#[case::an_unknown_stage(
    CodePipeline,
    stage("New", "STARTED"),
    Some(tells(Effect::Passing, Status::Pending, None, "Stage New"))
)]
#[case::superseded(
    CodePipeline,
    pipeline("SUPERSEDED"),
    Some(tells(
        Effect::Last,
        Status::Canceled,
        None,
        "Overtaken by another execution; the pipeline’s execution mode decides"
    ))
)]
#[case::a_retry(
    CodePipeline,
    pipeline("RESUMED"),
    Some(tells(
        Effect::Reopens,
        Status::Pending,
        None,
        "Runs again: a failed stage of the pipeline is retried"
    ))
)]
#[case::a_stage_that_ends(CodePipeline, stage("Deploy", "SUCCEEDED"), None)]
fn an_open_build_is_told_as_the_engine_has_it(
    #[case] service: Service,
    #[case] what: What,
    #[case] expected: Option<Line>,
) {
    let decided = desk().event(&event(service, 5, what), &started(service), Some(&fresh()));
    assert_eq!(said(&decided), expected);
}

/// When a pipeline's flag is said to show this, in microseconds after the second of the event.
fn said_at(what: What) -> i64 {
    let event = event(CodePipeline, 5, what);
    let decided = desk().event(&event, &started(CodePipeline), Some(&fresh()));
    let Decided::Tell(telling) = decided else {
        panic!("nothing is told, but {decided:?}");
    };
    telling.report.shown.at.get() - event.at.whole_second().get()
}

#[rstest]
#[case::the_whole(pipeline("STOPPING"))]
#[case::a_stage(stage("Deploy", "STOPPING"))]
fn that_it_is_being_stopped_stands_above_what_began_in_the_same_second(#[case] stops: What) {
    let at = said_at(stops);
    for begins in [
        pipeline("STARTED"),
        stage("Deploy", "STARTED"),
        action("Deploy", "Approve", "STARTED"),
    ] {
        assert!(said_at(begins) < at);
    }
    assert!(at <= said_at(pipeline("STOPPED")));
}

#[test]
fn a_report_says_which_flag_it_is_for_and_where_the_log_is() {
    let record = started(CodeBuild);
    let event = event(CodeBuild, 5, build("FAILED"));
    let Decided::Tell(telling) = desk().event(&event, &record, Some(&fresh())) else {
        panic!("an end is told");
    };
    let body = telling.report.to_body();
    insta::assert_snapshot!(body.replace(&record.id().to_string(), "<build>"), @r#"{"type":"build.reported","timestamp":"2025-11-22T20:00:05.000000Z","data":{"build_id":"<build>","context":"x/hello","status":"failure","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","pull_request":7,"description":"The build failed","url":"https://console.example.org/build"}}"#);
    assert_eq!(telling.project.fullname(), "demo/hello");
    assert_eq!(telling.build, record.id());
}

#[test]
fn before_the_start_a_report_leads_to_the_projects_page() {
    let record = overtaken(asked(CodePipeline), 3);
    let Standing::Over(telling) = desk().standing(&record, &fresh(), at(4)) else {
        panic!("it is over");
    };
    let url = &telling.report.shown.url;
    assert!(url.contains("/codepipeline/pipelines/release/"), "{url}");
    assert_ne!(url, link().as_str());
}

#[rstest]
#[case::progress(CodeBuild, finished("BUILD", "SUCCEEDED"), None)]
#[case::a_stage(CodePipeline, stage("Deploy", "STARTED"), None)]
#[case::a_late_failure(CodePipeline, action("Deploy", "Install", "STARTED"), None)]
#[case::an_end(CodeBuild, build("STOPPED"), Some(Effect::Last))]
#[case::a_retry(CodePipeline, pipeline("RESUMED"), Some(Effect::Reopens))]
#[case::a_retried_stage(CodePipeline, stage("Deploy", "RESUMED"), Some(Effect::Reopens))]
fn of_a_closed_build_only_an_end_and_a_retry_are_news(
    #[case] service: Service,
    #[case] what: What,
    #[case] expected: Option<Effect>,
) {
    let decided = desk().event(&event(service, 5, what), &started(service), None);
    assert_eq!(said(&decided).map(|line| line.0), expected);
}

#[rstest]
#[case::progress(finished("BUILD", "SUCCEEDED"), Some(fresh()), None)]
#[case::an_end(build("SUCCEEDED"), Some(fresh()), Some(Status::Canceled))]
#[case::an_end_when_all_is_told(build("SUCCEEDED"), None, None)]
fn our_own_end_wins_over_the_engines(
    #[case] what: What,
    #[case] open: Option<Open>,
    #[case] expected: Option<Status>,
) {
    let record = overtaken(started(CodeBuild), 3);
    let decided = desk().event(&event(CodeBuild, 5, what), &record, open.as_ref());
    assert_eq!(said(&decided).map(|line| line.1), expected);
    if let Decided::Tell(telling) = decided {
        assert_eq!(
            telling.report.shown.at,
            at(3),
            "it bears our end's own moment"
        );
    }
}

#[test]
fn a_retry_does_not_open_what_we_have_ended() {
    let record = overtaken(started(CodePipeline), 3);
    let resumed = event(CodePipeline, 5, pipeline("RESUMED"));
    assert_eq!(desk().event(&resumed, &record, None), Decided::Nothing);
    assert_eq!(
        desk().event(&resumed, &record, Some(&fresh())),
        Decided::Nothing
    );
}

#[test]
fn an_action_that_fails_is_kept_for_the_pipelines_end() {
    let record = started(CodePipeline);
    let failed = event(CodePipeline, 5, action("Deploy", "Install", "FAILED"));
    let Decided::Note(what) = desk().event(&failed, &record, Some(&fresh())) else {
        panic!("it is kept");
    };
    let open = Open {
        failed: Some(what),
        ..fresh()
    };
    let end = |word| {
        let end = event(CodePipeline, 6, pipeline(word));
        said(&desk().event(&end, &record, Some(&open))).unwrap().3
    };
    assert_eq!(
        end("FAILED"),
        "The pipeline failed: action Install of stage Deploy"
    );
    assert_eq!(end("SUCCEEDED"), "The pipeline succeeded");
}

#[test]
fn an_action_that_fails_after_the_pipelines_end_was_told_is_late_unless_the_end_is_ours() {
    let failed = event(CodePipeline, 5, action("Deploy", "Install", "FAILED"));
    let part = "action Install of stage Deploy".to_owned();
    let record = started(CodePipeline);
    assert_eq!(desk().event(&failed, &record, None), Decided::Late(part));
    let ours = overtaken(record, 3);
    assert_eq!(desk().event(&failed, &ours, None), Decided::Nothing);
}

#[rstest]
#[case("FAILED", Some("The pipeline failed: action Install of stage Deploy"))]
#[case("SUCCEEDED", None)]
fn only_a_failure_names_what_failed(#[case] word: &str, #[case] text: Option<&str>) {
    let end = event(CodePipeline, 6, pipeline(word));
    let Decided::Tell(telling) = desk().event(&end, &started(CodePipeline), Some(&fresh())) else {
        panic!("an end is told");
    };
    let named = telling.naming("action Install of stage Deploy");
    let shown = named.as_ref().map(|report| &report.shown);
    assert_eq!(shown.map(|shown| shown.description.as_str()), text);
    // It stands above what it repeats.
    assert!(shown.is_none_or(|shown| *shown != telling.report.shown));
    assert!(shown.is_none_or(|shown| shown.at == telling.report.shown.at));
}

#[test]
fn another_execution_of_the_same_build_is_none_of_ours() {
    let mut other = event(CodeBuild, 5, build("SUCCEEDED"));
    other.execution = "hello:another".to_owned();
    let record = started(CodeBuild);
    assert_eq!(
        desk().event(&other, &record, Some(&fresh())),
        Decided::Nothing
    );
}

fn claims() -> Event {
    Event {
        initiator: Some("trigger/trigger".to_owned()),
        ..event(CodeBuild, 5, build("IN_PROGRESS"))
    }
}

fn by(initiator: Option<&str>) -> Event {
    Event {
        initiator: initiator.map(str::to_owned),
        ..claims()
    }
}

fn of_project(name: &str) -> Event {
    let mut event = claims();
    event.target.name = name.to_owned();
    event
}

#[rstest]
#[case::ours(claims(), asked(CodeBuild), true)]
#[case::ours_and_known(claims(), started(CodeBuild), true)]
#[case::inside_a_pipeline(by(Some("codepipeline/release")), asked(CodeBuild), false)]
#[case::by_nobody(by(None), asked(CodeBuild), false)]
#[case::of_another_project(of_project("other"), asked(CodeBuild), false)]
#[case::of_a_pipelines_build(claims(), asked(CodePipeline), false)]
#[case::of_a_held_build(claims(), strangers(asked(CodeBuild)), false)]
#[case::a_retry_by_hand(Event { execution: "hello:2".to_owned(), ..claims() }, started(CodeBuild), false)]
fn a_build_is_adopted_only_if_it_can_be_no_other(
    #[case] event: Event,
    #[case] record: Record,
    #[case] expected: bool,
) {
    assert_eq!(adopts(&event, &record), expected);
}

const DAY: i64 = 24 * 60 * 60;

fn acknowledged() -> Open {
    Open {
        acknowledged: Some(at(2)),
        ..fresh()
    }
}

fn unknown_commit(mut record: Record) -> Record {
    record.request.source.commit = None;
    record
}

#[rstest]
#[case::overtaken(
    overtaken(started(CodeBuild), 3),
    fresh(),
    9,
    "Canceled: somebody’s build is newer"
)]
#[case::started(started(CodeBuild), fresh(), 40 * DAY, "runs")]
#[case::not_yet_started(asked(CodeBuild), fresh(), DAY, "waits")]
#[case::never_started(asked(CodeBuild), fresh(), 25 * 60 * 60,
    "It was not started within a day; ask for a rebuild")]
#[case::held(strangers(asked(CodeBuild)), acknowledged(), 29 * DAY, "waits")]
#[case::held_and_not_told(strangers(asked(CodeBuild)), fresh(), 2 * DAY, "waits")]
#[case::held_for_too_long(strangers(asked(CodeBuild)), acknowledged(), 30 * DAY,
    "No committer asked for it in time; a rebuild can still be asked for")]
#[case::of_no_known_commit(
    unknown_commit(overtaken(asked(CodeBuild), 3)),
    fresh(),
    9,
    "unspeakable"
)]
fn an_open_build_stands_somewhere(
    #[case] record: Record,
    #[case] open: Open,
    #[case] second: i64,
    #[case] expected: &str,
) {
    let told = match desk().standing(&record, &open, at(second)) {
        Standing::Over(telling) => {
            assert_eq!(telling.effect, Effect::Last);
            telling.report.shown.description
        }
        Standing::Runs => "runs".to_owned(),
        Standing::Waits => "waits".to_owned(),
        Standing::Unspeakable => "unspeakable".to_owned(),
    };
    assert_eq!(told, expected);
}

#[test]
fn a_committers_rebuild_that_came_too_early_is_held_once_pagure_knows() {
    let mut record = asked(CodeBuild);
    record.origin = None;
    let waits = |open: &Open| desk().standing(&record, open, at(2 * DAY)) == Standing::Waits;
    assert!(waits(&acknowledged()));
    assert!(!waits(&fresh()));
}

#[test]
fn what_aws_has_forgotten_ends_with_an_error() {
    let record = begun(asked(CodeBuild));
    let telling = desk()
        .seen(&record, &fresh(), &Seen::Forgotten, at(9))
        .unwrap();
    let expected = "AWS no longer knows this build; ask for a rebuild".to_owned();
    assert_eq!(
        line(&telling),
        (Effect::Last, Status::Error, None, expected)
    );
    assert_eq!(telling.report.shown.at, at(9));
}
