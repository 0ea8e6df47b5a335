//! `chela report` tells Pagure, from arguments or from a build's variables, and retries what it may.

mod support;

use std::process::Command;

use insta::assert_snapshot;
use rstest::rstest;
use serde_json::{Value, json};
use support::{BUILD, COMMIT, Files, Run, Server, TOKEN, chela};

fn applied() -> String {
    json!({ "applied": true, "flag": { "username": "lint", "status": "success" } }).to_string()
}

fn report(files: &Files, more: &[&str]) -> Command {
    let mut command = chela();
    command.args([
        "report",
        "--status",
        "success",
        "--url",
        "https://ci.example.org/1",
    ]);
    command
        .arg("--token-file")
        .arg(files.path("token"))
        .args(more);
    command
}

fn report_to(server: &Server, files: &Files, more: &[&str]) -> Run {
    let mut command = report(files, &["--project", "demo/hello", "--commit", COMMIT]);
    Run::of(command.args(["--pagure", &server.url()]).args(more))
}

#[test]
fn a_report_arrives_signed_at_the_projects_route() {
    let server = Server::answering(vec![("200 OK", "", applied())]);
    let run = report_to(
        &server,
        &Files::new(),
        &[
            "--pull-request",
            "7",
            "--context",
            "lint",
            "--description",
            "3 <warnings>",
            "--build-id",
            BUILD,
            "--timestamp",
            "2026-11-22T20:16:02Z",
        ],
    );
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (0, "accepted: the flag shows it\n"),
        "{run:?}"
    );
    let seen = server.next();
    assert_eq!(seen.line, "POST /api/0/ci/webhook/demo/hello HTTP/1.1");
    assert!(seen.is_signed(), "{seen:?}");
    assert_eq!(seen.header("authorization"), None, "the token travelled");
    assert_ne!(
        seen.header("webhook-id"),
        Some(BUILD),
        "the id is the report's, not the build's"
    );
    // Whether a `Value` keeps the order in which it was read is a feature that any crate can turn on.
    insta::with_settings!({sort_maps => true}, {
        insta::assert_json_snapshot!("report", seen.json());
    });
}

#[test]
fn inside_a_build_its_variables_are_enough() {
    let server = Server::answering(vec![("200 OK", "", applied())]);
    let files = Files::new();
    let mut command = chela();
    command.args([
        "report",
        "--status",
        "failure",
        "--url",
        "https://ci.example.org/1",
    ]);
    command
        .env("CHELA_TOKEN_FILE", files.path("token"))
        .env("CHELA_BUILD_ID", BUILD);
    command
        .env("CHELA_COMMIT", COMMIT)
        .env("CHELA_PULL_REQUEST", "7");
    command.env("CHELA_PROJECT", "forks/ada/demo/hello");
    let url = format!("{}/api/0/ci/webhook/forks/ada/demo/hello", server.url());
    let run = Run::of(command.env("CHELA_REPORT_URL", url));
    assert_eq!(run.code, 0, "{run:?}");
    let seen = server.next();
    assert_eq!(
        seen.line,
        "POST /api/0/ci/webhook/forks/ada/demo/hello HTTP/1.1"
    );
    let data = &seen.json()["data"];
    assert_eq!(
        (&data["build_id"], &data["commit"]),
        (&json!(BUILD), &json!(COMMIT))
    );
    assert_eq!(
        (&data["pull_request"], &data["status"]),
        (&json!(7), &json!("failure"))
    );
}

#[test]
fn a_report_url_from_outside_is_not_followed_off_the_forge() {
    let server = Server::answering(vec![("200 OK", "", applied())]);
    let files = Files::new();
    let mut command = report(
        &files,
        &["--commit", COMMIT, "--pagure", "https://pagure.example.org"],
    );
    let run = Run::of(command.env("CHELA_REPORT_URL", server.url()));
    assert_eq!(run.code, 2, "{run:?}");
    assert!(
        run.stderr.contains("is not on https://pagure.example.org/"),
        "{}",
        run.stderr
    );
    assert_eq!(server.all().len(), 0);
}

#[test]
fn machines_get_the_flag() {
    let server = Server::answering(vec![("200 OK", "", applied())]);
    let run = report_to(&server, &Files::new(), &["--json"]);
    let expected = json!({
        "verdict": "accepted", "attempts": 1, "applied": true,
        "flag": { "username": "lint", "status": "success" }
    });
    assert_eq!((run.code, run.json()), (0, expected));
}

#[test]
fn a_report_that_comes_late_is_accepted_and_said_to_be_late() {
    let answer = json!({ "applied": false, "flag": {} }).to_string();
    let server = Server::answering(vec![("200 OK", "", answer)]);
    let run = report_to(&server, &Files::new(), &[]);
    assert_eq!(run.code, 0);
    assert_eq!(
        run.stdout,
        "accepted: the flag already shows something newer\n"
    );
}

