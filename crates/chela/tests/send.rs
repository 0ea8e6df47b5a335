//! `chela send` acts as the plugin: what arrives, what is printed, what the guard stops.

mod support;

use chela_contract::{BuildRequest, Event, Reason, Refname};
use insta::assert_snapshot;
use rstest::rstest;
use serde_json::{Value, json};
use support::{BUILD, COMMIT, Files, Run, Server, TOKEN, chela};

fn pending() -> String {
    json!({
        "type": "build.reported",
        "timestamp": "2026-11-22T20:16:02Z",
        "data": {
            "status": "pending", "commit": COMMIT, "url": "https://ci.example.org/1",
            "description": "Queued", "percent": 5
        }
    })
    .to_string()
}

/// A request for a pull request, with further arguments.
fn send(to: &str, files: &Files, more: &[&str]) -> Run {
    let mut command = chela();
    command.args(["send", "--to", to, "--pagure", "https://pagure.example.org"]);
    command.args([
        "--project",
        "demo/hello",
        "--job",
        "codebuild/hello",
        "--branch",
        "fix-typo",
    ]);
    command.args(["--commit", COMMIT, "--build-id", BUILD]);
    command.arg("--token-file").arg(files.path("token"));
    Run::of(command.args(more))
}

/// What lets a request reach the server.
fn allowed(server: &Server) -> [String; 4] {
    let host = format!("127.0.0.1:{}", server.port);
    [
        "--allow-http".to_owned(),
        host,
        "--allow-network".to_owned(),
        "127.0.0.0/8".to_owned(),
    ]
}

fn send_to(server: &Server, more: &[&str]) -> Run {
    let allowed = allowed(server);
    let more: Vec<&str> = allowed
        .iter()
        .map(String::as_str)
        .chain(more.iter().copied())
        .collect();
    send(&server.url(), &Files::new(), &more)
}

#[test]
fn a_pull_requests_request_arrives_signed_and_whole() {
    let server = Server::answering(vec![("202 Accepted", "", pending())]);
    let run = send_to(
        &server,
        &[
            "--pull-request",
            "7",
            "--title",
            "Fix a typo",
            "--requested-by",
            "ada",
            "--reason",
            "updated",
            "--repo",
            "https://pagure.example.org/forks/ada/demo/hello.git",
            "--target-branch",
            "stable",
        ],
    );
    assert_eq!(run.code, 0, "{run:?}");
    assert_snapshot!("accepted", run.stdout);
    let seen = server.next();
    assert!(seen.is_signed(), "{seen:?}");
    assert_eq!(seen.header("webhook-id"), Some(BUILD));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert!(seen.header("user-agent").unwrap().starts_with("chela/"));
    assert_eq!(seen.header("authorization"), None);
    let mut body = seen.json();
    let at = body["data"]["requested_by"]
        .as_object_mut()
        .unwrap()
        .remove("at");
    assert!(at.is_some_and(|at| at.is_string()));
    // Whether a `Value` keeps the order in which it was read is a feature that any crate can turn on.
    insta::with_settings!({sort_maps => true}, {
        insta::assert_json_snapshot!("request", body);
    });
}

#[test]
fn a_pushed_tags_request_names_no_pull_request() {
    let server = Server::answering(vec![("204 No Content", "", String::new())]);
    let files = Files::new();
    let mut command = chela();
    command.args([
        "send",
        "--to",
        &server.url(),
        "--pagure",
        "https://pagure.example.org/",
    ]);
    command.args([
        "--project",
        "fork/ada/hello",
        "--job",
        "test",
        "--tag",
        "v1",
    ]);
    command
        .args(["--requested-by", "ada", "--can-push"])
        .args(allowed(&server));
    let run = Run::of(command.arg("--token-file").arg(files.path("token")));
    assert_eq!(run.code, 0, "{run:?}");
    let request = BuildRequest::from_body(&server.next().body).unwrap();
    assert_eq!(request.event(), Event::Commit);
    assert_eq!(request.source.refname, Refname::Tag("v1".to_owned()));
    assert_eq!(request.source.commit, None);
    assert_eq!(request.source.clone_url.path(), "/forks/ada/hello.git");
    assert_eq!(request.project.url.path(), "/fork/ada/hello");
    assert_eq!(
        request.report_url.path(),
        "/api/0/ci/webhook/forks/ada/hello"
    );
    let by = request.requested_by.unwrap();
    assert_eq!((by.can_push, by.reason), (true, Reason::Pushed));
}

