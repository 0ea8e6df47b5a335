use rstest::rstest;

use super::super::testing::at;
use super::*;

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status,
        date: Some(at(50)),
        retry_after: Some(Duration::from_secs(7)),
        content_type: None,
        location: None,
        body: body.as_bytes().to_vec(),
        truncated: false,
    }
}

fn taken(body: &str) -> Taken {
    match read(&Ok(answer(200, body))) {
        Reached::Taken(taken) => taken,
        other => panic!("it is taken, not {other:?}"),
    }
}

#[rstest]
#[case::of_another_forge("")]
#[case::of_a_proxy("<html>")]
#[case::of_another_version(r#"{"applied": "yes", "flag": {"status": "new"}}"#)]
#[case::short(r#"{"applied": true}"#)]
fn whatever_a_forge_says_with_200_it_has_the_report(#[case] body: &str) {
    let taken = taken(body);
    assert!(taken.applied());
    assert_eq!(taken.hidden_behind(at(1)), None);
    assert_eq!(taken.at, at(51), "by the forge's clock");
}

fn told(applied: bool, status: &str, second: i64) -> String {
    let flag = serde_json::json!({"status": status, "timestamp": at(second), "percent": null});
    serde_json::json!({"applied": applied, "flag": flag}).to_string()
}

#[rstest]
#[case::behind_a_later_phase(told(false, "pending", 9), Some(9))]
#[case::behind_one_of_the_same_moment(told(false, "pending", 5), Some(5))]
#[case::not_behind_an_earlier_one(told(false, "pending", 4), None)]
#[case::not_behind_another_end(told(false, "success", 9), None)]
#[case::not_if_it_is_shown(told(true, "pending", 9), None)]
fn an_end_is_hidden_only_behind_a_later_pending(
    #[case] body: String,
    #[case] expected: Option<i64>,
) {
    assert_eq!(taken(&body).hidden_behind(at(5)), expected.map(at));
}

#[rstest]
#[case::token(401, "unknown")]
#[case::commit(404, "refused")]
#[case::value(422, "refused")]
#[case::busy(429, "down")]
#[case::broken(502, "down")]
fn other_answers_are_told_apart(#[case] status: u16, #[case] expected: &str) {
    let reached = match read(&Ok(answer(status, ""))) {
        Reached::Taken(_) => "taken",
        Reached::Refused(_) => "refused",
        Reached::Unknown(_) => "unknown",
        Reached::Down { after, .. } => {
            assert_eq!(after, Some(Duration::from_secs(7)));
            "down"
        }
    };
    assert_eq!(reached, expected);
}
