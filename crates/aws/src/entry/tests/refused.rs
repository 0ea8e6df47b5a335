use base64::{Engine as _, engine::general_purpose::STANDARD};
use chela_contract::ping_body;
use rstest::rstest;

use super::*;

const MAX: usize = 256 * 1024;

#[rstest]
#[case::no_context(json!({ "body": "{}" }))]
#[case::no_authorizer(json!({ "requestContext": { "http": { "method": "POST" } } }))]
#[case::another_authorizer(json!({ "requestContext": { "authorizer": { "jwt": { "claims": {} } } } }))]
#[case::payload_format_1(json!({
    "version": "1.0", "requestContext": { "identity": { "userArn": CALLER } }
}))]
#[case::null(json!({ "requestContext": { "authorizer": { "iam": { "userArn": null } } } }))]
#[case::empty(json!({ "requestContext": { "authorizer": { "iam": { "userArn": "" } } } }))]
#[case::no_text(json!({ "requestContext": { "authorizer": { "iam": { "userArn": [CALLER] } } } }))]
#[case::nothing(json!(null))]
#[tokio::test]
async fn what_iam_has_not_signed_is_refused(#[case] event: Value) {
    let answer = entry(&taken()).receive(&event, now()).await.to_value();
    assert_eq!(answer["statusCode"], 403);
    let detail = problem(&answer)["detail"].to_string();
    assert!(detail.contains("must have AWS_IAM"), "{detail}");
}

#[rstest]
#[case::user("arn:aws:iam::123456789012:user/somebody")]
#[case::account("arn:aws:iam::210987654321:user/pagure-demo-hello")]
#[case::partition("arn:aws-cn:iam::123456789012:user/pagure-demo-hello")]
#[case::role("arn:aws:sts::123456789012:assumed-role/pagure-demo-hello/x")]
#[case::spelling("arn:aws:iam::123456789012:user/Pagure-demo-hello")]
#[case::more("arn:aws:iam::123456789012:user/pagure-demo-hello/x")]
#[tokio::test]
async fn an_unknown_caller_is_refused_before_its_body_is_read(#[case] arn: &str) {
    let case = Case::of(|case| {
        case.caller(&json!(arn));
        case.event["body"] = json!("no JSON");
    });
    assert_refused(&case, 403, &format!("{arn} is no caller of this receiver")).await;
}

#[tokio::test]
async fn another_callers_project_looks_like_none() {
    let there = Case::of(|case| case.project("secret", "plans"));
    let nowhere = Case::of(|case| case.project("secret", "nothing"));
    let there = assert_refused(&there, 403, "may not ask for builds of secret/plans").await;
    let nowhere = assert_refused(&nowhere, 403, "may not ask for builds of secret/nothing").await;
    assert_eq!(
        there.to_string().replace("plans", "nothing"),
        nowhere.to_string(),
        "nothing tells them apart"
    );
}

#[tokio::test]
async fn a_test_of_another_callers_project_is_refused() {
    let case = Case::of(|case| {
        case.event["body"] = json!(ping_body(now(), "secret/plans", "codebuild/plans"));
    });
    assert_refused(&case, 403, "may not ask for builds of secret/plans").await;
}

#[rstest]
#[case("codebuild/other")]
#[case("codebuild/plans")]
#[case("release")]
#[case("local/hello")]
#[case("codebuild/Hello")]
#[tokio::test]
async fn an_unknown_job_is_answered_with_those_of_the_project_alone(#[case] job: &str) {
    let case = Case::of(|case| case.data["job"] = json!(job));
    let known = format!(
        "no such job: {job}; the receiver runs codebuild/hello, codepipeline/release for demo/hello"
    );
    assert_refused(&case, 422, &known).await;
}

#[tokio::test]
async fn names_that_contradict_each_other_reach_no_project() {
    // The face says its own project, the parts say another one's.
    let case = Case::of(|case| {
        case.data["project"]["namespace"] = json!("secret");
        case.data["project"]["name"] = json!("plans");
    });
    assert_refused(&case, 422, "demo/hello is not one project of a Pagure").await;
}

#[tokio::test]
async fn strangers_are_refused_where_the_project_says_so() {
    let case = Case::of(|case| {
        case.project("demo", "strict");
        case.data["job"] = json!("codebuild/strict");
        case.data["requested_by"]["can_push"] = json!(false);
    });
    assert_refused(&case, 403, "builds for committers only").await;
    let committer = Case::of(|case| {
        case.project("demo", "strict");
        case.data["job"] = json!("codebuild/strict");
    });
    assert_eq!(answer_to(&committer).await["statusCode"], 202);
}

#[rstest]
#[case(
    "https://pagure.example.org/demo/other.git",
    "CHELA_PAGURE_URL or CHELA_PAGURE_GIT"
)]
#[case(
    "https://elsewhere.example/demo/hello.git",
    "CHELA_PAGURE_URL or CHELA_PAGURE_GIT"
)]
#[case(
    "https://ada:opensesame@pagure.example.org/demo/hello.git",
    "neither credentials nor a query"
)]
#[tokio::test]
async fn another_repository_is_refused_unless_it_is_a_fork(
    #[case] clone_url: &str,
    #[case] detail: &str,
) {
    let case = Case::of(|case| {
        case.data["source"]["clone_url"] = json!(clone_url);
        case.data["pull_request"]["from_fork"] = json!(false);
    });
    let answer = assert_refused(&case, 422, detail).await;
    assert!(!answer.to_string().contains("opensesame"));
}

