//! The sweep.

use super::*;
use crate::record::Ended;

const MINUTE: i64 = 60;

/// A running build of its own.
fn another(minutes: i64) -> Record {
    let mut record = begun(asked_at(
        Service::CodeBuild,
        now().plus_seconds(-minutes * MINUTE),
    ));
    if let Some(execution) = &mut record.execution {
        execution.id = format!("hello:{minutes}");
    }
    record
}

fn finished(bed: &Bed, record: &Record, status: &str) {
    let id = record.execution.as_ref().unwrap().id.clone();
    let build = json!({
        "id": id, "buildStatus": status, "buildComplete": true, "currentPhase": "COMPLETED",
        "startTime": 1.8e9, "endTime": 1.8e9
    });
    bed.cloud.account().builds.insert(id, build);
}

fn statuses(bed: &Bed) -> Vec<String> {
    let mut all: Vec<String> = bed.pagure.flags().into_iter().map(|flag| flag.0).collect();
    all.sort();
    all
}

#[tokio::test]
async fn every_end_that_no_event_told_is_found_however_many_pages_there_are() {
    let bed = Bed::new(Pagure::taking());
    let words = ["SUCCEEDED", "FAILED", "STOPPED", "FAULT", "SUCCEEDED"];
    for (minutes, word) in (20..).zip(words) {
        let record = another(minutes);
        bed.keep(&record);
        finished(&bed, &record, word);
    }
    let pipeline = running(Service::CodePipeline);
    bed.keep(&pipeline);
    bed.cloud.account().execution = Some("Superseded");
    let swept = bed.sweep().await;
    assert_eq!((&swept["open"], &swept["told"]), (&json!(6), &json!(6)));
    let expected = [
        "canceled", "canceled", "error", "failure", "success", "success",
    ];
    assert_eq!(statuses(&bed), expected);
    let left = bed
        .cloud
        .account()
        .objects
        .keys()
        .any(|key| key.starts_with("open/"));
    assert!(!left, "every build is closed");
}

