//! Both messages as people write them: the documentation's examples, and what is refused.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is the report"
)]

use chela_contract::{BuildRequest, Event, Micros, Refname, Report, Status};
use rstest::rstest;
use serde_json::{Value, json};

const COMMIT: &str = "7a1b0c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b";

fn now() -> Micros {
    "2026-11-22T20:17:00Z".parse().unwrap()
}

/// The JSON blocks of the contract's text whose `type` is this one.
fn examples(kind: &str) -> Vec<Value> {
    let text = include_str!("../../../docs/contract.md");
    let blocks = text
        .split("```json")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let values = blocks.map(|block| serde_json::from_str::<Value>(block).expect("valid JSON"));
    values.filter(|value| value["type"] == kind).collect()
}

fn report(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut report = json!({
        "type": "build.reported",
        "timestamp": "2026-11-22T20:16:02.000000Z",
        "data": {
            "build_id": "0199a1c2-6f0e-7c3a-9d6b-2f6f1f1f0a11",
            "context": "codebuild/hello",
            "status": "pending",
            "commit": COMMIT,
            "pull_request": 7,
            "description": "Phase BUILD",
            "url": "https://ci.example.org/1",
            "percent": 60
        }
    });
    change(&mut report);
    serde_json::to_vec(&report).unwrap()
}

#[test]
fn the_documented_request_is_read_and_written_back_as_it_stands() {
    let examples = examples("build.requested");
    assert!(
        !examples.is_empty(),
        "docs/contract.md shows no build request"
    );
    for example in examples {
        let request = BuildRequest::from_body(example.to_string().as_bytes()).unwrap();
        let written: Value = serde_json::from_str(&request.to_body()).unwrap();
        // The timestamp is the build id's; all the rest is the example's.
        assert_eq!(written["data"]["build_id"], example["data"]["build_id"]);
        let mut data = example["data"].clone();
        let at: Micros = data["requested_by"]["at"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        data["requested_by"]["at"] = json!(at.to_string());
        assert_eq!(written["data"], data);
    }
}

#[test]
fn the_documented_report_is_read_and_written_back_as_it_stands() {
    let examples = examples("build.reported");
    assert!(
        !examples.is_empty(),
        "docs/contract.md shows no build report"
    );
    for example in examples {
        let report = Report::from_body(example.to_string().as_bytes(), now()).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&report.to_body()).unwrap(),
            example
        );
    }
}

#[rstest]
#[case::percent("percent", json!(101), 422)]
#[case::negative_percent("percent", json!(-1), 422)]
#[case::percent_as_text("percent", json!("60"), 400)]
#[case::percent_with_fraction("percent", json!(60.5), 400)]
#[case::status("status", json!("green"), 422)]
#[case::no_status("status", Value::Null, 400)]
#[case::context_with_markup("context", json!("<b>"), 422)]
#[case::empty_context("context", json!(""), 422)]
#[case::long_context("context", json!("x".repeat(65)), 422)]
#[case::short_commit("commit", json!("7a1b"), 400)]
#[case::upper_case_commit("commit", json!(COMMIT.to_uppercase()), 400)]
#[case::script_url("url", json!("javascript:alert(1)"), 400)]
#[case::relative_url("url", json!("/log"), 400)]
#[case::pull_request_zero("pull_request", json!(0), 422)]
#[case::huge_pull_request("pull_request", json!(1_i64 << 40), 422)]
#[case::version_4("build_id", json!("0199a1c2-6f0e-4c3a-9d6b-2f6f1f1f0a11"), 400)]
#[case::build_of_the_future("build_id", json!("0299a1c2-6f0e-7c3a-9d6b-2f6f1f1f0a11"), 422)]
fn a_bad_member_is_named(#[case] member: &str, #[case] value: Value, #[case] status: u16) {
    let error = Report::from_body(&report(|r| r["data"][member] = value), now()).unwrap_err();
    assert_eq!(
        (error.member, error.status),
        (format!("data.{member}"), status)
    );
}

#[rstest]
#[case("status")]
#[case("commit")]
#[case("url")]
fn a_missing_member_is_named(#[case] member: &str) {
    let body = report(|r| drop(r["data"].as_object_mut().unwrap().remove(member)));
    let error = Report::from_body(&body, now()).unwrap_err();
    assert!(error.to_string().contains(member), "{error}");
    assert_eq!(error.status, 400);
}