/// A key's holder can call anything a fork, and themselves somebody who can push.
#[rstest]
#[case::anybodys("https://elsewhere.example/ada/hello.git", "CHELA_LIMIT_HOSTS")]
#[case::another_port(
    "https://pagure.example.org:8443/forks/ada/demo/hello.git",
    "port 8443"
)]
#[case::in_clear_text("http://pagure.example.org/forks/ada/demo/hello.git", "plain HTTP")]
#[case::metadata("http://169.254.169.254/latest/meta-data", "CHELA_LIMIT_HOSTS")]
#[case::metadata_over_ipv6("http://[fd00:ec2::254]/latest", "CHELA_LIMIT_HOSTS")]
#[case::the_runtime("http://127.0.0.1:9001/2018-06-01/runtime", "CHELA_LIMIT_HOSTS")]
#[case::the_runtime_by_name("http://localhost:9001/2018-06-01/runtime", "CHELA_LIMIT_HOSTS")]
#[case::a_file("file:///proc/self/environ", "does not begin with https://")]
#[tokio::test]
async fn a_fork_on_a_server_that_nobody_named_is_refused(
    #[case] clone_url: &str,
    #[case] detail: &str,
) {
    let case = Case::of(|case| {
        case.data["source"]["clone_url"] = json!(clone_url);
        case.data["pull_request"]["from_fork"] = json!(true);
        case.data["requested_by"] = json!({
            "user": "mallory", "can_push": true, "reason": "opened",
            "at": "2026-11-22T20:15:26.870Z",
        });
    });
    assert_refused(&case, 422, detail).await;
}

#[tokio::test]
async fn reports_to_elsewhere_are_refused() {
    let case = Case::of(|case| {
        case.data["report_url"] = json!("https://evil.example/api/0/ci/webhook/demo/hello");
    });
    assert_refused(&case, 422, "check CHELA_PAGURE_URL").await;
}

#[rstest]
#[case::get(
    |case: &mut Case| case.event["requestContext"]["http"]["method"] = json!("GET"),
    405,
    "send a POST"
)]
#[case::no_method(
    |case: &mut Case| case.event["requestContext"]["http"] = json!({}),
    405,
    "send a POST"
)]
#[case::form(
    |case: &mut Case| {
        case.event["headers"]["content-type"] = json!("application/x-www-form-urlencoded");
    },
    415,
    "send application/json"
)]
#[case::no_headers(
    |case: &mut Case| case.event["headers"] = json!({}),
    415,
    "send application/json"
)]
#[case::no_json(
    |case: &mut Case| case.event["body"] = json!("hello"),
    400,
    "expected value"
)]
#[case::no_body(
    |case: &mut Case| case.event["body"] = json!(null),
    400,
    "EOF"
)]
#[case::no_base64(
    |case: &mut Case| {
        case.event["body"] = json!("{\"type\"}");
        case.event["isBase64Encoded"] = json!(true);
    },
    400,
    "not the base64"
)]
#[case::too_long(
    |case: &mut Case| case.event["body"] = json!(" ".repeat(MAX + 1)),
    413,
    "longer than 256 KiB"
)]
#[case::too_long_in_base64(
    |case: &mut Case| {
        case.event["body"] = json!(STANDARD.encode(" ".repeat(MAX + 1)));
        case.event["isBase64Encoded"] = json!(true);
    },
    413,
    "longer than 256 KiB"
)]
#[case::far_too_long_in_base64(
    |case: &mut Case| {
        case.event["body"] = json!("!".repeat(4 * MAX));
        case.event["isBase64Encoded"] = json!(true);
    },
    413,
    "longer than 256 KiB"
)]
#[case::too_long_for_the_queue(fill, 413, "longer than 256 KiB")]
#[case::another_type(
    |case: &mut Case| case.kind = "build.reported",
    422,
    "type: build.reported is not known here"
)]
#[case::no_type(
    |case: &mut Case| case.event["body"] = json!("{\"data\":{}}"),
    400,
    "project"
)]
#[case::no_request(
    |case: &mut Case| {
        case.data.as_object_mut().unwrap().remove("source");
    },
    400,
    "source"
)]
#[case::another_id(
    |case: &mut Case| {
        case.id = Some("0199a1c2-6f0e-7c3a-9d6b-2f6f1f1f0a12".to_owned());
    },
    422,
    "webhook-id is not the request's data.build_id"
)]
#[case::no_id(
    |case: &mut Case| case.id = Some(String::new()),
    422,
    "webhook-id is not the request's data.build_id"
)]
#[case::future(
    |case: &mut Case| {
        case.data["build_id"] = json!("7fffffff-6f0e-7c3a-9d6b-2f6f1f1f0a11");
    },
    422,
    "more than 5 minutes in the future"
)]
#[tokio::test]
async fn what_is_no_request_is_refused_with_its_reason(
    #[case] change: fn(&mut Case),
    #[case] status: u16,
    #[case] detail: &str,
) {
    assert_refused(&Case::of(change), status, detail).await;
}

/// A body that is just not too long itself.
fn fill(case: &mut Case) {
    case.data["pull_request"]["title"] = json!("");
    let left = MAX - case.body().len();
    case.data["pull_request"]["title"] = json!("x".repeat(left));
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_one() {
    let case = Case::of(|case| case.event["requestContext"]["http"]["method"] = json!("PUT"));
    let answer = assert_refused(&case, 405, "send a POST").await;
    assert_eq!(answer["headers"]["allow"], "POST");
}
