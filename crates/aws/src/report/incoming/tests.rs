use chela_contract::Status;
use rstest::rstest;
use serde_json::json;

use super::super::testing::{asked, at, event, finished, started};
use super::*;
use crate::record::Service::CodeBuild;
use crate::report::decide::{Decided, Desk};

fn telling() -> Telling {
    let desk = Desk {
        region: "eu-central-1".to_owned(),
    };
    let event = event(CodeBuild, 5, finished("INSTALL", "SUCCEEDED"));
    match desk.event(
        &event,
        &started(CodeBuild),
        Some(&crate::record::Open::default()),
    ) {
        Decided::Tell(telling) => *telling,
        other => panic!("it is told, not {other:?}"),
    }
}

#[rstest]
#[case(Word::Passing, Effect::Passing)]
#[case(Word::Held, Effect::Held)]
#[case(Word::Last, Effect::Last)]
fn what_trigger_says_is_told_as_it_is(#[case] word: Word, #[case] effect: Effect) {
    let telling = Telling {
        effect,
        ..telling()
    };
    let message = Message::say(telling.build, &telling.project, &telling.report, word);
    let body = serde_json::to_string(&message).unwrap();
    assert_eq!(read(&body).unwrap(), Incoming::Tell(Box::new(telling)));
}

#[test]
fn a_check_names_its_build() {
    let build = asked(CodeBuild).id();
    let body = serde_json::to_string(&Message::Check { build }).unwrap();
    assert_eq!(read(&body).unwrap(), Incoming::Check(build));
}

#[test]
fn an_event_is_read_as_one() {
    let body = include_str!("../../events/samples/stage.json");
    assert!(matches!(read(body), Ok(Incoming::Event(_))));
}

fn said(project: &str, body: &str) -> String {
    json!({
        "chela": "say", "build": asked(CodeBuild).id(), "project": project, "body": body,
        "word": "last"
    })
    .to_string()
}

#[rstest]
#[case::nothing("", "is no JSON")]
#[case::words("SECRETWORD", "is no JSON")]
#[case::something("{\"SECRETWORD\": 1}", "is of no known kind")]
#[case::another_word("{\"chela\": \"shout\"}", "is of no known kind")]
#[case::a_check_of_nothing("{\"chela\": \"check\", \"build\": \"x\"}", "is of no known kind")]
#[case::another_event(
    "{\"source\": \"aws.s3\", \"detail-type\": \"Object Created\"}",
    "aws.s3"
)]
#[case::no_project(&said("../x", "{}"), "cannot be read: not a Pagure project")]
#[case::no_report(&said("demo/hello", "{}"), "cannot be read: body: missing field")]
fn what_cannot_be_read_is_dropped_with_a_sentence(#[case] body: &str, #[case] expected: &str) {
    let error = read(body).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    assert!(!error.contains("SECRETWORD"), "{error}");
}

#[test]
fn a_report_of_the_future_is_for_pagure_to_judge() {
    let mut telling = telling();
    telling.report.shown.at = at(10 * 365 * 24 * 60 * 60);
    telling.report.shown.status = Status::Success;
    telling.report.shown.percent = None;
    let message = Message::say(telling.build, &telling.project, &telling.report, Word::Last);
    assert!(read(&serde_json::to_string(&message).unwrap()).is_ok());
}
