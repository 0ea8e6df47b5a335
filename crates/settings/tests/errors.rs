//! What people read when their settings are wrong. Each text says where, what, and what to write.

use std::{ffi::OsString, os::unix::ffi::OsStringExt as _, path::Path};

use chela_settings::{Environment, Settings};
use rstest::rstest;

const LEAST: &str = r#"serve.url = "https://ci.example.org"
pagure.url = "https://pagure.example.org"
"#;

fn told_with(text: &str, environment: &Environment) -> String {
    let path = Path::new("/etc/chela/chela.toml");
    let error = Settings::parse(Some((path, text)), environment);
    error.expect_err("this is refused").to_string()
}

fn told(text: &str) -> String {
    told_with(text, &Environment::default())
}

#[test]
fn what_is_missing_is_named_with_an_example_and_a_variable() {
    let text = told("");
    insta::assert_snapshot!(text);
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let text = told(
        r#"
[serve]
listen = "localhost"
url = "ci.example.org"
data = "data"
drain = 30
log = "loud"

[pagure]
url = "https://pagure.example.org/?page=1"
git = "https://git.example.org"

[builds]
parallel = 0
queue = "many"
strangers = true
keep = "5m"
keep_builds = 99999999999999999999

[defaults]
buildspec = "../buildspec.yml"
from = 2026-11-22
timeout = "1.5h"
network = "yes"

[sandbox]
memory = "4 GB"
file_size = 1.5
read_only = ["usr/share", "/opt/../etc"]
user = "root"

[egress]
allow_hosts = ["https://git.example.org", 7]
allow_networks = ["10.0.0.0/33"]
allow_ports = [0, "99999"]
limit_hosts = ["git.example.org:443"]

[log]
limit = "1B"
"#,
    );
    insta::assert_snapshot!(text);
}

#[test]
fn an_unknown_name_is_answered_with_what_was_meant() {
    let text = told(&format!(
        r#"{LEAST}
[builds]
paralel = 2
timeout = "1h"
colour = "green"
[buidls]
queue = 1
[projects."demo/hello"]
token-file = "/etc/chela/tokens/hello"
[projects."demo/hello".jobs.test]
buildspecs = "ci.yml"
parallel = 3
"#
    ));
    insta::assert_snapshot!(text);
}

#[test]
fn what_should_be_a_section_is_said_to_be_one() {
    let text = told(&format!(
        "builds = 4\nprojects = ['demo/hello']\ndefaults = 'x'\n{LEAST}"
    ));
    insta::assert_snapshot!(text);
}

#[test]
fn projects_and_jobs_are_named_as_in_pagure() {
    let text = told(&format!(
        r#"{LEAST}
[projects."*"]
token_env = "T"
[projects."demo/hello"]
[projects."fork/ada/hello"]
token_env = "T"
[projects."forks/ada/hello"]
token_env = "T"
[projects.both]
token_env = "T"
token_file = "/t"
[projects.hello]
token_env = "T"
[projects.hello.jobs."local/test"]
[projects.hello.jobs.test.environment]
CI = "true"
CHELA_JOB = "x"
"2FAST" = "x"
NUMBER = 5
[projects.hello.jobs.test.secret_files]
cause = "/etc/chela/secrets/x"
"#
    ));
    insta::assert_snapshot!(text);
}

#[test]
fn the_environments_mistakes_name_the_variable() {
    let variables = [
        ("CHELA_BUILDS__PARALLEL", b"many".to_vec()),
        ("CHELA_BUILDS__QUEUES", b"7".to_vec()),
        ("CHELA_BUILDS_QUEUE", b"7".to_vec()),
        ("CHELA_SERVE__url", b"https://ci.example.org".to_vec()),
        ("CHELA_SERVE__LISTEN", b"\xff".to_vec()),
        ("CHELA_PROJECTS__HELLO__TOKEN_ENV", b"T".to_vec()),
        ("CHELA_PAGURE__GIT", b"https://git.example.org".to_vec()),
        ("CHELA_NOTHING__AT_ALL", b"1".to_vec()),
    ];
    let bytes = |(name, value)| (OsString::from(name), OsString::from_vec(value));
    let environment = variables.map(bytes).into_iter().collect();
    let text = told_with(LEAST, &environment);
    insta::assert_snapshot!(text);
}

#[test]
fn what_is_no_toml_is_shown_by_its_line() {
    let text = told("[serve]\nurl = 'x\n[builds\nqueue = 1\nqueue = 2\n");
    insta::assert_snapshot!(text);
}

const SECRET: &str = "opensesame";

/// Wherever somebody puts a secret by mistake, it is not repeated.
#[rstest]
#[case::inline("[projects.hello]\ntoken = 'opensesame'")]
#[case::inline_top("token = 'opensesame'")]
#[case::inline_job(
    "[projects.hello]\ntoken_env = 'T'\n[projects.hello.jobs.test]\nsecrets = { KEY = 'opensesame' }"
)]
#[case::password("[pagure]\npassword = 'opensesame'")]
#[case::in_place_of_the_file("[projects.hello]\ntoken_file = 'opensesame'")]
#[case::in_place_of_the_variable("[projects.hello]\ntoken_env = 'opensesame-1'")]
#[case::as_a_secret_file(
    "[projects.hello]\ntoken_env = 'T'\n[projects.hello.jobs.test]\nsecret_files = { KEY = 'opensesame' }"
)]
#[case::in_the_url("[pagure]\ngit = ['https://ada:opensesame@git.example.org']")]
#[case::in_a_broken_url("[pagure]\ngit = ['https://ada:opensesame@git.example.org:99999']")]
#[case::in_a_broken_line("[projects.hello]\ntoken = 'opensesame")]
#[case::without_quotes("[projects.hello]\ntoken = opensesame")]
fn a_secret_in_the_wrong_place_is_refused_and_never_repeated(#[case] text: &str) {
    let text = format!("{LEAST}{text}");
    let path = Path::new("/etc/chela/chela.toml");
    let error = Settings::parse(Some((path, &text)), &Environment::default()).unwrap_err();
    assert!(!error.to_string().contains(SECRET), "{error}");
    assert!(!format!("{error:?}").contains(SECRET), "{error:?}");
}

#[test]
fn a_secret_in_the_file_is_told_where_to_go() {
    let text = told(&format!(
        r#"{LEAST}
[projects.hello]
token = "opensesame"
[projects.hallo]
token_file = "tokens/hallo"
[projects.hullo]
token_env = "no-name"
[projects.hullo.jobs.test]
secrets = {{ KEY = "opensesame" }}
"#
    ));
    insta::assert_snapshot!(text);
}