#[test]
fn machines_get_the_answer_as_json() {
    let server = Server::answering(vec![("202 Accepted", "", pending())]);
    let run = send_to(&server, &["--json"]);
    let expected = json!({
        "build_id": BUILD, "verdict": "accepted", "status": 202,
        "pending": { "description": "Queued", "url": "https://ci.example.org/1", "percent": 5 }
    });
    assert_eq!((run.code, run.json()), (0, expected));
}

#[rstest]
#[case::refused("403 Forbidden", "", 1, "refused", Value::Null)]
#[case::moved(
    "302 Found",
    "Location: https://elsewhere.example/\r\n",
    1,
    "refused",
    Value::Null
)]
#[case::busy("503 Service Unavailable", "Retry-After: 7\r\n", 3, "retry", json!(7))]
fn the_exit_code_says_whether_to_try_again(
    #[case] status: &'static str,
    #[case] headers: &'static str,
    #[case] code: i32,
    #[case] verdict: &str,
    #[case] after: Value,
) {
    let server = Server::answering(vec![(status, headers, String::new())]);
    let run = send_to(&server, &["--json"]);
    let json = run.json();
    assert_eq!(
        (run.code, &json["verdict"], &json["retry_after_seconds"]),
        (code, &json!(verdict), &after)
    );
    assert!(
        json["reason"].as_str().unwrap().contains(&status[..3]),
        "{json}"
    );
    assert_eq!(server.all().len(), 1, "one attempt and no more");
}

#[test]
fn an_accepted_request_with_a_useless_answer_is_accepted_with_a_note() {
    let server = Server::answering(vec![("200 OK", "", "<p>Thank you!</p>".to_owned())]);
    let run = send_to(&server, &["--json"]);
    assert_eq!(run.code, 0);
    let note = run.json()["note"].as_str().unwrap().to_owned();
    assert_eq!(
        note,
        "the answer holds no pending report: body: must be a JSON object"
    );
}

#[rstest]
#[case::plain_http("http://ci.example.org/", "--allow-http ci.example.org")]
#[case::loopback("https://127.0.0.1/", "--allow-network 127.0.0.1")]
#[case::disguised("https://2130706433/", "127.0.0.1")]
#[case::port("https://ci.example.org:8443/", "--allow-port 8443")]
#[case::credentials("https://ada:pw@ci.example.org/", "--username and --password-file")]
#[case::scheme("ftp://ci.example.org/", "https://")]
fn the_guard_stops_what_the_plugin_would_not_send(#[case] to: &str, #[case] remedy: &str) {
    let run = send(to, &Files::new(), &[]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(
        run.stdout.starts_with("refused: ") && run.stdout.contains(remedy),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains("pw@"), "{}", run.stdout);
}

#[test]
fn basic_authentication_comes_from_a_file() {
    let server = Server::answering(vec![("202 Accepted", "", String::new())]);
    let files = Files::new();
    let password = files.write("password", "open sesame\n");
    let password = password.to_str().unwrap();
    let run = send_to(&server, &["--username", "ada", "--password-file", password]);
    assert_eq!(run.code, 0, "{run:?}");
    // base64 of `ada:open sesame`
    assert_eq!(
        server.next().header("authorization"),
        Some("Basic YWRhOm9wZW4gc2VzYW1l")
    );
}

#[test]
fn nobody_listening_may_be_tried_again() {
    // Just freed: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let to = format!("http://127.0.0.1:{free}/");
    let host = format!("127.0.0.1:{free}");
    let run = send(
        &to,
        &Files::new(),
        &["--allow-http", &host, "--allow-network", "127.0.0.0/8"],
    );
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.starts_with("not now: "), "{}", run.stdout);
    assert!(!format!("{run:?}").contains(TOKEN));
}
