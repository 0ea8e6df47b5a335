//! Ends that meet retries, and words that hide ends.

use std::sync::{Arc, OnceLock};

use super::*;
use crate::record::Ended;

/// Shows a "pending" of this moment until something later comes.
fn showing_pending(at: Micros) -> Pagure {
    Pagure::answering(move |one| {
        let told: Micros = serde_json::from_value(one.json()["timestamp"].clone()).unwrap();
        let flag = json!({"status": "pending", "timestamp": at});
        (200, json!({"applied": told > at, "flag": flag}).to_string())
    })
}

fn stamps(bed: &Bed) -> Vec<i64> {
    let at = |one: &pagure::Heard| one.json()["timestamp"].as_str().unwrap().parse::<Micros>();
    bed.pagure
        .heard()
        .iter()
        .map(|one| at(one).unwrap().get())
        .collect()
}

#[tokio::test]
async fn an_end_that_a_later_phase_hides_is_said_once_more_after_it() {
    let pending = ago(10);
    let bed = Bed::new(showing_pending(pending));
    let build = bed.keep(&running(Service::CodeBuild));
    assert!(
        bed.batch(&[build_event("SUCCEEDED", ago(20))])
            .await
            .is_empty()
    );
    assert_eq!(stamps(&bed).last(), Some(&(pending.get() + 1)));
    assert_eq!(bed.pagure.flags().len(), 2);
    assert_eq!(bed.open(build), None);
}

#[tokio::test]
async fn an_end_from_before_a_retry_is_not_said_again_and_closes_nothing() {
    let retried = ago(10);
    let bed = Bed::new(showing_pending(Micros::new(retried.get() + 999_999)));
    let build = bed.keep(&running(Service::CodePipeline));
    bed.batch(&[pipeline_event("RESUMED", retried)]).await;
    assert!(
        bed.batch(&[pipeline_event("FAILED", ago(20))])
            .await
            .is_empty()
    );
    assert_eq!(bed.pagure.heard().len(), 2);
    let open = bed.open(build).expect("the retry goes on");
    assert_eq!(open.reopened.unwrap().whole_second(), retried);
}

#[tokio::test]
async fn a_retry_opens_a_closed_build_before_it_is_told() {
    let bed = Bed::new(Pagure::taking());
    let build = bed.keep(&running(Service::CodePipeline));
    bed.batch(&[pipeline_event("FAILED", ago(30))]).await;
    assert_eq!(bed.open(build), None);
    bed.batch(&[pipeline_event("RESUMED", ago(20))]).await;
    assert!(bed.open(build).is_some());
    bed.batch(&[pipeline_event("SUCCEEDED", ago(10))]).await;
    assert_eq!(bed.open(build), None);
    let statuses: Vec<String> = bed.pagure.flags().into_iter().map(|flag| flag.0).collect();
    assert_eq!(statuses, ["failure", "pending", "success"]);
}

#[tokio::test]
async fn a_retry_is_opened_even_if_pagure_is_down() {
    let bed = Bed::new(Pagure::gone());
    let build = bed.keep(&running(Service::CodePipeline));
    assert_eq!(
        bed.batch(&[pipeline_event("RESUMED", ago(20))]).await,
        ["m0"]
    );
    assert!(bed.open(build).unwrap().reopened.is_some());
}

fn failed_action() -> String {
    json!({
        "source": "aws.codepipeline", "time": ago(20),
        "detail-type": "CodePipeline Action Execution State Change",
        "detail": {
            "pipeline": "release", "execution-id": PIPELINE_ID, "state": "FAILED",
            "stage": "Deploy", "action": "Install"
        }
    })
    .to_string()
}

#[tokio::test]
async fn a_pipelines_end_names_the_action_that_failed() {
    let bed = Bed::new(Pagure::taking());
    bed.keep(&running(Service::CodePipeline));
    bed.batch(&[failed_action(), pipeline_event("FAILED", ago(10))])
        .await;
    let text = "The pipeline failed: action Install of stage Deploy";
    assert_eq!(
        bed.pagure.flags(),
        [("failure".to_owned(), text.to_owned())]
    );
}

#[tokio::test]
async fn an_action_that_failed_is_named_even_if_that_is_heard_after_the_pipelines_end() {
    let bed = Bed::new(Pagure::taking());
    bed.keep(&running(Service::CodePipeline));
    bed.cloud.account().execution = Some("Failed");
    bed.batch(&[pipeline_event("FAILED", ago(10)), failed_action()])
        .await;
    let text = "The pipeline failed: action Install of stage Deploy";
    let failure = |text: &str| ("failure".to_owned(), text.to_owned());
    assert_eq!(
        bed.pagure.flags(),
        [failure("The pipeline failed"), failure(text)]
    );
    // Not before the end, even if that is of the same second.
    let last = stamps(&bed).pop().unwrap();
    assert_eq!(last % 1_000_000, 999_999);
}

#[tokio::test]
async fn an_action_that_failed_is_named_even_if_that_is_heard_while_the_end_is_told() {
    let (slot, record) = (
        Arc::<OnceLock<Cloud>>::default(),
        running(Service::CodePipeline),
    );
    let (cloud, key) = (Arc::clone(&slot), format!("open/{}", record.id()));
    let bed = Bed::new(Pagure::answering(move |_| {
        let noted = json!({"failed": "action Install of stage Deploy"});
        let mut account = cloud.get().unwrap().account();
        if account.read(&key).unwrap()["failed"].is_null() {
            account.put(&key, noted.to_string(), ago(1));
        }
        (200, json!({"applied": true}).to_string())
    }));
    slot.set(bed.cloud.clone()).unwrap();
    let build = bed.keep(&record);
    bed.batch(&[pipeline_event("FAILED", ago(10))]).await;
    let texts: Vec<String> = bed.pagure.flags().into_iter().map(|flag| flag.1).collect();
    let whole = "The pipeline failed: action Install of stage Deploy";
    assert_eq!(texts, ["The pipeline failed", whole]);
    assert_eq!(bed.open(build), None);
}

#[tokio::test]
async fn an_action_that_failed_is_not_news_once_its_stage_is_retried() {
    let bed = Bed::new(Pagure::taking());
    bed.keep(&running(Service::CodePipeline));
    bed.cloud.account().execution = Some("InProgress");
    bed.batch(&[pipeline_event("FAILED", ago(10)), failed_action()])
        .await;
    assert_eq!(bed.pagure.flags().len(), 1);
}

#[tokio::test]
async fn the_engines_end_of_an_overtaken_build_is_never_told() {
    let bed = Bed::new(Pagure::taking());
    let mut record = running(Service::CodeBuild);
    record.ended = Some(Ended {
        status: chela_contract::Status::Canceled,
        description: "Canceled: another is newer".to_owned(),
        at: ago(60),
    });
    let build = bed.keep(&record);
    let events = ["IN_PROGRESS", "STOPPED", "SUCCEEDED"].map(|word| build_event(word, ago(20)));
    assert!(bed.batch(&events).await.is_empty());
    let text = "Canceled: another is newer";
    assert_eq!(
        bed.pagure.flags(),
        [("canceled".to_owned(), text.to_owned())]
    );
    assert_eq!(bed.open(build), None);
}
