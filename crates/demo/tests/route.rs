//! The stand-in for Pagure's route takes what the contract says, and nothing else.

mod support;

use chela_contract::{BuildId, CommitId, MAX_REPORT_BYTES, Micros, Report, Shown, Status};
use chela_demo::{Flag, Forge};
use rstest::rstest;
use serde_json::{Value, json};
use ureq::http::{Request, Response};

use support::{TOKEN, forge, key, now};

/// Status, content type, body.
type Answer = (u16, String, Value);

/// Posts the body with these headers.
async fn post(forge: &Forge, project: &str, headers: Vec<(&str, String)>, body: &[u8]) -> Answer {
    let url = format!("{}api/0/ci/webhook/{project}", forge.url);
    let mut request = Request::post(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(body.to_vec()).expect("a request");
    let answered = tokio::task::spawn_blocking(move || {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = ureq::Agent::from(config.build());
        agent
            .run(request)
            .expect("an answer")
            .map(|mut body| body.read_to_vec())
    });
    let answer: Response<_> = answered.await.expect("no panic");
    let kind = answer.headers()["content-type"]
        .to_str()
        .expect("ASCII")
        .to_owned();
    let status = answer.status().as_u16();
    let body = answer.into_body().expect("a body");
    (
        status,
        kind,
        serde_json::from_slice(&body).unwrap_or(Value::Null),
    )
}

fn signed(body: &[u8], at: Micros) -> Vec<(&'static str, String)> {
    let headers = key().sign("report-1", at, body);
    vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", headers.id),
        ("webhook-timestamp", headers.timestamp.to_string()),
        ("webhook-signature", headers.signature),
    ]
}

async fn send(forge: &Forge, report: &Report) -> Answer {
    let body = report.to_body();
    let headers = signed(body.as_bytes(), now());
    post(forge, "demo/hello", headers, body.as_bytes()).await
}

fn report(forge: &Forge, build: BuildId, at: Micros, status: Status, text: &str) -> Report {
    let url = "https://ci.example.org/1".parse().expect("a URL");
    Report {
        build_id: Some(build),
        context: None,
        commit: forge.pull_requests[0].commit.clone(),
        pull_request: Some(1),
        shown: Shown::new(at, status, None, &url, text),
    }
}

fn only(flags: Vec<Flag>) -> Flag {
    let [flag] = flags.try_into().expect("one flag");
    flag
}

#[tokio::test]
async fn a_signed_report_becomes_the_flag() {
    let (forge, mut changes) = forge().await;
    let at = now();
    let report = report(
        &forge,
        BuildId::new(at),
        at,
        Status::Success,
        "All is <well>",
    );
    let (status, kind, body) = send(&forge, &report).await;
    assert_eq!((status, kind.as_str()), (200, "application/json"));
    let expected = json!({
        "applied": true,
        "flag": {
            "context": "local/check", "status": "success", "percent": null,
            "description": "All is \u{fffd}well\u{fffd}", "url": "https://ci.example.org/1",
            "timestamp": at,
        },
    });
    assert_eq!(body, expected);
    let flag = only(forge.flags.all());
    assert_eq!(changes.recv().await, Some(flag.clone()));
    assert_eq!(flag.shown.status, Status::Success);
}

#[tokio::test]
async fn the_token_itself_is_enough() {
    let (forge, _changes) = forge().await;
    let at = now();
    let body = report(&forge, BuildId::new(at), at, Status::Success, "").to_body();
    let headers = vec![
        ("content-type", "application/json; charset=utf-8".to_owned()),
        ("authorization", format!("bearer {TOKEN}")),
    ];
    let (status, ..) = post(&forge, "demo/hello", headers, body.as_bytes()).await;
    assert_eq!(status, 200);
}

