use rstest::rstest;

use super::*;

#[rstest]
#[case::throttled(429)]
#[case::out_of_order(500)]
#[case::not_allowed(403)]
#[case::gone(400)]
#[tokio::test]
async fn a_request_that_cannot_be_kept_is_to_come_again(#[case] status: u16) {
    let rule = mock!(aws_sdk_sqs::Client::send_message)
        .sequence()
        .http_status(status, Some("{}".to_owned()))
        .repeatedly()
        .build();
    let answer = entry(&rule).receive(&Case::default().event(), now()).await;
    let answer = answer.to_value();
    assert_eq!(answer["statusCode"], 503);
    assert_eq!(answer["headers"]["retry-after"], "30");
    assert_eq!(
        problem(&answer)["detail"],
        "the receiver cannot write just now"
    );
    assert!(rule.num_calls() > 0);
}

#[tokio::test]
async fn without_a_map_every_request_is_to_come_again() {
    let gone = mock!(aws_sdk_s3::Client::get_object)
        .sequence()
        .http_status(403, None)
        .repeatedly()
        .build();
    let sqs = taken();
    let place = MapPlace::Object {
        bucket: "ledger".to_owned(),
        key: "config.json".to_owned(),
    };
    let entry = Entry {
        callers: Callers::new(place, mock_client!(aws_sdk_s3, [&gone])),
        ..entry(&sqs)
    };
    for _ in 0..2 {
        let answer = entry.receive(&Case::default().event(), now()).await;
        assert_eq!(answer.status(), 503);
        let detail = problem(&answer.to_value())["detail"].to_string();
        assert!(detail.contains("CHELA_CONFIG"), "{detail}");
    }
    assert_eq!(gone.num_calls(), 2, "no failure is kept");
    assert_eq!(sqs.num_calls(), 0);
}
