//! `chela verify` says what is wrong with a recorded message, and takes what is right.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is the report"
)]

mod support;

use chela_contract::{Micros, webhook::Key};
use insta::assert_snapshot;
use serde_json::{Value, json};
use support::{BUILD, COMMIT, Files, Run, TOKEN, chela, key};

/// When the recorded messages were sent.
fn at() -> Micros {
    "2026-11-22T20:16:02Z".parse().unwrap()
}

fn request() -> Value {
    json!({
        "type": "build.requested",
        "timestamp": "2026-11-22T20:15:27Z",
        "data": {
            "build_id": BUILD,
            "job": "codebuild/hello",
            "event": "commit",
            "project": {
                "name": "hello", "namespace": null, "fullname": "hello",
                "url": "https://pagure.example.org/hello"
            },
            "source": {
                "clone_url": "https://pagure.example.org/hello.git",
                "branch": "main",
                "commit": COMMIT
            },
            "report_url": "https://pagure.example.org/api/0/ci/webhook/hello"
        }
    })
}

fn report() -> Value {
    json!({
        "type": "build.reported",
        "timestamp": "2026-11-22T20:16:02Z",
        "data": { "status": "success", "commit": COMMIT, "url": "https://ci.example.org/1" }
    })
}

/// A message on disk, signed.
struct Recording {
    files: Files,
}

impl Recording {
    fn signed(key: &Key, id: &str, body: &[u8]) -> Self {
        let signed = key.sign(id, at(), body);
        let headers = format!(
            "POST / HTTP/1.1\r\nContent-Type: application/json; charset=utf-8\r\nWebhook-Id: {}\r\n\
             webhook-timestamp: {}\r\nwebhook-signature: {}\r\n",
            signed.id, signed.timestamp, signed.signature
        );
        let files = Files::new();
        files.write("headers", headers);
        files.write("body", body);
        Self { files }
    }

    fn verify(&self, kind: &str, more: &[&str]) -> Run {
        let mut command = chela();
        command.args(["verify", kind]);
        for name in ["headers", "body"] {
            command.arg(format!("--{name}")).arg(self.files.path(name));
        }
        command.arg("--token-file").arg(self.files.path("token"));
        Run::of(command.args(["--at", "2026-11-22T20:17:00Z"]).args(more))
    }

    /// The checks that found something.
    fn wrong(&self, kind: &str) -> Vec<(String, String)> {
        let run = self.verify(kind, &["--json"]);
        let json = run.json();
        let findings = json["findings"].as_array().unwrap().iter();
        let wrong: Vec<_> = findings
            .filter(|finding| finding["ok"] == false)
            .map(|finding| {
                let text = |name: &str| finding[name].as_str().unwrap().to_owned();
                (text("check"), text("text"))
            })
            .collect();
        assert_eq!(run.code, i32::from(!wrong.is_empty()), "{run:?}");
        assert_eq!(json["valid"], wrong.is_empty());
        wrong
    }
}

#[test]
fn a_valid_request_is_valid() {
    let recording = Recording::signed(&key(), BUILD, request().to_string().as_bytes());
    let run = recording.verify("request", &[]);
    assert_eq!(run.code, 0);
    assert_snapshot!("valid-request", run.stdout);
}