/// How a request says who sends it.
enum Proof {
    Nothing,
    OfAnotherBody,
    /// So many seconds from now.
    Signed(i64),
    Bearer(&'static str),
}

impl Proof {
    fn headers(&self, body: &[u8]) -> Vec<(&'static str, String)> {
        match self {
            Self::Nothing => Vec::new(),
            Self::OfAnotherBody => signed(b"{}", now()),
            Self::Signed(seconds) => signed(body, now().plus_seconds(*seconds)),
            Self::Bearer(token) => vec![("authorization", format!("Bearer {token}"))],
        }
    }
}

#[rstest]
#[case::nobody("demo/hello", Proof::Nothing)]
#[case::another_body("demo/hello", Proof::OfAnotherBody)]
#[case::stale("demo/hello", Proof::Signed(-302))]
#[case::from_the_future("demo/hello", Proof::Signed(302))]
#[case::another_token("demo/hello", Proof::Bearer("guess"))]
#[case::no_token("demo/hello", Proof::Bearer(""))]
#[case::another_project("demo/other", Proof::Signed(0))]
#[case::no_project("a/b/c/d/e/f", Proof::Signed(0))]
#[tokio::test]
async fn whoever_is_not_known_gets_one_answer(#[case] project: &str, #[case] proof: Proof) {
    let (forge, _changes) = forge().await;
    let at = now();
    let body = report(&forge, BuildId::new(at), at, Status::Success, "").to_body();
    let (status, kind, problem) = post(
        &forge,
        project,
        proof.headers(body.as_bytes()),
        body.as_bytes(),
    )
    .await;
    assert_eq!((status, kind.as_str()), (401, "application/problem+json"));
    assert_eq!(problem["title"], "Not authorized");
    assert_eq!(forge.flags.all(), []);
}

#[tokio::test]
async fn the_greatest_report_stands_in_whatever_order_they_come() {
    let first = now();
    let (old, new) = (BuildId::new(first.plus_seconds(-60)), BuildId::new(first));
    // From the least to the greatest; one after the other each of them is applied.
    let ordered = [
        (old, 0, Status::Pending, "a"),
        (old, 9, Status::Success, "b"),
        (new, 0, Status::Pending, "c"),
        (new, 1, Status::Pending, "d"),
        (new, 1, Status::Success, "e"),
        (new, 1, Status::Failure, "f"),
        (new, 2, Status::Success, "g"),
    ];
    let orders: [&[usize]; 4] = [
        &[0, 1, 2, 3, 4, 5, 6],
        &[6, 5, 4, 3, 2, 1, 0],
        &[2, 1, 6, 0, 0, 6, 3],
        &[5, 6, 6, 2, 1],
    ];
    for order in orders {
        let (forge, _changes) = forge().await;
        let mut greatest = None;
        for &at in order {
            let (build, seconds, status, text) = ordered[at];
            let time = first.plus_seconds(seconds - 10);
            let (code, _, body) = send(&forge, &report(&forge, build, time, status, text)).await;
            let expected = greatest.is_none_or(|greatest| at > greatest);
            assert_eq!(code, 200, "{body}");
            assert_eq!(body["applied"], expected, "{text} in {order:?}: {body}");
            greatest = greatest.max(Some(at));
            let (.., stands) = ordered[greatest.expect("one at least")];
            assert_eq!(body["flag"]["description"], stands, "{text} in {order:?}");
        }
        assert_eq!(only(forge.flags.all()).shown.description, "g");
    }
}

#[tokio::test]
async fn a_report_twice_is_one_change() {
    let (forge, mut changes) = forge().await;
    let at = now();
    let report = report(&forge, BuildId::new(at), at, Status::Pending, "");
    assert_eq!(send(&forge, &report).await.2["applied"], true);
    assert_eq!(send(&forge, &report).await.2["applied"], false);
    assert!(changes.try_recv().is_ok());
    assert!(changes.try_recv().is_err(), "it was told twice");
}

#[rstest]
#[case::not_json("x", 400)]
#[case::not_an_object("[1]", 400)]
#[case::no_status(
    r#"{"type":"build.reported","timestamp":"2026-11-22T20:16:02Z","data":{}}"#,
    400
)]
#[tokio::test]
async fn what_is_no_report_is_told_by_its_member(#[case] body: &str, #[case] expected: u16) {
    let (forge, _changes) = forge().await;
    let headers = signed(body.as_bytes(), now());
    let (status, kind, problem) = post(&forge, "demo/hello", headers, body.as_bytes()).await;
    assert_eq!(
        (status, kind.as_str()),
        (expected, "application/problem+json")
    );
    assert_eq!(problem["title"], "The report cannot be taken");
}

#[tokio::test]
async fn another_content_type_and_too_long_a_body_are_refused() {
    let (forge, _changes) = forge().await;
    let bearer = ("authorization", format!("Bearer {TOKEN}"));
    let text = vec![("content-type", "text/plain".to_owned()), bearer.clone()];
    assert_eq!(post(&forge, "demo/hello", text, b"{}").await.0, 415);
    let long = vec![b' '; MAX_REPORT_BYTES + 1];
    assert_eq!(post(&forge, "demo/hello", vec![bearer], &long).await.0, 413);
}

#[tokio::test]
async fn values_out_of_range_and_unknown_commits_store_nothing() {
    let (forge, _changes) = forge().await;
    let at = now();
    let good = report(&forge, BuildId::new(at), at, Status::Success, "");
    let nowhere: CommitId = "0123456789012345678901234567890123456789".parse().unwrap();
    let cases = [
        (
            404,
            Report {
                commit: nowhere,
                ..good.clone()
            },
        ),
        (
            404,
            Report {
                pull_request: Some(3),
                ..good.clone()
            },
        ),
        (
            422,
            report(
                &forge,
                BuildId::new(at),
                at.plus_seconds(400),
                Status::Success,
                "",
            ),
        ),
        (
            422,
            report(
                &forge,
                BuildId::new(at.plus_seconds(400)),
                at,
                Status::Success,
                "",
            ),
        ),
    ];
    for (expected, report) in cases {
        let (status, kind, problem) = send(&forge, &report).await;
        assert_eq!(
            (status, kind.as_str()),
            (expected, "application/problem+json"),
            "{problem}"
        );
    }
    assert_eq!(forge.flags.all(), []);
}

#[tokio::test]
async fn contexts_and_pull_requests_do_not_share_a_flag() {
    let (forge, _changes) = forge().await;
    let at = now();
    let good = report(&forge, BuildId::new(at), at, Status::Success, "");
    for report in [
        good.clone(),
        Report {
            context: Some("other".parse().unwrap()),
            ..good.clone()
        },
        Report {
            pull_request: Some(2),
            ..good.clone()
        },
        Report {
            pull_request: None,
            ..good.clone()
        },
    ] {
        assert_eq!(send(&forge, &report).await.2["applied"], true);
    }
    assert_eq!(forge.flags.all().len(), 4);
}
