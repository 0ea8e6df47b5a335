use base64::{Engine as _, engine::general_purpose::STANDARD};
use chela_contract::{BuildRequest, ping_body};
use rstest::rstest;

use super::*;

#[tokio::test]
async fn a_committers_request_is_queued_and_answered_with_its_first_report() {
    let answer = answer_to(&Case::default()).await;
    insta::assert_json_snapshot!(shown(&answer));
}

#[tokio::test]
async fn a_strangers_request_is_queued_and_said_to_wait_for_a_committer() {
    let case = Case::of(|case| case.data["requested_by"]["can_push"] = json!(false));
    insta::assert_json_snapshot!(shown(&answer_to(&case).await));
}

/// The answer, with its body as what it is.
fn shown(answer: &Value) -> Value {
    let mut answer = answer.clone();
    answer["body"] = problem(&answer);
    answer
}

#[tokio::test]
async fn what_is_queued_is_the_request_and_who_asked() {
    let (tell, told) = std::sync::mpsc::channel();
    let rule = mock!(aws_sdk_sqs::Client::send_message)
        .match_requests(move |sent| {
            tell.send((sent.message_body().map(str::to_owned), sent.delay_seconds()))
                .is_ok()
        })
        .then_output(|| SendMessageOutput::builder().build());
    let case = Case::default();
    let answer = entry(&rule).receive(&case.event(), now()).await;
    assert_eq!(answer.status(), 202);
    let (body, delay) = told.recv().unwrap();
    assert_eq!(delay.unwrap_or(0), 0);
    let queued = Queued::from_body(&body.unwrap()).unwrap();
    let request = BuildRequest::from_body(case.body().as_bytes()).unwrap();
    assert_eq!(queued, Queued::new(request, CALLER, now()));
    assert_eq!((queued.tries, queued.first), (0, now()));
}

#[tokio::test]
async fn a_retry_is_answered_like_the_first_delivery() {
    let case = Case::default();
    let first = answer_to(&case).await;
    let rule = taken();
    let later = now().plus_seconds(3600);
    let again = entry(&rule).receive(&case.event(), later).await;
    assert_eq!(again.to_value(), first);
}

#[tokio::test]
async fn a_build_of_an_unknown_commit_has_no_report_yet() {
    let case = Case::of(|case| {
        case.data["source"]
            .as_object_mut()
            .unwrap()
            .remove("commit");
    });
    let answer = answer_to(&case).await;
    assert_eq!(
        (&answer["statusCode"], &answer["body"]),
        (&json!(202), &json!(""))
    );
}

#[tokio::test]
async fn a_test_is_answered_and_starts_nothing() {
    let case = Case::of(|case| {
        case.event["body"] = json!(ping_body(now(), "demo/hello", "codebuild/hello"));
    });
    let answer = answer_to(&case).await;
    assert_eq!(answer["statusCode"], 204);
    assert_eq!(answer["body"], "");
}

#[tokio::test]
async fn a_body_in_base64_is_the_same_body() {
    let plain = Case::default();
    let case = Case::of(|case| {
        case.event["body"] = json!(STANDARD.encode(case.body()));
        case.event["isBase64Encoded"] = json!(true);
    });
    assert_eq!(answer_to(&case).await, answer_to(&plain).await);
}

#[tokio::test]
async fn a_bare_job_is_a_project_of_codebuild() {
    let case = Case::of(|case| case.data["job"] = json!("hello"));
    let report = problem(&answer_to(&case).await);
    assert_eq!(report["data"]["context"], "hello");
    let url = report["data"]["url"].as_str().unwrap();
    assert!(url.contains("/codebuild/projects/hello/"), "{url}");
}

#[tokio::test]
async fn nobody_captured_is_a_stranger() {
    let case = Case::of(|case| {
        case.data.as_object_mut().unwrap().remove("requested_by");
    });
    let report = problem(&answer_to(&case).await);
    let said = report["data"]["description"].as_str().unwrap();
    assert!(said.starts_with("Waits for a committer"), "{said}");
}

#[tokio::test]
async fn a_fork_may_lie_where_the_operator_lets_it() {
    let case = Case::of(|case| {
        case.data["source"]["clone_url"] = json!("https://forks.example.net/ada/hello.git");
        case.data["pull_request"]["from_fork"] = json!(true);
    });
    assert_eq!(answer_to(&case).await["statusCode"], 202);
}

#[rstest]
#[case("application/json; charset=utf-8")]
#[case("Application/JSON")]
#[tokio::test]
async fn the_media_type_is_read_as_http_has_it(#[case] kind: &str) {
    let case = Case::of(|case| {
        let headers = case.event["headers"].as_object_mut().unwrap();
        headers.remove("content-type");
        headers.insert("Content-Type".to_owned(), json!(kind));
    });
    assert_eq!(answer_to(&case).await["statusCode"], 202);
}

#[test]
fn a_request_over_http_is_told_from_other_events() {
    assert!(is_request(&Case::default().event()));
    assert!(!is_request(&json!({ "Records": [] })));
    assert!(!is_request(&json!({ "type": "sweep" })));
}