#[test]
fn a_valid_report_is_valid() {
    let recording = Recording::signed(&key(), "any id", report().to_string().as_bytes());
    assert_eq!(recording.wrong("report"), []);
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let mut report = report();
    report["data"]["status"] = json!("green\x1b[2J");
    let other = Key::new("another token".into()).unwrap();
    let recording = Recording::signed(&other, "any id", report.to_string().as_bytes());
    let headers = recording.files.path("headers");
    let text = std::fs::read_to_string(&headers).unwrap();
    std::fs::write(&headers, text.replace("application/json", "text/plain")).unwrap();
    let run = recording.verify("report", &["--at", "2026-11-23T20:16:02Z"]);
    // `--at` twice is a mistake in the call.
    assert_eq!(run.code, 2);
    let run = Run::of(
        chela()
            .args([
                "verify",
                "report",
                "--at",
                "2026-11-23T20:16:02Z",
                "--headers",
            ])
            .arg(&headers)
            .arg("--body")
            .arg(recording.files.path("body"))
            .arg("--token-file")
            .arg(recording.files.path("token")),
    );
    assert_eq!(run.code, 1);
    assert!(
        !run.stdout.contains('\x1b'),
        "text from outside reached the terminal"
    );
    assert_snapshot!("everything-wrong", run.stdout);
}

#[test]
fn a_report_is_no_request() {
    let recording = Recording::signed(&key(), BUILD, report().to_string().as_bytes());
    let wrong = recording.wrong("request");
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert_eq!(wrong[0].0, "body");
}

#[test]
fn a_request_under_another_id_is_wrong() {
    let recording = Recording::signed(&key(), "other", request().to_string().as_bytes());
    let wrong = recording.wrong("request");
    let expected = format!("webhook-id is other; it must be the build's id, {BUILD}.");
    assert_eq!(wrong, [("id".to_owned(), expected)]);
}

#[test]
fn a_missing_header_is_named() {
    let recording = Recording::signed(&key(), BUILD, request().to_string().as_bytes());
    recording
        .files
        .write("headers", "content-type: application/json\n");
    let checks: Vec<_> = recording
        .wrong("request")
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert!(checks[0].contains("webhook-id is missing"), "{checks:?}");
}

#[test]
fn a_line_end_that_the_recorder_added_is_noticed() {
    let recording = Recording::signed(&key(), "id", report().to_string().as_bytes());
    recording.files.write("body", format!("{}\n", report()));
    let wrong = recording.wrong("report");
    assert_eq!(wrong.len(), 1);
    assert!(wrong[0].1.contains("without the white space"), "{wrong:?}");
}

#[test]
fn a_line_end_that_the_recorder_removed_is_noticed() {
    let body = format!("{}\n", report());
    let recording = Recording::signed(&key(), "id", body.as_bytes());
    recording.files.write("body", report().to_string());
    let wrong = recording.wrong("report");
    assert_eq!(wrong.len(), 1);
    assert!(wrong[0].1.contains("with a line end"), "{wrong:?}");
}

#[test]
fn a_report_may_carry_the_token_instead() {
    let recording = Recording::signed(&key(), "id", report().to_string().as_bytes());
    let bearer = |token: &str| {
        let headers = format!("content-type: application/json\nauthorization: Bearer {token}\n");
        recording.files.write("headers", headers);
        recording
            .wrong("report")
            .into_iter()
            .map(|(check, _)| check)
            .collect::<Vec<_>>()
    };
    assert_eq!(bearer(TOKEN), Vec::<String>::new());
    assert_eq!(bearer("other"), ["signature"]);
}

#[test]
fn the_token_may_come_by_standard_input_and_is_never_shown() {
    let recording = Recording::signed(&key(), "id", report().to_string().as_bytes());
    let mut command = chela();
    command.args([
        "verify",
        "report",
        "--token-file",
        "-",
        "--at",
        "2026-11-22T20:17:00Z",
    ]);
    command
        .arg("--headers")
        .arg(recording.files.path("headers"));
    command.arg("--body").arg(recording.files.path("body"));
    command.stdin(std::fs::File::open(recording.files.path("token")).unwrap());
    let run = Run::of(&mut command);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(!format!("{run:?}").contains(TOKEN));
}

#[test]
fn an_empty_token_verifies_nothing() {
    let recording = Recording::signed(&key(), "id", report().to_string().as_bytes());
    recording.files.write("token", "\n");
    let run = recording.verify("report", &[]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("the CI token is empty"),
        "{}",
        run.stderr
    );
}
