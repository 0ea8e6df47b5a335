//! Messages of the queue: what is told, what is given back, what is dropped.

use chela_contract::webhook;
use rstest::rstest;

use super::*;
use crate::message::{Message, Word};
use crate::report::testing::{asked, strangers};
use crate::state::State;

#[tokio::test]
async fn a_phase_is_told_to_the_configured_pagure_and_signed() {
    let bed = Bed::new(Pagure::taking());
    let build = bed.keep(&running(Service::CodeBuild));
    assert!(
        bed.batch(&[phase_event("PRE_BUILD", ago(20))])
            .await
            .is_empty()
    );
    let heard = bed.pagure.heard();
    let [one] = heard.as_slice() else {
        panic!("one report, not {heard:?}");
    };
    assert_eq!(one.line, "POST /forge/api/0/ci/webhook/demo/hello HTTP/1.1");
    assert!(one.is_signed_with(TOKEN));
    assert!(!format!("{one:?}").contains(TOKEN), "the token travelled");
    assert_eq!(one.json()["data"]["description"], "Phase BUILD");
    assert!(bed.open(build).is_some(), "it goes on");
}

#[tokio::test]
async fn an_end_closes_the_build_and_the_same_end_again_is_the_same_report() {
    let bed = Bed::new(Pagure::taking());
    let build = bed.keep(&running(Service::CodeBuild));
    let end = build_event("SUCCEEDED", ago(20));
    assert!(bed.batch(&[end.clone(), end]).await.is_empty());
    assert_eq!(bed.open(build), None);
    let heard = bed.pagure.heard();
    let ids: Vec<_> = heard.iter().map(|one| one.header(webhook::ID)).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn different_reports_of_a_build_have_different_ids() {
    let bed = Bed::new(Pagure::taking());
    bed.keep(&running(Service::CodeBuild));
    let (phase, end) = (
        phase_event("INSTALL", ago(20)),
        build_event("FAILED", ago(10)),
    );
    bed.batch(&[phase, end]).await;
    let heard = bed.pagure.heard();
    assert_eq!(heard.len(), 2);
    assert_ne!(heard[0].header(webhook::ID), heard[1].header(webhook::ID));
}

/// Begins to answer only when the build is closed.
#[tokio::test]
async fn a_word_that_meets_the_end_leaves_the_build_to_the_sweep() {
    let cloud_of = std::sync::Arc::new(std::sync::OnceLock::<Cloud>::new());
    let cloud = std::sync::Arc::clone(&cloud_of);
    let bed = Bed::new(Pagure::answering(move |_| {
        let cloud = cloud.get().unwrap();
        cloud
            .account()
            .objects
            .retain(|key, _| !key.starts_with("open/"));
        (200, r#"{"applied": true}"#.to_owned())
    }));
    let build = bed.keep(&running(Service::CodeBuild));
    cloud_of.set(bed.cloud.clone()).unwrap();
    bed.batch(&[phase_event("INSTALL", ago(20))]).await;
    assert_eq!(bed.open(build), Some(Open::default()));
}

#[rstest]
#[case::an_unknown_execution(None)]
#[case::another_project(Some("other"))]
#[tokio::test]
async fn what_we_did_not_start_is_ignored_without_an_error(#[case] target: Option<&str>) {
    let bed = Bed::new(Pagure::taking());
    if let Some(name) = target {
        let mut record = asked(Service::CodeBuild);
        record.target.name = name.to_owned();
        bed.keep(&record);
    }
    let event = build_event("SUCCEEDED", ago(20));
    assert!(
        bed.batch(&[event, pipeline_event("FAILED", ago(20))])
            .await
            .is_empty()
    );
    assert!(bed.pagure.heard().is_empty());
}

fn claiming(build: BuildId, initiator: &str) -> String {
    let mut event: Value = serde_json::from_str(&build_event("SUCCEEDED", ago(20))).unwrap();
    event["detail"]["additional-information"] = json!({
        "initiator": initiator,
        "environment": { "environment-variables": [{ "name": "CHELA_BUILD_ID", "value": build }] }
    });
    event.to_string()
}

#[rstest]
#[case::alone("trigger/trigger", 1)]
#[case::inside_a_pipeline("codepipeline/release", 0)]
#[tokio::test]
async fn an_event_before_the_link_is_adopted_by_its_name(
    #[case] initiator: &str,
    #[case] reports: usize,
) {
    let bed = Bed::new(Pagure::taking());
    let build = bed.keep(&asked_at(Service::CodeBuild, now()));
    bed.batch(&[claiming(build, initiator)]).await;
    assert_eq!(bed.pagure.heard().len(), reports);
    assert_eq!(bed.open(build).is_none(), reports == 1);
}

fn say(bed: &Bed, record: &Record, word: Word) -> String {
    let open = Open::default();
    let seen = crate::engine::Seen::Now {
        state: State::going("Waits for capacity", None),
        at: ago(20),
    };
    let telling = bed.reports.desk.seen(record, &open, &seen, now()).unwrap();
    let message = Message::say(record.id(), &telling.project, &telling.report, word);
    serde_json::to_string(&message).unwrap()
}

#[tokio::test]
async fn when_pagure_has_a_hold_that_moment_is_kept() {
    let bed = Bed::new(Pagure::taking());
    let record = strangers(asked_at(Service::CodeBuild, now()));
    let build = bed.keep(&record);
    let before = now();
    assert!(
        bed.batch(&[say(&bed, &record, Word::Held)])
            .await
            .is_empty()
    );
    let first = bed.open(build).unwrap().acknowledged.expect("it is kept");
    assert!(first >= before);
    bed.batch(&[say(&bed, &record, Word::Held)]).await;
    assert_eq!(bed.open(build).unwrap().acknowledged, Some(first));
}

#[tokio::test]
async fn of_a_closed_build_triggers_late_words_are_not_told_but_its_ends_are() {
    let bed = Bed::new(Pagure::taking());
    let record = running(Service::CodeBuild);
    let (late, last) = (
        say(&bed, &record, Word::Passing),
        say(&bed, &record, Word::Last),
    );
    assert!(bed.batch(&[late]).await.is_empty());
    assert!(bed.pagure.heard().is_empty());
    assert!(bed.batch(&[last]).await.is_empty());
    assert_eq!(bed.pagure.heard().len(), 1);
}

#[tokio::test]
async fn a_check_tells_what_the_engine_says() {
    let bed = Bed::new(Pagure::taking());
    let build = bed.keep(&running(Service::CodePipeline));
    bed.cloud.account().execution = Some("Succeeded");
    let check = serde_json::to_string(&Message::Check { build }).unwrap();
    assert!(bed.batch(std::slice::from_ref(&check)).await.is_empty());
    let told = ("success".to_owned(), "The pipeline succeeded".to_owned());
    assert_eq!(bed.pagure.flags(), [told]);
    assert_eq!(bed.open(build), None);
    bed.batch(&[check]).await;
    assert_eq!(bed.pagure.heard().len(), 1, "it was told already");
}

#[tokio::test]
async fn what_cannot_be_read_is_dropped_and_the_rest_is_told() {
    let bed = Bed::new(Pagure::taking());
    bed.keep(&running(Service::CodeBuild));
    let broken = [String::new(), "{\"chela\": \"x\"}".to_owned()];
    let bodies = [&broken[..], &[build_event("STOPPED", ago(20))]].concat();
    assert!(bed.batch(&bodies).await.is_empty());
    assert_eq!(bed.pagure.heard().len(), 1);
}

#[tokio::test]
async fn what_pagure_refuses_for_good_is_over() {
    let bed = Bed::new(Pagure::answering(|_| (404, String::new())));
    let build = bed.keep(&running(Service::CodeBuild));
    assert!(
        bed.batch(&[phase_event("INSTALL", ago(20))])
            .await
            .is_empty()
    );
    assert_eq!(bed.open(build), None);
}

fn busy() -> Pagure {
    Pagure::answering(|_| (503, String::new()))
}

#[rstest]
#[case::busy(busy(), 1)]
#[case::gone(Pagure::gone(), 0)]
#[tokio::test]
async fn when_pagure_is_down_the_batch_is_given_back_after_one_attempt(
    #[case] pagure: Pagure,
    #[case] attempts: usize,
) {
    let bed = Bed::new(pagure);
    let build = bed.keep(&running(Service::CodeBuild));
    let event = phase_event("INSTALL", ago(20));
    let end = build_event("SUCCEEDED", ago(10));
    assert_eq!(bed.batch(&[event, end]).await, ["m0", "m1"]);
    assert_eq!(bed.pagure.heard().len(), attempts);
    let hidden = bed.cloud.account().called("ChangeMessageVisibility");
    assert_eq!(hidden, ["\"r0\"", "\"r1\""]);
    assert!(bed.open(build).is_some());
}

#[tokio::test]
async fn without_time_left_nothing_is_begun() {
    let bed = Bed::new(Pagure::taking());
    bed.keep(&running(Service::CodeBuild));
    let records = [record((0, &build_event("SUCCEEDED", ago(20))))];
    let event = json!({ "Records": records });
    let answer = bed
        .reports
        .handle(event, now().plus_seconds(5))
        .await
        .unwrap();
    assert_eq!(
        answer,
        json!({"batchItemFailures": [{"itemIdentifier": "m0"}]})
    );
    assert!(bed.pagure.heard().is_empty());
}
