use chela_outbound::{Policy, Setting};
use rstest::rstest;

use super::*;

/// What both functions need, and what each needs.
fn variables() -> Vec<(&'static str, &'static str)> {
    vec![
        ("CHELA_PAGURE_URL", "https://pagure.example.org"),
        ("CHELA_CONFIG", DOCUMENTED),
        ("CHELA_SOURCES_BUCKET", "sources"),
        ("CHELA_LEDGER_BUCKET", "ledger"),
        (
            "CHELA_REQUESTS_QUEUE",
            "https://sqs.eu-central-1.amazonaws.com/123456789012/requests",
        ),
        (
            "CHELA_REPORTS_QUEUE",
            "https://sqs.eu-central-1.amazonaws.com/123456789012/reports",
        ),
        ("CHELA_TOKEN", "opensesame"),
        ("AWS_REGION", "eu-central-1"),
    ]
}

/// All of them, with these set otherwise; one that is empty is not set.
fn environment(changes: &[(&'static str, &'static str)]) -> Environment {
    variables()
        .into_iter()
        .chain(changes.iter().copied())
        .collect()
}

fn trigger(changes: &[(&'static str, &'static str)]) -> Result<TriggerSettings, String> {
    TriggerSettings::read(&environment(changes)).map_err(|bad| bad.to_string())
}

fn report(changes: &[(&'static str, &'static str)]) -> Result<ReportSettings, String> {
    ReportSettings::read(&environment(changes)).map_err(|bad| bad.to_string())
}

#[test]
fn both_functions_may_share_one_environment() {
    let settings = trigger(&[]).unwrap();
    assert_eq!(settings.pagure.as_str(), "https://pagure.example.org/");
    assert_eq!(settings.prefix, "sources/");
    assert_eq!(settings.limits.time.as_secs(), 240);
    assert_eq!(
        settings.limits.received,
        chela_source::Limits::default().received
    );
    let settings = report(&[]).unwrap();
    assert_eq!(settings.ledger, "ledger");
}

#[test]
fn what_is_missing_is_named_with_what_to_write() {
    let nothing = Environment::default();
    let trigger = TriggerSettings::read(&nothing).unwrap_err();
    let report = ReportSettings::read(&nothing).unwrap_err();
    insta::assert_snapshot!(format!("{trigger}\n\n{report}"));
}

