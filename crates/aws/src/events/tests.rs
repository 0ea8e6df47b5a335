use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;

const BUILD: &str = "hello:5b3a0e3a-6f0e-4c3a-9d6b-2f6f1f1f0a11";
const EXECUTION: &str = "7f0a6a39-5f2e-4a3b-9f5d-0a2b3c4d5e6f";

fn sample(name: &str) -> Value {
    let text = match name {
        "build_failed" => include_str!("samples/build_failed.json"),
        "build_inside_a_pipeline" => include_str!("samples/build_inside_a_pipeline.json"),
        "phase_finished" => include_str!("samples/phase_finished.json"),
        "pipeline" => include_str!("samples/pipeline.json"),
        "stage" => include_str!("samples/stage.json"),
        "action" => include_str!("samples/action.json"),
        other => panic!("no sample {other}"),
    };
    serde_json::from_str(text).unwrap()
}

fn read(name: &str) -> Event {
    Event::read(&sample(name)).unwrap()
}

#[test]
fn a_builds_end_names_the_build_and_tells_its_phases() {
    let event = read("build_failed");
    assert_eq!(event.target, target(Service::CodeBuild, "hello"));
    assert_eq!(event.execution, BUILD);
    assert_eq!(event.at.to_string(), "2026-11-22T20:16:02.999999Z");
    assert_eq!(event.initiator.as_deref(), Some("trigger/trigger"));
    let claimed = event.claimed.map(|build| build.to_string());
    assert_eq!(
        claimed.as_deref(),
        Some("0199a1c2-6f0e-7c3a-9d6b-2f6f1f1f0a11")
    );
    let What::Build { status, phases } = event.what else {
        panic!("it is a build's status");
    };
    assert_eq!((status.as_str(), phases.len()), ("FAILED", 11));
    let failed = phases
        .iter()
        .find(|phase| phase.status == "FAILED")
        .unwrap();
    assert_eq!(failed.name, "BUILD");
    let context = failed.context.as_deref().unwrap();
    assert!(
        context.starts_with("COMMAND_EXECUTION_ERROR: "),
        "{context}"
    );
    assert_eq!(phases.last().unwrap().parts(), ("COMPLETED", "", None));
}

#[test]
fn a_build_inside_a_pipeline_says_so_and_may_lack_most() {
    let event = read("build_inside_a_pipeline");
    assert_eq!(event.initiator.as_deref(), Some("codepipeline/release"));
    let what = What::Build {
        status: "IN_PROGRESS".to_owned(),
        phases: Vec::new(),
    };
    assert_eq!(event.what, what);
}

fn own(text: &str) -> String {
    text.to_owned()
}

#[rstest]
#[case("pipeline", What::Pipeline { state: own("SUPERSEDED") })]
#[case("stage", What::Stage { stage: own("Deploy"), state: own("STARTED") })]
#[case("action", What::Action {
    stage: own("Deploy"), action: own("Install"), state: own("FAILED"),
})]
fn a_pipelines_events_tell_what_of_it(#[case] name: &str, #[case] expected: What) {
    let event = read(name);
    assert_eq!(event.what, expected);
    assert_eq!(event.target, target(Service::CodePipeline, "release"));
    assert_eq!(event.execution, EXECUTION);
    assert_eq!((event.claimed, event.initiator), (None, None));
}

#[test]
fn a_phase_that_finished_is_told_with_its_status() {
    let finished = Phase {
        name: own("PRE_BUILD"),
        status: own("SUCCEEDED"),
        context: None,
    };
    assert_eq!(read("phase_finished").what, What::Finished(finished));
}

#[rstest]
#[case("build_failed", "/time")]
#[case("build_failed", "/detail/build-status")]
#[case("build_failed", "/detail/build-id")]
#[case("phase_finished", "/detail/completed-phase")]
#[case("phase_finished", "/detail/completed-phase-status")]
#[case("pipeline", "/detail/pipeline")]
#[case("pipeline", "/detail/execution-id")]
#[case("pipeline", "/detail/state")]
#[case("stage", "/detail/stage")]
#[case("stage", "/detail/state")]
#[case("action", "/detail/stage")]
#[case("action", "/detail/action")]
#[case("action", "/detail/state")]
fn what_is_needed_is_missed_by_name(
    #[case] name: &str,
    #[case] pointer: &str,
    #[values(json!(null), json!(""), json!(3.0), json!(["x"]))] instead: Value,
) {
    let mut event = sample(name);
    *event.pointer_mut(pointer).unwrap() = instead;
    let member = pointer.trim_start_matches('/');
    let error = Event::read(&event).unwrap_err().to_string();
    assert!(error.contains(member), "{error} does not name {member}");
}

