//! What the page for AWS tells people to write is what the functions read.

use std::{fs, path::Path};

use chela_aws::config::{Environment, Map, ReportSettings, TriggerSettings};

const CALLER: &str = "arn:aws:iam::123456789012:user/pagure-demo-hello";

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/aws.md");
    fs::read_to_string(page).expect("the checkout is complete")
}

/// The one block of this language.
fn block(language: &str) -> String {
    let (page, fence) = (page(), format!("```{language}\n"));
    let mut blocks = page.split(&fence).skip(1);
    let block = blocks.next().expect("there is one");
    assert_eq!(
        blocks.next(),
        None,
        "there are several blocks of {language}"
    );
    block
        .split("```")
        .next()
        .expect("a split has a first part")
        .to_owned()
}

#[test]
fn the_map_of_callers_on_the_page_is_one() {
    let map = Map::parse(&block("json")).unwrap();
    let jobs = map.project(CALLER, "demo/hello").unwrap();
    let names: Vec<_> = jobs.names().collect();
    assert_eq!(
        names,
        ["codebuild/hello", "codebuild/tests", "codepipeline/release"]
    );
}

#[test]
fn the_buildspec_on_the_page_is_one_that_chela_serve_takes() {
    chela_buildspec::parse(block("yaml").as_bytes()).unwrap();
}

#[test]
fn every_setting_on_the_page_is_one_and_every_one_is_there() {
    let page = page();
    let (_, settings) = page.split_once("## Settings").unwrap();
    let (settings, _) = settings.split_once("### Who may start what").unwrap();
    let is_name = |word: &&str| word.starts_with("CHELA_");
    let told: Vec<_> = settings.split('`').filter(is_name).collect();
    for name in &told {
        let known = Environment::names().contains(name);
        assert!(known || *name == "CHELA_LOG", "nobody reads {name}");
    }
    for name in Environment::names() {
        assert!(told.contains(name), "{name} is not on the page");
    }
}

#[test]
fn what_the_page_calls_enough_is_enough() {
    let common = [
        ("CHELA_PAGURE_URL", "https://pagure.example.org"),
        ("CHELA_LEDGER_BUCKET", "chela-ledger"),
        (
            "CHELA_REPORTS_QUEUE",
            "https://sqs.eu-central-1.amazonaws.com/123456789012/reports",
        ),
    ];
    let map = block("json");
    let trigger = [
        ("CHELA_CONFIG", map.as_str()),
        ("CHELA_SOURCES_BUCKET", "chela-sources"),
        (
            "CHELA_REQUESTS_QUEUE",
            "https://sqs.eu-central-1.amazonaws.com/123456789012/requests",
        ),
    ];
    let report = [("CHELA_TOKEN_SECRET", "chela")];
    let trigger: Environment = common.into_iter().chain(trigger).collect();
    TriggerSettings::read(&trigger).unwrap();
    let report: Environment = common.into_iter().chain(report).collect();
    ReportSettings::read(&report).unwrap();
}
