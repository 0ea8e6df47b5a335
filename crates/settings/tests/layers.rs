//! The built-in settings, the user's file, the environment: which one counts.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests are not in functions marked #[test]"
)]

use std::{path::Path, time::Duration};

use chela_outbound::{Destination, Policy};
use chela_settings::{
    Environment, Error, Interrupted, Kind, LogFormat, Network, Place, Settings, Size, Strangers,
    User, Whose,
};
use rstest::rstest;

const LEAST: &str = r#"
    serve.url = "https://ci.example.org"
    pagure.url = "https://pagure.example.org"
"#;

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Settings, Error> {
    let environment = variables.iter().copied().collect();
    Settings::parse(Some((Path::new("chela.toml"), text)), &environment)
}

fn least(more: &str) -> Settings {
    load(&format!("{LEAST}{more}"), &[]).unwrap()
}

#[test]
fn two_addresses_are_enough() {
    let settings = least("");
    assert_eq!(settings.serve.listen.to_string(), "127.0.0.1:8110");
    assert_eq!(settings.serve.url.as_str(), "https://ci.example.org/");
    assert_eq!(settings.serve.data, Path::new("/var/lib/chela"));
    assert_eq!(settings.serve.drain, Duration::from_secs(30));
    assert_eq!(settings.serve.log_format, LogFormat::Text);
    assert_eq!(settings.builds.parallel, 2);
    assert_eq!(settings.builds.strangers, Strangers::Hold);
    assert_eq!(settings.sandbox.kind, Kind::Auto);
    assert_eq!(settings.sandbox.user, None);
    assert_eq!(settings.log.limit, Size::from_bytes(64 << 20));
    assert_eq!(settings.source.files, 200_000);
    assert_eq!(settings.projects().count(), 0);
}

#[test]
fn the_file_overlays_the_default_setting_by_setting() {
    let settings = least("[builds]\nparallel = 7\n");
    assert_eq!(settings.builds.parallel, 7);
    assert_eq!(settings.builds.queue, 100);
}

#[rstest]
#[case::number("CHELA_BUILDS__PARALLEL", "9", |s: &Settings| s.builds.parallel == 9)]
#[case::text("CHELA_SERVE__LISTEN", "127.0.0.1:9000", |s: &Settings| s.serve.listen.port() == 9000)]
#[case::quoted("CHELA_SERVE__LISTEN", "\"127.0.0.1:9000\"", |s: &Settings| s.serve.listen.port() == 9000)]
#[case::list("CHELA_PAGURE__GIT", "[\"https://git.example.org\"]", |s: &Settings| s.pagure.git.len() == 1)]
#[case::looks_like_a_number("CHELA_SANDBOX__USER", "1000", |s: &Settings| s.sandbox.user == Some(User::Id(1000)))]
fn the_environment_overlays_the_file(
    #[case] name: &str,
    #[case] value: &str,
    #[case] expected: fn(&Settings) -> bool,
) {
    let text = format!("{LEAST}\n[builds]\nparallel = 7\n");
    let settings = load(&text, &[(name, value)]).unwrap();
    assert!(expected(&settings), "{settings:?}");
}

#[test]
fn a_switch_of_the_environment_reaches_every_job() {
    let text = format!("{LEAST}\n[projects.hello]\ntoken_env = 'T'\n[projects.hello.jobs.test]");
    let settings = load(&text, &[("CHELA_DEFAULTS__NETWORK", "false")]).unwrap();
    let jobs = settings.projects().flat_map(chela_settings::Project::jobs);
    assert!(jobs.map(|job| job.network).eq([Network::Off]));
}

#[test]
fn the_environment_alone_will_do() {
    let variables = [
        ("CHELA_SERVE__URL", "https://ci.example.org"),
        ("CHELA_PAGURE__URL", "https://pagure.example.org"),
    ];
    let settings = Settings::parse(None, &Environment::from_iter(variables)).unwrap();
    assert_eq!(settings.file, None);
}

#[test]
fn variables_of_a_build_are_no_settings() {
    let variables = [("CHELA_BUILD_ID", "x"), ("CHELA_JOB", "y"), ("CHELA", "z")];
    assert!(load(LEAST, &variables).is_ok());
}

#[test]
fn a_job_does_as_the_defaults_say_unless_it_says_otherwise() {
    let settings = least(
        r#"
        [defaults]
        timeout = "2h"
        interrupted = "error"
        [projects."demo/hello"]
        token_file = "/etc/chela/tokens/hello"
        [projects."demo/hello".jobs.test]
        from = "target"
        strangers_network = true
        environment = { GREETING = "hello" }
        [projects."demo/hello".jobs.slow]
        timeout = "1d"
        "#,
    );
    let project = settings.project(&"demo/hello".parse().unwrap()).unwrap();
    let job = |name: &str| project.job(&chela_contract::Job::new(name).unwrap());
    let test = job("local/test").unwrap();
    assert_eq!(test.buildspec.as_str(), "buildspec.yml");
    assert_eq!(test.from, Whose::Target);
    assert_eq!(test.timeout, Duration::from_hours(2));
    assert_eq!(test.network, Network::On);
    assert_eq!(test.strangers_network, Network::On);
    assert_eq!(test.interrupted, Interrupted::Error);
    assert_eq!(test.environment["GREETING"], "hello");
    let slow = job("slow").unwrap();
    assert_eq!(slow.timeout, Duration::from_hours(24));
    assert_eq!(slow.from, Whose::Head);
    assert_eq!(slow.strangers_network, Network::Off);
    for other in ["codebuild/test", "other", "local/local/test", "TEST"] {
        assert_eq!(job(other), None, "{other} is no job of these");
    }
}