#[rstest]
#[case::no_build("arn:aws:codebuild:eu-central-1:123456789012:project/hello")]
#[case::a_batch("arn:aws:codebuild:eu-central-1:123456789012:build-batch/hello:1")]
#[case::no_run("arn:aws:codebuild:eu-central-1:123456789012:build/hello")]
#[case::no_name("arn:aws:codebuild:eu-central-1:123456789012:build/:1")]
#[case::a_path("arn:aws:codebuild:eu-central-1:123456789012:build/../x:1")]
fn what_names_no_build_is_none(#[case] arn: &str) {
    let mut event = sample("build_failed");
    event["detail"]["build-id"] = json!(arn);
    let error = Event::read(&event).unwrap_err();
    assert_eq!(error, UnknownEvent::Member("detail/build-id"));
}

#[rstest]
#[case("aws.codebuild", "CodePipeline Stage Execution State Change")]
#[case("aws.codebuild", "CodeBuild Fleet State Change")]
#[case("somebody", "CodeBuild Build State Change")]
fn another_event_is_named_and_not_read(#[case] source: &str, #[case] kind: &str) {
    let mut event = sample("build_failed");
    event["source"] = json!(source);
    event["detail-type"] = json!(kind);
    let error = Event::read(&event).unwrap_err().to_string();
    assert!(error.contains(source) && error.contains(kind), "{error}");
}

#[rstest]
#[case(json!({"detail-type": "x", "source": "y"}), true)]
#[case(json!({"chela": "check", "build": "x"}), false)]
#[case(json!(["source", "detail-type"]), false)]
fn an_event_is_known_by_its_envelope(#[case] message: Value, #[case] expected: bool) {
    assert_eq!(Event::is_one(&message), expected);
}

#[rstest]
#[case(json!([{"name": "CHELA_BUILD_ID", "value": "not a build"}]))]
#[case(json!([{"name": "CHELA_BUILD_ID"}]))]
#[case(json!("CHELA_BUILD_ID"))]
fn a_claim_that_names_no_build_is_none(#[case] variables: Value) {
    let mut event = sample("build_failed");
    event["detail"]["additional-information"]["environment"]["environment-variables"] = variables;
    assert_eq!(Event::read(&event).unwrap().claimed, None);
}

/// Any JSON, with the words in it that matter here.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(|x| json!(x)),
        any::<f64>().prop_map(|x| json!(x)),
        "[A-Za-z:/ ]{0,12}".prop_map(|x| json!(x)),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z-]{1,16}", inner, 0..4).prop_map(|x| json!(x)),
        ]
    })
}

const NAMES: [&str; 6] = [
    "build_failed",
    "build_inside_a_pipeline",
    "phase_finished",
    "pipeline",
    "stage",
    "action",
];

proptest! {
    #[test]
    fn what_is_not_used_may_be_anything(
        name in prop::sample::select(NAMES.to_vec()), what in anything(),
        member in prop::sample::select(vec![
            "id", "account", "region", "resources", "version", "detail.version", "detail.artifact",
            "detail.start-time", "detail.current-phase", "detail.execution-result", "detail.type",
            "detail.pipeline-execution-attempt", "detail.completed-phase-duration-seconds",
            "detail.completed-phase-context", "detail.project-name",
        ]),
    ) {
        let mut event = sample(name);
        match member.split_once('.') {
            Some((_, inner)) => event["detail"][inner] = what,
            None => event[member] = what,
        }
        prop_assert_eq!(Event::read(&event), Ok(read(name)));
    }

    #[test]
    fn an_event_is_stamped_with_the_end_of_its_second(second in 0_i64..4_000_000_000, micro in 0_i64..1_000_000) {
        let at = Micros::new(second * 1_000_000 + micro);
        let mut event = sample("stage");
        event["time"] = json!(at);
        prop_assert_eq!(Event::read(&event).unwrap().at.get(), second * 1_000_000 + 999_999);
    }

    #[test]
    fn nothing_is_too_strange_to_be_refused(what in anything(), detail in anything()) {
        let _ = Event::read(&what);
        for name in NAMES {
            let mut event = sample(name);
            event["detail"] = detail.clone();
            let _ = Event::read(&event);
        }
    }
}
