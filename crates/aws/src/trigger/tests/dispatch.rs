//! Which event goes where.

use rstest::rstest;
use serde_json::{Value, json};

use crate::clock::now;
use crate::config::{Environment, TriggerSettings};
use crate::entry::Queued;
use crate::sdk::Clients;
use crate::trigger::outside::Outside;
use crate::trigger::world::World as _;
use crate::trigger::{Ready, Trigger, has_time, testing};

const MAP: &str = r#"{"callers": {"arn:aws:iam::123456789012:user/pagure":
    {"demo/hello": {"jobs": {"codebuild/hello": {}}}},
    "arn:aws:iam::123456789012:user/other": {"demo/other": {"jobs": {"codebuild/hello": {}}}}}}"#;

/// The function with these variables. It calls nobody before it has something to say.
fn function(variables: &[(&str, &str)]) -> Trigger {
    let environment: Environment = variables.iter().copied().collect();
    let settings = TriggerSettings::read(&environment);
    Trigger(settings.map(|settings| Ready::new(&settings, &Clients::from_environment())))
}

fn set() -> Trigger {
    let queue = "https://sqs.eu-central-1.amazonaws.com/123456789012/chela";
    function(&[
        ("CHELA_PAGURE_URL", "https://pagure.example.org"),
        ("CHELA_CONFIG", MAP),
        ("CHELA_SOURCES_BUCKET", "sources"),
        ("CHELA_LEDGER_BUCKET", "ledger"),
        ("CHELA_REQUESTS_QUEUE", queue),
        ("CHELA_REPORTS_QUEUE", queue),
    ])
}

fn batch() -> Value {
    let message = |id: &str| {
        json!({
            "messageId": id, "receiptHandle": "handle", "body": "{\"request\": 1}",
            "attributes": { "ApproximateReceiveCount": "1" }, "eventSource": "aws:sqs"
        })
    };
    json!({ "Records": [message("one"), message("other")] })
}

fn request() -> Value {
    json!({
        "version": "2.0", "rawPath": "/", "headers": { "content-type": "application/json" },
        "requestContext": { "http": { "method": "POST", "path": "/" } }, "body": "{}"
    })
}

fn both_back() -> Value {
    json!({ "batchItemFailures": [{ "itemIdentifier": "one" }, { "itemIdentifier": "other" }] })
}

#[tokio::test]
async fn what_is_no_request_goes_back_to_its_queue_until_that_puts_it_aside() {
    let answer = set().handle(batch(), now().plus_seconds(300)).await;
    assert_eq!(answer, both_back());
}

#[tokio::test]
async fn what_is_no_batch_is_answered_over_http() {
    let answer = set().handle(request(), now().plus_seconds(300)).await;
    assert_eq!(answer["statusCode"], 403, "nobody has signed it: {answer}");
}

#[tokio::test]
async fn a_function_without_settings_gives_everything_back_and_says_why() {
    let unset = function(&[]);
    assert_eq!(unset.handle(batch(), now()).await, both_back());
    let answer = unset.handle(request(), now()).await;
    assert_eq!(answer["statusCode"], 503);
    let body = answer["body"].as_str().unwrap_or_default();
    assert!(body.contains("CHELA_LEDGER_BUCKET is not set"), "{body}");
}

#[rstest]
#[case(61, true)]
#[case(59, false)]
fn a_further_message_is_begun_if_a_fetch_may_still_fit(#[case] left: i64, #[case] begun: bool) {
    let now = now();
    assert_eq!(has_time(now, now.plus_seconds(left)), begun);
}

#[rstest]
#[case::as_it_was("arn:aws:iam::123456789012:user/pagure", "codebuild/hello", None)]
#[case::the_caller_is_gone(
    "arn:aws:iam::123456789012:user/gone",
    "codebuild/hello",
    Some("no requests for demo/hello from this caller any more")
)]
#[case::the_project_is_anothers(
    "arn:aws:iam::123456789012:user/other",
    "codebuild/hello",
    Some("no requests for demo/hello from this caller any more")
)]
#[case::the_job_is_gone(
    "arn:aws:iam::123456789012:user/pagure",
    "codebuild/gone",
    Some("codebuild/gone")
)]
#[tokio::test]
async fn what_was_accepted_is_started_while_its_caller_may_still_ask_for_it(
    #[case] caller: &str,
    #[case] job: &str,
    #[case] why_not: Option<&str>,
) {
    let Trigger(Ok(ready)) = set() else {
        panic!("it is set up");
    };
    let mut request = testing::request(1);
    request.job = job.to_owned().try_into().expect("a job");
    let queued = Queued::new(request, caller, now());
    let outside = Outside {
        tools: &ready.tools,
        callers: ready.entry.callers(),
        deadline: now(),
    };
    let assigned = outside.job(&queued).await.expect("there is a map");
    match (assigned, why_not) {
        (Ok(assigned), None) => assert_eq!(assigned.target.name, "hello"),
        (Err(why), Some(said)) => assert!(why.contains(said), "{why}"),
        other => panic!("{other:?}"),
    }
}
