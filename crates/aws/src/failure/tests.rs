use rstest::rstest;

use super::*;
use crate::testing::{Reply, s3};

/// What a refused read of the ledger comes to.
async fn refused(reply: Reply) -> Failure {
    let (s3, _) = s3([("get_object", reply)]);
    let request = s3.get_object().bucket("ledger").key("builds/one");
    let error = request.send().await.unwrap_err();
    Failure::of(Call::new("s3:GetObject", "ledger/builds/one"), error)
}

#[rstest]
#[case::throttled(
    Reply::no(503, "SlowDown", "Please reduce your request rate."),
    "s3:GetObject on ledger/builds/one got no answer from AWS for now (SlowDown: Please reduce \
     your request rate.); try again later"
)]
#[case::out_of_order(
    Reply::bare(500).body("<html>"),
    "s3:GetObject on ledger/builds/one got no answer from AWS for now (HTTP 500: AWS says no \
     more); try again later"
)]
#[case::denied(
    Reply::no(403, "AccessDenied", "Access Denied"),
    "AWS does not let this function call s3:GetObject on ledger/builds/one: allow it in the policy \
     of the function's role (Access Denied)"
)]
#[case::expired(
    Reply::no(400, "ExpiredToken", "The provided token has expired."),
    "AWS does not accept the credentials for s3:GetObject on ledger/builds/one (ExpiredToken: The \
     provided token has expired.); try again later, then look at the function's role and its \
     AWS_… variables"
)]
#[case::no_bucket(
    Reply::no(404, "NoSuchBucket", "The specified bucket does not exist"),
    "s3:GetObject on ledger/builds/one failed (NoSuchBucket: The specified bucket does not exist); \
     check the name in the function's settings, and that it exists in this account and region"
)]
#[case::elsewhere(
    Reply::no(301, "PermanentRedirect", "Use the specified endpoint."),
    "s3:GetObject on ledger/builds/one failed (PermanentRedirect: Use the specified endpoint.); it \
     lies in another region: move it to the function's"
)]
#[tokio::test]
async fn a_refusal_is_a_sentence_that_says_what_to_do(
    #[case] reply: Reply,
    #[case] sentence: &str,
) {
    assert_eq!(refused(reply).await.to_string(), sentence);
}

#[rstest]
#[case::throttled(Reply::no(503, "SlowDown", ""), true)]
#[case::expired(Reply::no(400, "ExpiredToken", ""), true)]
#[case::denied(Reply::no(403, "AccessDenied", ""), false)]
#[case::no_bucket(Reply::no(404, "NoSuchBucket", ""), false)]
#[tokio::test]
async fn some_refusals_may_pass(#[case] reply: Reply, #[case] may_pass: bool) {
    assert_eq!(refused(reply).await.may_pass(), may_pass);
}

#[tokio::test]
async fn a_code_is_known_where_it_is_for_good() {
    let gone = refused(Reply::no(404, "NoSuchBucket", "gone")).await;
    assert_eq!(gone.code(), Some("NoSuchBucket"));
    let busy = refused(Reply::no(503, "SlowDown", "busy")).await;
    assert_eq!(busy.code(), None);
}

#[tokio::test]
async fn an_answer_without_a_body_may_deny_as_well() {
    let (s3, _) = s3([("head_object", Reply::bare(403))]);
    let request = s3.head_object().bucket("sources").key("one.zip");
    let error = request.send().await.unwrap_err();
    let failure = Failure::of(Call::new("s3:GetObject", "sources/one.zip"), error);
    let sentence = failure.to_string();
    assert!(matches!(failure, Failure::Denied { .. }), "{sentence}");
    assert!(
        sentence.contains("s3:GetObject on sources/one.zip"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_foreign_text_stays_one_short_line() {
    let text = format!("first&#10;second&#x9;third {}", "x".repeat(10_000));
    let sentence = refused(Reply::no(400, "Odd", &text)).await.to_string();
    assert!(sentence.contains("first second third x"), "{sentence}");
    assert!(sentence.chars().count() < 700, "{sentence}");
    assert!(!sentence.chars().any(char::is_control), "{sentence}");
}
