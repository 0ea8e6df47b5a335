use rstest::rstest;
use serde_json::Value;

use super::*;

/// What is no end; every other word is one.
const GOING: [&str; 7] = [
    "IN_PROGRESS",
    "InProgress",
    "STARTED",
    "RESUMED",
    "STOPPING",
    "Stopping",
    "",
];
const PLACE: Place = Place { position: 2, of: 3 };

fn words(group: &str, list: &str) -> Vec<String> {
    let all: Value = serde_json::from_str(include_str!("../../models/words.json")).unwrap();
    let words: Vec<String> = serde_json::from_value(all[group][list].clone()).unwrap();
    assert!(words.len() >= 4, "{group}.{list} is not in words.json");
    words
}

#[track_caller]
fn ends_as_its_word_says(word: &str, state: &State) {
    let goes = GOING.contains(&word);
    assert_eq!(state.last(), !goes, "{word}: {state:?}");
    assert_eq!(state.status == Status::Pending, goes, "{word}: {state:?}");
    assert!(goes || state.percent.is_none(), "{word}: {state:?}");
}

#[test]
fn every_status_of_a_codebuild_build_is_known_and_every_end_ends_the_flag() {
    for word in words("codebuild", "StatusType") {
        let state = known_build_status(&word, None).expect(&word);
        ends_as_its_word_says(&word, &state);
    }
}

#[rstest]
#[case::interface("codepipeline", "PipelineExecutionStatus")]
#[case::events("events", "CodePipeline Pipeline Execution State Change")]
fn every_status_of_an_execution_is_known_and_every_end_ends_the_flag(
    #[case] group: &str,
    #[case] list: &str,
) {
    for word in words(group, list) {
        let state = known_execution(&word).expect(&word);
        ends_as_its_word_says(&word, &state);
    }
}

#[rstest]
#[case::stages("codepipeline", "StageExecutionStatus")]
#[case::actions("codepipeline", "ActionExecutionStatus")]
#[case::events_of_stages("events", "CodePipeline Stage Execution State Change")]
#[case::events_of_actions("events", "CodePipeline Action Execution State Change")]
fn no_stage_or_action_ends_the_flag_and_its_end_is_not_said(
    #[case] group: &str,
    #[case] list: &str,
) {
    for word in words(group, list) {
        assert!(Word::read(&word).is_some(), "{word} is not known");
        let stage = pipeline_stage("Deploy", Some(PLACE), &word);
        assert_eq!(stage.is_some(), GOING.contains(&word.as_str()), "{word}");
        let action = pipeline_action("Deploy", Some(PLACE), "Copy", &word);
        for state in [stage, action].into_iter().flatten() {
            assert_eq!(state.status, Status::Pending, "{word}");
            assert!(!state.last(), "{word}");
        }
    }
}

#[test]
fn every_phase_of_codebuild_is_known_in_the_order_in_which_they_run() {
    let names: Vec<&str> = PHASES.iter().map(|(name, _)| *name).collect();
    assert_eq!(words("codebuild", "BuildPhaseType"), names);
    assert!(PHASES.is_sorted_by(|(_, before), (_, after)| before < after));
}

#[test]
fn a_finished_phase_ends_no_flag_whatever_its_status_and_progress_never_falls() {
    let mut before = 0;
    let statuses = words(
        "events",
        "CodeBuild Build Phase Change: completed-phase-status",
    );
    for phase in words("codebuild", "BuildPhaseType") {
        for status in statuses.iter().map(String::as_str).chain([""]) {
            let state = codebuild_phase_finished(&phase, status);
            let silent = ["FINALIZING", "COMPLETED"].contains(&phase.as_str());
            assert_eq!(state.is_none(), silent, "{phase} {status}");
            let Some(state) = state else { continue };
            assert_eq!(state.status, Status::Pending, "{phase} {status}");
            assert!(!state.last(), "{phase} {status}");
            assert!(state.percent >= Some(before), "{phase} {status}");
            before = state.percent.unwrap();
        }
    }
}

#[rstest]
#[case("SUBMITTED", "SUCCEEDED", "Waits for a free place", 2)]
#[case("QUEUED", "SUCCEEDED", "Phase PROVISIONING", 5)]
#[case("BUILD", "SUCCEEDED", "Phase POST_BUILD", 80)]
#[case("BUILD", "FAILED", "Phase BUILD: FAILED", 80)]
#[case(
    "DOWNLOAD_SOURCE",
    "CLIENT_ERROR",
    "Phase DOWNLOAD_SOURCE: CLIENT_ERROR",
    20
)]
#[case("UPLOAD_ARTIFACTS", "SUCCEEDED", "Phase FINALIZING", 95)]
fn a_finished_phase_shows_the_next_one_or_what_went_wrong(
    #[case] phase: &str,
    #[case] status: &str,
    #[case] description: &str,
    #[case] percent: u8,
) {
    let state = codebuild_phase_finished(phase, status).unwrap();
    assert_eq!(
        (state.description.as_str(), state.percent),
        (description, Some(percent))
    );
}