#[rstest]
#[case("CHELA_PAGURE_URL", "pagure.example.org")]
#[case("CHELA_PAGURE_URL", "https://ada:opensesame@pagure.example.org")]
#[case("CHELA_PAGURE_URL", "https://pagure.example.org/?x")]
#[case("CHELA_PAGURE_URL", "ssh://pagure.example.org")]
#[case("CHELA_PAGURE_URL", "https://*.example.org")]
#[case("CHELA_PAGURE_GIT", "https://git.example.org, git.example.org")]
#[case("CHELA_CONFIG", "opensesame")]
#[case("CHELA_CONFIG", "s3://ledger")]
#[case("CHELA_CONFIG", "s3://ledger/")]
#[case("CHELA_CONFIG", "s3://LEDGER/config.json")]
#[case("CHELA_CONFIG", "{\"opensesame\": 1")]
#[case("CHELA_SOURCES_BUCKET", "arn:aws:s3:::sources")]
#[case("CHELA_SOURCES_BUCKET", "s3://sources")]
#[case("CHELA_SOURCES_PREFIX", "/sources")]
#[case("CHELA_SOURCES_PREFIX", "a b")]
#[case("CHELA_LEDGER_BUCKET", "l")]
#[case(
    "CHELA_REQUESTS_QUEUE",
    "arn:aws:sqs:eu-central-1:123456789012:requests"
)]
#[case("CHELA_REQUESTS_QUEUE", "https://sqs.eu-central-1.amazonaws.com")]
#[case("CHELA_REPORTS_QUEUE", "reports")]
#[case("CHELA_ALLOW_NETWORKS", "10.0.0.0/8,10.0.0.0/33")]
#[case("CHELA_ALLOW_HTTP", "http://git.example.org")]
#[case("CHELA_ALLOW_PORTS", "0")]
#[case("CHELA_MAX_FILES", "0")]
#[case("CHELA_MAX_FILES", "-1")]
#[case("CHELA_MAX_SECONDS", "900")]
#[case("CHELA_MAX_UNPACKED_MIB", "4GiB")]
fn what_is_wrong_is_named_and_not_shown(#[case] name: &'static str, #[case] value: &'static str) {
    let said = trigger(&[(name, value)]).unwrap_err();
    assert!(said.starts_with(&format!("the variable {name}")), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(!said.contains("opensesame"), "{said}");
}

#[test]
fn a_map_in_the_variable_is_told_of_with_the_variable() {
    let said = trigger(&[("CHELA_CONFIG", "{\"callers\": []}")]).unwrap_err();
    assert!(
        said.starts_with("the variable CHELA_CONFIG: callers is a list; write"),
        "{said}"
    );
}

#[rstest]
#[case("CHELA_PAGURE_ULR", "CHELA_PAGURE_URL")]
#[case("CHELA_ALLOW_NETWORK", "CHELA_ALLOW_NETWORKS")]
#[case("CHELA_Token", "CHELA_TOKEN")]
fn a_slip_in_a_name_is_told(#[case] name: &'static str, #[case] meant: &str) {
    let expected = format!("the variable {name} means nothing; did you mean {meant}?");
    assert_eq!(trigger(&[(name, "x")]).unwrap_err(), expected);
    assert_eq!(report(&[(name, "x")]).unwrap_err(), expected);
}

#[test]
fn a_variable_of_something_else_is_nobodys_business() {
    assert!(trigger(&[("CHELA_LOG", "debug"), ("PAGURE_URL", "x")]).is_ok());
}

#[test]
fn the_map_may_lie_in_an_object() {
    let settings = trigger(&[("CHELA_CONFIG", " s3://ledger/chela/config.json ")]).unwrap();
    let expected = MapPlace::Object {
        bucket: "ledger".to_owned(),
        key: "chela/config.json".to_owned(),
    };
    assert_eq!(settings.config, expected);
}

#[test]
fn what_a_repository_may_cost_is_set_in_mebibytes() {
    let settings = trigger(&[
        ("CHELA_MAX_RECEIVED_MIB", "1"),
        ("CHELA_MAX_UNPACKED_MIB", "2"),
        ("CHELA_MAX_FILE_MIB", "3"),
        ("CHELA_MAX_FILES", "4"),
        ("CHELA_MAX_SECONDS", "5"),
        ("CHELA_SOURCES_PREFIX", "chela/sources"),
    ]);
    let settings = settings.unwrap();
    let limits = settings.limits;
    assert_eq!((limits.received, limits.unpacked), (1 << 20, 2 << 20));
    assert_eq!((limits.file, limits.files), (3 << 20, 4));
    assert_eq!(limits.time.as_secs(), 5);
    assert_eq!(settings.prefix, "chela/sources/");
}

#[test]
fn nothing_but_pagures_servers_is_cloned_from_unless_the_operator_says_so() {
    let expected = [
        (Setting::LimitHosts, "pagure.example.org"),
        (Setting::AllowHosts, "pagure.example.org:443"),
    ];
    let add =
        |policy: Policy, (setting, entry): &(Setting, &str)| policy.with(*setting, entry).unwrap();
    assert_eq!(
        trigger(&[]).unwrap().egress,
        expected.iter().fold(Policy::default(), add)
    );
}

#[test]
fn pagures_own_servers_may_be_cloned_from_wherever_they_are() {
    let settings = trigger(&[
        ("CHELA_PAGURE_URL", "http://127.0.0.1:5000/pagure"),
        ("CHELA_PAGURE_GIT", "https://git.example.org,"),
        ("CHELA_LIMIT_HOSTS", "forks.example.org"),
    ]);
    let settings = settings.unwrap();
    let expected = [
        (Setting::LimitHosts, "forks.example.org"),
        (Setting::AllowHttp, "127.0.0.1:5000"),
        (Setting::LimitHosts, "127.0.0.1"),
        (Setting::AllowHosts, "127.0.0.1:5000"),
        (Setting::LimitHosts, "git.example.org"),
        (Setting::AllowHosts, "git.example.org:443"),
    ];
    let add =
        |policy: Policy, (setting, entry): &(Setting, &str)| policy.with(*setting, entry).unwrap();
    assert_eq!(
        settings.egress,
        expected.iter().fold(Policy::default(), add)
    );
    assert_eq!(settings.git[0].as_str(), "https://git.example.org/");
}

#[test]
fn the_token_is_in_one_place() {
    assert!(matches!(
        report(&[]).unwrap().token,
        TokenPlace::Variable(_)
    ));
    let secret = [("CHELA_TOKEN", " "), ("CHELA_TOKEN_SECRET", "chela/token")];
    let place = report(&secret).unwrap().token;
    assert!(matches!(place, TokenPlace::Secret(name) if name == "chela/token"));
    let both = report(&[("CHELA_TOKEN_SECRET", "chela/token")]).unwrap_err();
    assert!(
        both.contains("each of the variables CHELA_TOKEN and CHELA_TOKEN_SECRET"),
        "{both}"
    );
    let none = report(&[("CHELA_TOKEN", "")]).unwrap_err();
    assert!(none.contains("none of the variables"), "{none}");
    let wrong = report(&[("CHELA_TOKEN", ""), ("CHELA_TOKEN_SECRET", "open sesame")]);
    let wrong = wrong.unwrap_err();
    assert!(
        wrong.starts_with("the variable CHELA_TOKEN_SECRET is not the name"),
        "{wrong}"
    );
    assert!(!wrong.contains("open sesame"), "{wrong}");
}

#[test]
fn no_secret_is_printed() {
    let environment = environment(&[]);
    let settings = ReportSettings::read(&environment).unwrap();
    let printed = format!("{environment:?} {settings:?}");
    assert!(!printed.contains("opensesame"), "{printed}");
    assert!(printed.contains("CHELA_TOKEN"), "names may be said");
}