#[rstest]
#[case::no_json(b"nonsense".to_vec(), "body")]
#[case::broken_off(b"{".to_vec(), "body")]
#[case::broken_off_inside(b"{\"data\":{".to_vec(), "data")]
#[case::an_array(b"[1]".to_vec(), "body")]
#[case::nothing(Vec::new(), "body")]
#[case::not_utf8(b"{\"type\": \"\xff\"}".to_vec(), "type")]
#[case::other_type(report(|r| r["type"] = json!("build.requested")), "type")]
#[case::not_a_time(report(|r| r["timestamp"] = json!("yesterday")), "timestamp")]
#[case::trailing([report(|_| ()), b"{}".to_vec()].concat(), "body")]
fn what_is_no_report_is_refused(#[case] body: Vec<u8>, #[case] member: &str) {
    let error = Report::from_body(&body, now()).unwrap_err();
    assert_eq!((error.member.as_str(), error.status), (member, 400));
}

#[test]
fn a_report_from_the_future_is_refused() {
    let late = report(|r| r["timestamp"] = json!(now().plus_seconds(301).to_string()));
    assert_eq!(Report::from_body(&late, now()).unwrap_err().status, 422);
    let fine = report(|r| r["timestamp"] = json!(now().plus_seconds(300).to_string()));
    assert!(Report::from_body(&fine, now()).is_ok());
}

#[rstest]
#[case("-009999-01-02T01:59:59Z")]
#[case("0000-01-01T00:00:00Z")]
#[case("0999-12-31T23:59:59Z")]
#[case("1969-12-31T23:59:59.999999Z")]
fn a_report_from_before_any_calendar_of_a_database_is_refused(#[case] timestamp: &str) {
    let early = report(|r| r["timestamp"] = json!(timestamp));
    let error = Report::from_body(&early, now()).unwrap_err();
    assert_eq!((error.member.as_str(), error.status), ("timestamp", 422));
    let fine = report(|r| r["timestamp"] = json!("1970-01-01T00:00:00Z"));
    assert!(Report::from_body(&fine, now()).is_ok());
}

#[test]
fn a_report_too_long_is_refused_unread() {
    let body = report(|r| r["data"]["description"] = json!("x".repeat(70_000)));
    assert_eq!(Report::from_body(&body, now()).unwrap_err().status, 413);
}

#[test]
fn unknown_members_are_ignored() {
    let body = report(|r| {
        r["new"] = json!(1);
        r["data"]["new"] = json!({"a": []});
    });
    assert_eq!(
        Report::from_body(&body, now()).unwrap().shown.status,
        Status::Pending
    );
}

#[test]
fn a_finished_build_shows_no_percentage() {
    let body = report(|r| r["data"]["status"] = json!("success"));
    assert_eq!(Report::from_body(&body, now()).unwrap().shown.percent, None);
}

#[test]
fn a_tag_is_no_branch() {
    let mut example = examples("build.requested").remove(0);
    let data = example["data"].as_object_mut().unwrap();
    data.remove("pull_request");
    data.insert("event".to_owned(), json!("commit"));
    let source = data["source"].as_object_mut().unwrap();
    source.remove("branch");
    source.insert("tag".to_owned(), json!("v1"));
    let request = BuildRequest::from_body(example.to_string().as_bytes()).unwrap();
    assert_eq!(request.source.refname, Refname::Tag("v1".to_owned()));
    assert_eq!(request.event(), Event::Commit);
}

#[rstest]
#[case::no_pull_request(|d: &mut Value| drop(d.as_object_mut().unwrap().remove("pull_request")))]
#[case::two_names(|d: &mut Value| d["source"]["tag"] = json!("v1"))]
#[case::no_name(|d: &mut Value| drop(d["source"].as_object_mut().unwrap().remove("branch")))]
#[case::no_job(|d: &mut Value| d["job"] = json!("  "))]
#[case::other_event(|d: &mut Value| d["event"] = json!("issue"))]
fn a_request_at_odds_with_itself_is_refused(#[case] change: fn(&mut Value)) {
    let mut example = examples("build.requested").remove(0);
    change(&mut example["data"]);
    assert!(BuildRequest::from_body(example.to_string().as_bytes()).is_err());
}

#[test]
fn can_push_is_false_unless_said() {
    let mut example = examples("build.requested").remove(0);
    let by = example["data"]["requested_by"].as_object_mut().unwrap();
    by.remove("can_push");
    let request = BuildRequest::from_body(example.to_string().as_bytes()).unwrap();
    assert!(!request.requested_by.unwrap().can_push);
}

proptest::proptest! {
    #[test]
    fn no_body_makes_a_reader_panic(body: Vec<u8>) {
        let _ = Report::from_body(&body, now());
        let _ = BuildRequest::from_body(&body);
    }
}