#[test]
fn other_projects_are_not_taken() {
    let settings = least("[projects.\"fork/ada/hello\"]\ntoken_env = \"T\"\n");
    let has = |name: &str| settings.project(&name.parse().unwrap()).is_some();
    assert!(has("forks/ada/hello"));
    assert!(!has("hello") && !has("ada/hello") && !has("forks/ada/demo/hello"));
}

fn admits(policy: &Policy, url: &str) -> bool {
    Destination::parse(url, None, None, policy).is_ok()
}

#[test]
fn pagure_is_one_server_and_not_all_below_a_name() {
    for setting in [
        "pagure.url = 'https://*.example.org'",
        "pagure = { url = 'https://pagure.example.org', git = ['https://*.example.org'] }",
    ] {
        let text = format!("serve.url = 'https://ci.example.org'\n{setting}");
        let error = load(&text, &[]).unwrap_err().to_string();
        assert!(error.contains("*.example.org"), "{error}");
    }
}

#[test]
fn pagures_own_servers_may_be_cloned_from_as_they_stand() {
    let settings = load(
        r#"
        serve.url = "http://127.0.0.1:8110"
        pagure.url = "http://127.0.0.1:5000"
        pagure.git = ["http://[::1]:8000"]
        "#,
        &[],
    )
    .unwrap();
    assert!(admits(
        &settings.egress,
        "http://127.0.0.1:5000/demo/hello.git"
    ));
    assert!(admits(&settings.egress, "http://[::1]:8000/demo/hello.git"));
    assert!(admits(
        &settings.egress,
        "https://git.example.org/hello.git"
    ));
    assert!(!admits(
        &settings.egress,
        "http://git.example.org/hello.git"
    ));
    assert!(!admits(&settings.egress, "http://127.0.0.1:5001/hello.git"));
    assert!(!admits(&settings.egress, "https://127.0.0.2/hello.git"));
}

#[test]
fn a_list_of_hosts_never_shuts_pagure_out() {
    let settings = least("[egress]\nlimit_hosts = [\"git.example.org\"]\nallow_ports = [8443]\n");
    assert!(admits(
        &settings.egress,
        "https://git.example.org:8443/hello.git"
    ));
    assert!(admits(
        &settings.egress,
        "https://pagure.example.org/hello.git"
    ));
    assert!(!admits(
        &settings.egress,
        "https://other.example.org/hello.git"
    ));
}

#[test]
fn a_server_below_a_path_keeps_it() {
    let settings = load(
        "serve.url = 'https://example.org/ci'\npagure.url = 'https://example.org/pagure'",
        &[],
    )
    .unwrap();
    let page = settings.serve.url.join("builds/7").unwrap();
    assert_eq!(page.as_str(), "https://example.org/ci/builds/7");
    assert_eq!(settings.pagure.url.as_str(), "https://example.org/pagure/");
}

#[rstest]
#[case::the_settings("/etc")]
#[case::everything("/")]
#[case::a_token("/srv/tokens")]
#[case::a_jobs_secret("/srv/secrets/key")]
#[case::the_data("/var/lib/chela")]
#[case::a_part_of_the_data("/var/lib/chela/builds/")]
fn builds_are_not_let_into_the_settings_and_the_secrets(#[case] folder: &str) {
    let text = |folder: &str| {
        format!(
            "{LEAST}
            sandbox.read_only = ['/opt', '{folder}']
            projects.hello.token_file = '/srv/tokens/hello'
            projects.hello.jobs.test.secret_files = {{ KEY = '/srv/secrets/key' }}"
        )
    };
    let error = load(&text(folder), &[]).unwrap_err().to_string();
    assert!(
        error.contains(&format!("sandbox.read_only has {folder:?}")),
        "{error}"
    );
    assert!(load(&text("/srv/tools"), &[]).is_ok());
}

#[test]
fn a_named_file_is_read_and_its_errors_name_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let missing = Settings::load(Some(&path), &Environment::default()).unwrap_err();
    assert!(
        matches!(&missing, Error::Unreadable { path: at, .. } if *at == path),
        "{missing}"
    );

    std::fs::write(&path, b"\xff").unwrap();
    let binary = Settings::load(Some(&path), &Environment::default()).unwrap_err();
    assert!(
        matches!(&binary, Error::NotText { path: at } if *at == path),
        "{binary}"
    );

    std::fs::write(&path, format!("{LEAST}\nbuilds.queue = 0\n")).unwrap();
    let Err(Error::Invalid(problems)) = Settings::load(Some(&path), &Environment::default()) else {
        panic!("a queue of none is refused");
    };
    assert!(matches!(&problems[0].place, Place::Line { file, line: 5 } if **file == *path));

    std::fs::write(&path, LEAST).unwrap();
    let settings = Settings::load(Some(&path), &Environment::default()).unwrap();
    assert_eq!(settings.file.as_deref(), Some(path.as_path()));
}