#[test]
fn what_may_be_retried_is_retried_under_the_same_id() {
    let files = Files::new();
    let server = Server::answering(vec![
        ("503 Service Unavailable", "", String::new()),
        ("200 OK", "", applied()),
    ]);
    let run = report_to(&server, &files, &["--json"]);
    assert_eq!(
        (run.code, &run.json()["attempts"]),
        (0, &json!(2)),
        "{run:?}"
    );
    assert!(
        run.stderr.contains("503") && run.stderr.contains("trying again in"),
        "{}",
        run.stderr
    );
    let (first, second) = (server.next(), server.next());
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
    assert!(first.is_signed() && second.is_signed());
}

#[rstest]
#[case("400 Bad Request")]
#[case("404 Not Found")]
#[case("413 Content Too Large")]
#[case("415 Unsupported Media Type")]
#[case("422 Unprocessable Content")]
#[case("302 Found")]
fn what_is_final_is_not_retried(#[case] status: &'static str) {
    let server = Server::answering(vec![(status, "", String::new())]);
    let run = report_to(&server, &Files::new(), &["--json"]);
    assert_eq!(
        (run.code, &run.json()["verdict"]),
        (1, &json!("refused")),
        "{run:?}"
    );
    assert_eq!(server.all().len(), 1);
}

#[test]
fn it_gives_up_when_its_time_is_over() {
    let server = Server::answering(vec![(
        "429 Too Many Requests",
        "Retry-After: 60\r\n",
        String::new(),
    )]);
    let run = report_to(&server, &Files::new(), &["--give-up-after", "30s"]);
    assert_eq!(run.code, 3);
    assert_snapshot!("given-up", run.stdout);
    assert_eq!(server.all().len(), 1);
}

#[test]
fn a_login_page_is_no_success() {
    let server = Server::answering(vec![("200 OK", "", "<html>Log in</html>".to_owned())]);
    let run = report_to(&server, &Files::new(), &[]);
    assert_eq!(run.code, 1);
    assert!(
        run.stdout.contains("not that of Pagure's route"),
        "{}",
        run.stdout
    );
}

#[rstest]
#[case::status(&["--status", "green"], "possible values")]
#[case::commit(&["--commit", "HEAD"], "40 lower-case")]
#[case::context(&["--context", "<b>"], "not a context")]
#[case::percent(&["--percent", "101"], "0..=100")]
#[case::url(&["--url", "/log"], "relative URL")]
#[case::script(&["--url", "javascript:alert(1)"], "data.url")]
#[case::future(&["--timestamp", "2999-01-01T00:00:00Z"], "in the future")]
#[case::nowhere(&[], "--pagure and --project")]
fn a_mistake_is_told_before_anything_is_sent(#[case] wrong: &[&str], #[case] told: &str) {
    let files = Files::new();
    let mut args: Vec<&str> = vec!["report"];
    let usual = [
        ("--status", "success"),
        ("--commit", COMMIT),
        ("--url", "https://ci.example.org/1"),
    ];
    for (name, value) in usual {
        if wrong.first() != Some(&name) {
            args.extend([name, value]);
        }
    }
    if !wrong.is_empty() {
        // Nobody listens there: an attempt would be told as well.
        args.extend(["--pagure", "http://127.0.0.1:1", "--project", "hello"]);
    }
    let run = Run::of(
        chela()
            .args(args)
            .args(wrong)
            .arg("--token-file")
            .arg(files.path("token")),
    );
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
    assert!(run.stderr.contains(told), "{}", run.stderr);
    assert!(!run.stderr.contains(TOKEN));
}

#[test]
fn a_token_that_was_renewed_is_read_again_after_a_401() {
    let files = Files::new();
    files.write("token", "the old token");
    let server = Server::answering(vec![
        ("401 Unauthorized", "", String::new()),
        ("200 OK", "", applied()),
    ]);
    let mut command = report(&files, &["--project", "hello", "--commit", COMMIT]);
    command.args(["--pagure", &server.url()]);
    let child = command
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    assert!(!server.next().is_signed());
    files.write("token", TOKEN);
    assert!(server.next().is_signed());
    assert!(child.wait_with_output().unwrap().status.success());
}

#[test]
fn a_report_as_json_holds_no_null() {
    let server = Server::answering(vec![("200 OK", "", applied())]);
    let run = report_to(&server, &Files::new(), &[]);
    assert_eq!(run.code, 0);
    let body = server.next().json();
    let data = body["data"].as_object().unwrap();
    assert!(data.values().all(|value| *value != Value::Null), "{body}");
}