#[tokio::test]
async fn builds_are_looked_up_together() {
    let bed = Bed::new(Pagure::taking());
    for minutes in [20, 21] {
        let record = another(minutes);
        bed.keep(&record);
        finished(&bed, &record, "SUCCEEDED");
    }
    bed.sweep().await;
    let looks = bed.cloud.account().called("BatchGetBuilds");
    assert_eq!(looks, [r#"["hello:21","hello:20"]"#]);
}

#[tokio::test]
async fn one_build_that_may_not_be_looked_up_does_not_keep_the_others_from_it() {
    let bed = Bed::new(Pagure::taking());
    let (first, second) = (another(21), another(20));
    let (kept, told) = (bed.keep(&first), bed.keep(&second));
    finished(&bed, &second, "SUCCEEDED");
    bed.cloud.account().denied = Some("hello:21".to_owned());
    let swept = bed.sweep().await;
    assert_eq!((&swept["told"], &swept["failed"]), (&json!(1), &json!(1)));
    assert!(bed.open(kept).is_some());
    assert_eq!(bed.open(told), None);
}

#[tokio::test]
async fn what_aws_has_forgotten_becomes_an_error() {
    let bed = Bed::new(Pagure::taking());
    let (build, pipeline) = (another(20), running(Service::CodePipeline));
    let ids = [bed.keep(&build), bed.keep(&pipeline)];
    bed.sweep().await;
    assert_eq!(statuses(&bed), ["error", "error"]);
    assert!(ids.iter().all(|id| bed.open(*id).is_none()));
}

#[tokio::test]
async fn an_end_of_ours_that_was_not_delivered_is_said_again() {
    let bed = Bed::new(Pagure::taking());
    let mut record = another(20);
    record.ended = Some(Ended {
        status: chela_contract::Status::Canceled,
        description: "Canceled".to_owned(),
        at: ago(60),
    });
    let build = bed.keep(&record);
    bed.sweep().await;
    assert_eq!(statuses(&bed), ["canceled"]);
    assert_eq!(bed.open(build), None);
}

#[tokio::test]
async fn what_runs_is_told_and_what_waits_stays() {
    let bed = Bed::new(Pagure::taking());
    let running = another(20);
    let id = bed.keep(&running);
    let build = json!({
        "id": "hello:20", "buildStatus": "IN_PROGRESS", "buildComplete": false,
        "currentPhase": "BUILD", "startTime": 1.8e9
    });
    bed.cloud
        .account()
        .builds
        .insert("hello:20".to_owned(), build);
    let waits = bed.keep(&asked_at(
        Service::CodeBuild,
        now().plus_seconds(-19 * MINUTE),
    ));
    let swept = bed.sweep().await;
    assert_eq!((&swept["told"], &swept["waiting"]), (&json!(1), &json!(1)));
    assert_eq!(statuses(&bed), ["pending"]);
    assert!(bed.open(id).is_some() && bed.open(waits).is_some());
}

#[tokio::test]
async fn what_was_written_a_moment_ago_is_left_to_the_queues() {
    let bed = Bed::new(Pagure::taking());
    let record = another(20);
    let build = bed.keep(&record);
    let key = format!("open/{build}");
    bed.cloud
        .account()
        .put(&key, json!(Open::default()).to_string(), now());
    assert_eq!(bed.sweep().await["told"], 0);
    assert!(bed.pagure.heard().is_empty());
}

#[tokio::test]
async fn it_stops_at_the_first_sign_that_pagure_is_down() {
    let bed = Bed::new(Pagure::answering(|_| (503, String::new())));
    for minutes in [20, 21, 22] {
        let record = another(minutes);
        bed.keep(&record);
        finished(&bed, &record, "SUCCEEDED");
    }
    let swept = bed.sweep().await;
    assert_eq!(bed.pagure.heard().len(), 1);
    let stopped = swept["stopped"].as_str().unwrap();
    assert!(stopped.contains("503"), "{stopped}");
}

#[tokio::test]
async fn a_build_without_a_record_stays_until_all_records_of_its_time_are_gone() {
    let bed = Bed::new(Pagure::taking());
    let old = BuildId::new(now().plus_seconds(-46 * 24 * 60 * MINUTE));
    let new = BuildId::new(now().plus_seconds(-44 * 24 * 60 * MINUTE));
    for build in [old, new] {
        let key = format!("open/{build}");
        let body = json!(Open::default()).to_string();
        bed.cloud.account().put(&key, body, ago(3600));
    }
    bed.sweep().await;
    assert_eq!(bed.open(old), None);
    assert!(bed.open(new).is_some());
}

#[tokio::test]
async fn a_report_that_pagure_stumbles_over_holds_up_no_other() {
    let (older, younger) = (another(21), another(20));
    let stumbles = older.id().to_string();
    let bed = Bed::new(Pagure::answering(move |report| {
        if report.body.contains(&stumbles) {
            return (500, String::new());
        }
        (200, json!({"applied": true}).to_string())
    }));
    let (kept, told) = (bed.keep(&older), bed.keep(&younger));
    for record in [&older, &younger] {
        finished(&bed, record, "SUCCEEDED");
    }
    let swept = bed.sweep().await;
    assert_eq!(
        (&swept["told"], &swept["failed"], &swept["stopped"]),
        (&json!(1), &json!(1), &json!(null))
    );
    assert!(bed.open(kept).is_some() && bed.open(told).is_none());
}

#[tokio::test]
async fn a_sweep_ends_in_time_although_all_that_is_open_waits() {
    let bed = Bed::new(Pagure::taking());
    let mut record = another(20);
    record.execution = None;
    bed.keep(&record);
    let deadline = now().plus_seconds(5);
    let swept = bed.reports.handle(json!({"type": "sweep"}), deadline).await;
    let swept = swept.unwrap();
    assert_eq!(swept["stopped"], "the invocation's time is over");
    assert_eq!(swept["waiting"], 0, "it would have been read in vain");
}
