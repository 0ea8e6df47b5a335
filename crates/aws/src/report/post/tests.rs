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
#[case::of_another_version(r#"{"applied": "yes", "flag": {"status": "new"}}"#)]
#[case::short(r#"{"applied": true}"#)]
fn whatever_json_a_forge_says_with_200_it_has_the_report(#[case] body: &str) {
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
#[case::a_page_of_a_proxy("<!DOCTYPE html><title>Back soon</title>")]
#[case::a_line_of_text("OK")]
#[case::cut_off(r#"{"applied": tr"#)]
fn an_answer_that_is_no_json_is_not_the_forges(#[case] body: &str) {
    let reached = read(&Ok(answer(200, body)));
    assert!(matches!(reached, Reached::Down { .. }), "{reached:?}");
}

#[rstest]
#[case::token(401, "unknown")]
#[case::member(400, "refused")]
#[case::commit(404, "refused")]
#[case::size(413, "refused")]
#[case::kind(415, "refused")]
#[case::value(422, "refused")]
#[case::busy(429, "down")]
#[case::broken(500, "stumbled")]
#[case::away(502, "down")]
#[case::a_proxy_that_sends_people_elsewhere(302, "down")]
#[case::a_proxy_that_lets_nobody_in(403, "down")]
#[case::a_proxy_that_takes_no_posts(405, "down")]
fn other_answers_are_told_apart(#[case] status: u16, #[case] expected: &str) {
    let reached = match read(&Ok(answer(status, ""))) {
        Reached::Taken(_) => "taken",
        Reached::Refused(_) => "refused",
        Reached::Unknown(_) => "unknown",
        Reached::Stumbled { .. } => "stumbled",
        Reached::Down { after, .. } => {
            assert_eq!(after, Some(Duration::from_secs(7)));
            "down"
        }
    };
    assert_eq!(reached, expected);
}
