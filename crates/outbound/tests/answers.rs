//! What each answer means, as the contract's sections 1.4 and 2.4 say.

use std::time::Duration;

use chela_outbound::{Answer, Audience, Failure, Refused, Stage, Verdict};
use proptest::prelude::*;
use rstest::rstest;

#[derive(Debug, PartialEq)]
enum Kind {
    Accepted,
    Refused,
    Retry,
}

fn kind(verdict: &Verdict) -> Kind {
    match verdict {
        Verdict::Accepted => Kind::Accepted,
        Verdict::Refused { .. } => Kind::Refused,
        Verdict::Retry { .. } => Kind::Retry,
    }
}

fn answer(status: u16) -> Answer {
    Answer {
        status,
        date: None,
        retry_after: None,
        content_type: None,
        location: None,
        body: Vec::new(),
        truncated: false,
    }
}

fn problem(status: u16, body: &str) -> Answer {
    let content_type = Some("Application/Problem+JSON; charset=utf-8".to_owned());
    Answer {
        content_type,
        body: body.into(),
        ..answer(status)
    }
}

fn reason(verdict: Verdict) -> String {
    match verdict {
        Verdict::Refused { reason } | Verdict::Retry { reason, .. } => reason,
        Verdict::Accepted => panic!("an accepted request has no reason"),
    }
}

fn reason_of(answer: Answer) -> String {
    reason(Verdict::of(&Ok(answer), Audience::Forge))
}

#[rstest]
fn a_request_is_accepted_by_2xx_alone(#[values(200, 201, 202, 204, 299)] status: u16) {
    assert_eq!(
        Verdict::of(&Ok(answer(status)), Audience::Forge),
        Verdict::Accepted
    );
}

#[rstest]
fn a_request_is_refused_for_good(
    #[values(
        300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 409, 410, 413, 415,
        418, 422, 451, 499
    )]
    status: u16,
) {
    assert_eq!(
        kind(&Verdict::of(&Ok(answer(status)), Audience::Forge)),
        Kind::Refused
    );
}

#[rstest]
fn a_request_is_tried_again(
    #[values(100, 199, 408, 425, 429, 500, 501, 502, 503, 504, 599, 600, 999)] status: u16,
) {
    assert_eq!(
        kind(&Verdict::of(&Ok(answer(status)), Audience::Forge)),
        Kind::Retry
    );
}

#[rstest]
#[case(200, Kind::Accepted)]
#[case(301, Kind::Refused)]
#[case(400, Kind::Refused)]
#[case(401, Kind::Retry)]
#[case(403, Kind::Refused)]
#[case(404, Kind::Refused)]
#[case(408, Kind::Retry)]
#[case(413, Kind::Refused)]
#[case(415, Kind::Refused)]
#[case(422, Kind::Refused)]
#[case(429, Kind::Retry)]
#[case(500, Kind::Retry)]
#[case(503, Kind::Retry)]
fn a_report_is_judged_by_its_own_table(#[case] status: u16, #[case] expected: Kind) {
    assert_eq!(
        kind(&Verdict::of_report(&Ok(answer(status)), Audience::Program)),
        expected
    );
}

#[test]
fn a_report_with_a_wrong_token_says_so() {
    let verdict = Verdict::of_report(&Ok(answer(401)), Audience::Program);
    assert_eq!(
        reason(verdict),
        "the forge answered 401 Unauthorized; check that the CI token is the one of this project"
    );
}

#[test]
fn retry_after_reaches_the_verdict() {
    let after = Some(Duration::from_secs(7));
    let busy = Answer {
        retry_after: after,
        ..answer(503)
    };
    let verdict = Verdict::of(&Ok(busy), Audience::Forge);
    let reason = "the CI service answered 503 Service Unavailable".to_owned();
    assert_eq!(verdict, Verdict::Retry { reason, after });
}

#[rstest]
#[case(
    answer(302),
    "the CI service answered 302 Found; redirects are never followed, so put the final address \
     into the CI URL"
)]
#[case(
    Answer { location: Some("https://new.example/\u{1b}[31m".into()), ..answer(301) },
    "the CI service answered 301 Moved Permanently to https://new.example/ [31m; redirects are \
     never followed, so put the final address into the CI URL"
)]
#[case(
    answer(403),
    "the CI service answered 403 Forbidden; check the CI user name and the CI password, and what \
     they permit"
)]
#[case(
    problem(
        422,
        r#"{"title": "No such job", "detail": "codebuild/x\nis not\u0000 allowed"}"#
    ),
    "the CI service answered 422 Unprocessable Entity (No such job: codebuild/x is not allowed)"
)]
#[case(
    problem(400, r#"{"detail": "a\u202eb"}"#),
    "the CI service answered 400 Bad Request (ab)"
)]
#[case(
    problem(400, r#"{"title": "", "detail": null}"#),
    "the CI service answered 400 Bad Request"
)]
#[case(
    problem(400, r#"{"title": 7}"#),
    "the CI service answered 400 Bad Request"
)]
#[case(problem(400, "<html>"), "the CI service answered 400 Bad Request")]
#[case(
    Answer { content_type: Some("application/json".into()), ..problem(400, r#"{"title": "x"}"#) },
    "the CI service answered 400 Bad Request"
)]
#[case(answer(499), "the CI service answered 499")]
fn a_reason_says_what_was_answered(#[case] answer: Answer, #[case] expected: &str) {
    assert_eq!(reason_of(answer), expected);
}

#[test]
fn a_long_problem_is_cut() {
    let long = reason_of(problem(
        500,
        &format!(r#"{{"title": "{}"}}"#, "ä".repeat(60_000)),
    ));
    assert!(
        long.ends_with("ä…)") && long.chars().count() < 300,
        "{long}"
    );
}

#[rstest]
#[case(Failure::Refused(Refused::Scheme), Kind::Refused)]
#[case(Failure::Unresolved { host: "h".into(), cause: "c".into() }, Kind::Retry)]
#[case(Failure::Slow { host: "h".into(), stage: Stage::Connecting }, Kind::Retry)]
#[case(Failure::Tls { host: "h".into(), cause: "c".into() }, Kind::Retry)]
#[case(Failure::Connection { host: "h".into(), cause: "c".into() }, Kind::Retry)]
#[case(Failure::Garbage { host: "h".into(), cause: "c".into() }, Kind::Retry)]
fn only_our_own_refusals_are_final(#[case] failure: Failure, #[case] expected: Kind) {
    let result = Err(failure);
    assert_eq!(kind(&Verdict::of(&result, Audience::Forge)), expected);
    assert_eq!(
        kind(&Verdict::of_report(&result, Audience::Forge)),
        expected
    );
}

proptest! {
    #[test]
    fn any_answer_is_judged_in_one_clean_line(
        status: u16,
        content_type in proptest::option::of("application/problem\\+json|.*"),
        location: Option<String>,
        body in prop_oneof![
            any::<Vec<u8>>(),
            any::<String>().prop_map(|title| {
                serde_json::json!({"title": title, "detail": title}).to_string().into_bytes()
            }),
        ],
    ) {
        let answer = Answer { content_type, location, body, ..answer(status) };
        for verdict in [Verdict::of(&Ok(answer.clone()), Audience::Forge),
                        Verdict::of_report(&Ok(answer), Audience::Program)] {
            if verdict != Verdict::Accepted {
                let reason = reason(verdict);
                prop_assert!(!reason.contains(char::is_control) && reason.chars().count() < 700);
            }
        }
    }
}
