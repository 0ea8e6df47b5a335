use chela_receiver::Strangers;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::record::{Service, Target};

fn target(service: Service, name: &str) -> Target {
    Target {
        service,
        name: name.to_owned(),
    }
}

fn job(name: &str) -> chela_contract::Job {
    chela_contract::Job::new(name).unwrap()
}

#[rstest]
#[case("codebuild/hello", Service::CodeBuild, "hello", None)]
#[case("hello", Service::CodeBuild, "hello", None)]
#[case(
    "codebuild/tests",
    Service::CodeBuild,
    "team-tests",
    Some("team-tests-forks")
)]
#[case("tests", Service::CodeBuild, "team-tests", Some("team-tests-forks"))]
#[case("codepipeline/release", Service::CodePipeline, "release", None)]
fn a_job_means_a_project_or_a_pipeline(
    #[case] asked: &str,
    #[case] service: Service,
    #[case] name: &str,
    #[case] untrusted: Option<&str>,
) {
    let map = Map::parse(DOCUMENTED).unwrap();
    let project = map.project(HELLO, "demo/hello").unwrap();
    assert_eq!(project.strangers, Strangers::Hold);
    let untrusted = untrusted.map(|name| target(Service::CodeBuild, name));
    let expected = Job {
        target: target(service, name),
        untrusted,
    };
    assert_eq!(project.job("demo/hello", &job(asked)), Ok(&expected));
}

#[test]
fn a_fork_is_found_by_its_full_name_however_it_was_spelled() {
    let map = Map::parse(DOCUMENTED).unwrap();
    let fork = map.project(HELLO, "forks/ada/demo/hello").unwrap();
    assert_eq!(fork.strangers, Strangers::Refuse);
    let bare = job("codebuild/bare");
    assert!(fork.job("forks/ada/demo/hello", &bare).is_ok());
    assert!(map.project(HELLO, "fork/ada/demo/hello").is_err());
}

#[test]
fn a_caller_has_its_own_projects_only() {
    let map = Map::parse(DOCUMENTED).unwrap();
    assert!(matches!(
        map.project(HELLO, "other"),
        Err(Refused::Project { .. })
    ));
    let nobody = map.project("arn:aws:iam::123456789012:user/x", "other");
    assert!(matches!(nobody, Err(Refused::Caller { .. })));
    let theirs = map.project("arn:aws-cn:iam::123456789012:user/forges/pagure", "other");
    assert!(theirs.is_ok());
}

/// A project with these jobs, of a caller.
fn with_jobs(jobs: &str) -> String {
    format!(r#"{{"callers": {{"{HELLO}": {{"demo/hello": {{"jobs": {jobs}}}}}}}}}"#)
}

fn complaints(text: &str) -> String {
    Map::parse(text).unwrap_err().to_string()
}

#[test]
fn every_mistake_is_named_with_its_place_and_what_to_write() {
    let text = [
        r#"{"callers": {"arn:aws:iam::123456789012:role/pagure": {"#,
        r#""demo/hello": {"stranger": "hold", "jobs": {}},"#,
        r#""demo//hello": {"strangers": "hodl"},"#,
        r#""demo/other": {"strangers": true, "jobs": ["codebuild/x"]},"#,
        r#""demo/third": {"jobs": {"#,
        r#""codebuid/x": {}, "jenkins/x": {}, "codebuild/": {}, "codebuild/x y": {},"#,
        r#""codebuild/x.y": {}, "codepipeline/z": {"nane": "z"},"#,
        r#""codebuild/a1": {"name": "no such.name"}, "a1": {},"#,
        r#""codebuild/same": {"untrusted": "same"}, "codebuild/n": {"name": 7, "untrusted": null}"#,
        r#"}}}}, "caller": {}}"#,
    ]
    .concat();
    insta::assert_snapshot!(complaints(&text));
}

#[test]
fn what_stands_there_twice_is_named() {
    let project = r#"{"jobs": {"codebuild/hello": {}}}"#;
    let other = "arn:aws:iam::123456789012:user/other";
    let text = format!(
        r#"{{"callers": {{
            "{HELLO}": {{"demo/hello": {project}, "/demo/hello.git": {project}}},
            "{other}": {{"demo/hello": {project}}},
            "{other}": {{"demo/third": {{"jobs": {{"codebuild/hello": {{}}, "hello": {{}}}}}}}}
        }}}}"#
    );
    insta::assert_snapshot!(complaints(&text));
}

#[test]
fn what_is_no_map_says_so() {
    let texts = [
        "",
        "{\"callers\": {",
        "{\"callers\": {}} {}",
        "[]",
        "\"callers\"",
        "{}",
        "{\"Callers\": {}}",
        "{\"callers\": null}",
        "{\"callers\": {\"x\": 1}, \"callers\": 1.5}",
    ];
    let said = texts.map(|text| format!("{text}\n{}\n", complaints(text)));
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_map_of_nobody_is_a_map() {
    assert_eq!(Map::parse("{\"callers\": {}}"), Ok(Map::default()));
}

#[test]
fn a_job_takes_its_name_from_the_map_where_the_service_has_another() {
    let text = with_jobs(r#"{"codebuild/x.y": {"name": "x-y"}}"#);
    let map = Map::parse(&text).unwrap();
    let project = map.project(HELLO, "demo/hello").unwrap();
    let found = project.job("demo/hello", &job("codebuild/x.y")).unwrap();
    assert_eq!(found.target, target(Service::CodeBuild, "x-y"));
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = Map::parse(&text);
    }

    #[test]
    fn no_change_of_a_map_panics(at in 0..900_usize, with in any::<char>()) {
        let mut text: Vec<char> = DOCUMENTED.chars().collect();
        let at = at % text.len();
        text[at] = with;
        let text: String = text.into_iter().collect();
        if let Err(bad) = Map::parse(&text) {
            prop_assert!(!bad.to_string().is_empty());
        }
    }
}
