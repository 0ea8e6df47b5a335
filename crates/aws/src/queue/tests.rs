use std::sync::{Arc, Mutex};

use aws_sdk_s3::primitives::SdkBody;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::operation::change_message_visibility::ChangeMessageVisibilityOutput;
use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use rstest::rstest;

use super::*;

const URL: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/requests";

fn queue(rule: &Rule) -> Queue {
    let once = |config: aws_sdk_sqs::config::Builder| config.retry_config(RetryConfig::disabled());
    Queue::new(
        mock_client!(aws_sdk_sqs, RuleMode::MatchAny, [rule], once),
        URL,
    )
}

#[rstest]
#[case(Duration::ZERO, 0)]
#[case(Duration::from_millis(1), 1)]
#[case(Duration::from_mins(1), 60)]
#[case(Duration::from_millis(899_001), 900)]
#[case(Duration::from_secs(901), 900)]
#[case(Duration::MAX, 900)]
fn a_delay_is_whole_seconds_within_the_limit(#[case] delay: Duration, #[case] expected: i32) {
    assert_eq!(seconds(delay, MAX_DELAY), expected);
}

#[tokio::test]
async fn a_message_is_sent_with_its_delay() {
    let rule = mock!(Client::send_message)
        .match_requests(|asked| {
            asked.queue_url() == Some(URL)
                && asked.message_body() == Some("{}")
                && asked.delay_seconds() == Some(60)
        })
        .then_output(|| SendMessageOutput::builder().build());
    let sent = queue(&rule).send("{}", Duration::from_mins(1)).await;
    assert_eq!((sent, rule.num_calls()), (Ok(()), 1));
}

#[tokio::test]
async fn a_message_is_hidden_by_its_receipt() {
    let rule = mock!(Client::change_message_visibility)
        .match_requests(|asked| {
            asked.queue_url() == Some(URL)
                && asked.receipt_handle() == Some("receipt")
                && asked.visibility_timeout() == Some(900)
        })
        .then_output(|| ChangeMessageVisibilityOutput::builder().build());
    let hidden = queue(&rule).hide("receipt", Duration::from_mins(15)).await;
    assert_eq!((hidden, rule.num_calls()), (Ok(()), 1));
}

/// What SQS's refusal of a message comes to.
async fn refused(status: u16, code: &'static str) -> Failure {
    let rule = mock!(Client::send_message).then_http_response(move || {
        let body = json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": "Said." });
        HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()))
    });
    queue(&rule).send("{}", Duration::ZERO).await.unwrap_err()
}

#[rstest]
#[case::throttled(
    400,
    "ThrottlingException",
    "sqs:SendMessage on the queue requests got no answer from AWS for now (ThrottlingException: \
     Said.); try again later"
)]
#[case::denied(
    403,
    "AccessDeniedException",
    "AWS does not let this function call sqs:SendMessage on the queue requests: allow it in the \
     policy of the function's role (Said.)"
)]
#[case::expired(
    403,
    "ExpiredTokenException",
    "AWS does not accept the credentials for sqs:SendMessage on the queue requests \
     (ExpiredTokenException: Said.); try again later, then look at the function's role and its \
     AWS_… variables"
)]
#[case::no_queue(
    400,
    "QueueDoesNotExist",
    "sqs:SendMessage on the queue requests failed (QueueDoesNotExist: Said.); check the name in \
     the function's settings, and that it exists in this account and region"
)]
#[tokio::test]
async fn a_refusal_is_a_sentence(
    #[case] status: u16,
    #[case] code: &'static str,
    #[case] sentence: &str,
) {
    assert_eq!(refused(status, code).await.to_string(), sentence);
}

#[tokio::test]
async fn a_message_that_is_too_long_is_not_sent() {
    let calls = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&calls);
    let rule = mock!(Client::send_message).then_output(move || {
        *counted.lock().unwrap() += 1;
        SendMessageOutput::builder().build()
    });
    let queue = queue(&rule);
    queue
        .send(&"x".repeat(MAX_BODY), Duration::ZERO)
        .await
        .unwrap();
    let failure = queue
        .send(&"x".repeat(MAX_BODY + 1), Duration::ZERO)
        .await
        .unwrap_err();
    assert_eq!(failure.code(), Some("MessageTooLong"));
    assert_eq!(*calls.lock().unwrap(), 1);
}

/// As Lambda's guide shows it.
fn event() -> Value {
    json!({ "Records": [{
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": "Test message.",
        "attributes": {
            "ApproximateReceiveCount": "3",
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1545082649185"
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:my-queue",
        "awsRegion": "us-east-2"
    }]})
}

#[test]
fn a_delivery_is_what_lambda_hands_over() {
    let expected = Delivery {
        id: "059f36b4-87a3-44ab-83d2-661975830a7d".to_owned(),
        receipt: "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a".to_owned(),
        body: "Test message.".to_owned(),
        receives: 3,
    };
    assert_eq!(deliveries(&event()), Some(vec![expected]));
}

#[rstest]
#[case::a_number(json!(4), 4)]
#[case::a_float(json!(4.0), 1)]
#[case::nonsense(json!("many"), 1)]
#[case::none(json!("0"), 1)]
#[case::absent(Value::Null, 1)]
fn a_count_that_is_not_told_is_one(#[case] count: Value, #[case] expected: u32) {
    let mut event = event();
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = count;
    assert_eq!(deliveries(&event).unwrap()[0].receives, expected);
}

#[rstest]
#[case::a_schedule(json!({ "type": "sweep" }))]
#[case::nothing(json!(null))]
#[case::no_list(json!({ "Records": {} }))]
#[case::another_service_s(json!({ "Records": [{ "messageId": "1", "eventSource": "aws:s3" }] }))]
#[case::without_an_id(json!({ "Records": [{ "eventSource": "aws:sqs" }] }))]
fn another_event_is_none_of_a_queue(#[case] event: Value) {
    assert_eq!(deliveries(&event), None);
}

#[test]
fn what_failed_goes_back_by_its_id() {
    let answer = batch_failures(&["one".to_owned(), "two".to_owned()]);
    let expected =
        json!({ "batchItemFailures": [{ "itemIdentifier": "one" }, { "itemIdentifier": "two" }] });
    assert_eq!(answer, expected);
    assert_eq!(batch_failures(&[]), json!({ "batchItemFailures": [] }));
}