#[rstest]
#[case("SUCCEEDED", Status::Success, "The build succeeded")]
#[case(
    "FAILED",
    Status::Failure,
    "Phase BUILD failed (COMMAND_EXECUTION_ERROR)"
)]
#[case(
    "FAULT",
    Status::Error,
    "CodeBuild could not carry the build out in phase BUILD (COMMAND_EXECUTION_ERROR); ask for a rebuild"
)]
#[case(
    "TIMED_OUT",
    Status::Error,
    "Stopped in phase BUILD: it took longer than the CodeBuild project allows"
)]
#[case("STOPPED", Status::Canceled, "Stopped in CodeBuild")]
#[case("IN_PROGRESS", Status::Pending, "Runs in CodeBuild")]
#[case("NAPPING", Status::Pending, "CodeBuild says NAPPING")]
fn a_build_says_where_it_broke(
    #[case] word: &str,
    #[case] status: Status,
    #[case] description: &str,
) {
    let context = "COMMAND_EXECUTION_ERROR: Error while executing command: make test";
    let broken = first_broken([
        ("SUBMITTED", "SUCCEEDED", None),
        ("BUILD", "FAILED", Some(context)),
        ("POST_BUILD", "FAILED", None),
        ("COMPLETED", "", None),
    ]);
    let state = codebuild_status(word, broken);
    assert_eq!(state.status, status);
    assert_eq!(state.description, description);
}

#[rstest]
#[case(
    "SUPERSEDED",
    Status::Canceled,
    "Overtaken by another execution; the pipeline’s execution mode decides"
)]
#[case(
    "Superseded",
    Status::Canceled,
    "Overtaken by another execution; the pipeline’s execution mode decides"
)]
#[case(
    "Cancelled",
    Status::Canceled,
    "Canceled: the pipeline was changed meanwhile; ask for a rebuild"
)]
#[case("STOPPED", Status::Canceled, "Stopped in CodePipeline")]
#[case("FAILED", Status::Failure, "The pipeline failed")]
#[case("Succeeded", Status::Success, "The pipeline succeeded")]
#[case("Stopping", Status::Pending, "The pipeline is being stopped")]
#[case("Napping", Status::Pending, "CodePipeline says Napping")]
fn an_execution_says_how_it_ended(
    #[case] word: &str,
    #[case] status: Status,
    #[case] description: &str,
) {
    let state = pipeline_execution(word);
    assert_eq!(state.status, status);
    assert_eq!(state.description, description);
}

#[test]
fn a_retried_stage_opens_the_flag_again() {
    assert_eq!(pipeline_execution("RESUMED").course, crate::Course::Resumed);
    let stage = pipeline_stage("Deploy", Some(PLACE), "RESUMED").unwrap();
    assert_eq!(stage.course, crate::Course::Resumed);
    assert_eq!(stage.description, "Stage Deploy, 2 of 3, is retried");
}

#[rstest]
#[case(Some(PLACE), "STARTED", "Stage Deploy, 2 of 3", Some(33))]
#[case(None, "STARTED", "Stage Deploy", None)]
#[case(
    Some(PLACE),
    "STOPPING",
    "Stage Deploy, 2 of 3, is being stopped",
    Some(33)
)]
#[case(Some(PLACE), "NAPPING", "Stage Deploy, 2 of 3: NAPPING", Some(33))]
#[case(Some(Place { position: 0, of: 0 }), "STARTED", "Stage Deploy, 0 of 0", None)]
fn a_stage_says_its_place(
    #[case] place: Option<Place>,
    #[case] word: &str,
    #[case] description: &str,
    #[case] percent: Option<u8>,
) {
    let state = pipeline_stage("Deploy", place, word).unwrap();
    assert_eq!(state.description, description);
    assert_eq!(state.percent, percent);
}

#[test]
fn an_action_ranks_above_its_stage_within_one_second() {
    let stage = pipeline_stage("Deploy", Some(PLACE), "STARTED").unwrap();
    let action = pipeline_action("Deploy", Some(PLACE), "Approve", "STARTED").unwrap();
    assert_eq!(action.description, "Stage Deploy, 2 of 3: Approve");
    assert!((action.percent, action.description) > (stage.percent, stage.description));
}

#[test]
fn a_place_is_found_by_name() {
    let stages = ["Source", "Deploy", "Test"].map(str::to_owned);
    assert_eq!(Place::of("Deploy", &stages), Some(PLACE));
    assert_eq!(Place::of("Gone", &stages), None);
}

#[rstest]
#[case("COMMAND_EXECUTION_ERROR: make", Some("COMMAND_EXECUTION_ERROR"))]
#[case(": ", None)]
#[case("", None)]
#[case("arn:aws:iam::123456789012:role/secret", None)]
fn only_a_code_is_taken_from_a_context(#[case] context: &str, #[case] code: Option<&str>) {
    let broken = first_broken([("BUILD", "FAILED", Some(context))]).unwrap();
    assert_eq!(broken.code, code);
}
