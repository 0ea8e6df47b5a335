//! From what the plugin found out to a request: which commit, whose name, which addresses.

use chela_contract::{BuildRequest, Refname};
use chela_pagure::Facts;
use rstest::rstest;
use serde_json::{Value, json};

const HEAD: &str = "7a1b0c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b";
const OTHER: &str = "0000000000000000000000000000000000000001";

fn facts() -> Value {
    json!({
        "build_id": "0199a1c2-6f0e-7c3a-9d6b-2f6f1f1f0a11",
        "app_url": "https://pagure.example.org/",
        "clone_base": "https://git.example.org",
        "job": " codebuild/hello ",
        "project": {"username": null, "namespace": "demo", "name": "hello"},
        "source": {"project": {"username": "ada", "namespace": "demo", "name": "hello"}},
        "refname": "fix",
        "is_tag": false,
        "head": HEAD,
        "captured": {
            "user": "carol", "can_push": true, "reason": "updated",
            "at": "2026-11-22T20:15:26.870Z", "commit": HEAD
        },
        "pull_request": {
            "id": 7, "title": "Fix", "author": "ada", "author_can_push": false,
            "target_branch": "main"
        }
    })
}

fn request(facts: Value) -> Result<BuildRequest, String> {
    let facts: Facts = serde_json::from_value(facts).map_err(|error| error.to_string())?;
    facts
        .wanted()
        .map(|wanted| wanted.request)
        .map_err(|error| error.to_string())
}

/// Reason, commit captured, head now; then the commit that is built, and whether it is in the
/// person's name.
#[rstest]
#[case::update("updated", Some(HEAD), Some(HEAD), Some(HEAD), true)]
#[case::update_overtaken("updated", Some(OTHER), Some(HEAD), Some(HEAD), false)]
#[case::update_of_unknown_commit("updated", None, Some(HEAD), Some(HEAD), false)]
#[case::opened_overtaken("opened", Some(OTHER), Some(HEAD), Some(HEAD), false)]
#[case::rebuild("rebuild", Some(HEAD), Some(HEAD), Some(HEAD), true)]
#[case::rebuild_overtaken("rebuild", Some(OTHER), Some(HEAD), Some(OTHER), true)]
#[case::rebuild_of_unknown_commit("rebuild", None, Some(HEAD), Some(HEAD), false)]
#[case::remote("opened", None, None, None, false)]
fn nobodys_name_goes_on_a_commit_that_they_did_not_see(
    #[case] reason: &str,
    #[case] captured: Option<&str>,
    #[case] head: Option<&str>,
    #[case] built: Option<&str>,
    #[case] named: bool,
) {
    let mut facts = facts();
    facts["captured"]["reason"] = json!(reason);
    facts["captured"]["commit"] = json!(captured);
    facts["head"] = json!(head);
    let request = request(facts).expect("a request");
    assert_eq!(
        request
            .source
            .commit
            .as_ref()
            .map(chela_contract::CommitId::as_str),
        built
    );
    assert_eq!(request.requested_by.is_some_and(|by| by.can_push), named);
}

#[test]
fn addresses_are_spelled_as_pagure_spells_them() {
    let request = request(facts()).expect("a request");
    assert_eq!(
        request.source.clone_url.as_str(),
        "https://git.example.org/forks/ada/demo/hello.git"
    );
    assert_eq!(
        request.project.url.as_str(),
        "https://pagure.example.org/demo/hello"
    );
    assert_eq!(
        request.report_url.as_str(),
        "https://pagure.example.org/api/0/ci/webhook/demo/hello"
    );
    let pull_request = request.pull_request.expect("a pull request");
    assert_eq!(
        pull_request.url.as_str(),
        "https://pagure.example.org/demo/hello/pull-request/7"
    );
    assert!(pull_request.from_fork);
    assert_eq!(request.job.as_str(), "codebuild/hello");
}

#[test]
fn a_tag_is_named_as_one() {
    let mut facts = facts();
    facts["pull_request"] = Value::Null;
    facts["is_tag"] = json!(true);
    let request = request(facts).expect("a request");
    assert_eq!(request.source.refname, Refname::Tag("fix".to_owned()));
}

#[rstest]
#[case("ssh://git@host/x.git")]
#[case("git://host/x.git")]
#[case("file:///etc")]
#[case("/srv/git/x.git")]
#[case("ext::sh -c id")]
#[case("javascript:alert(1)")]
fn a_remote_repository_must_be_on_the_web(#[case] remote: &str) {
    let mut facts = facts();
    facts["source"] = json!({"remote": remote});
    assert!(request(facts).is_err());
}

#[rstest]
#[case("/project/name", json!("../../x"))]
#[case("/job", json!("   "))]
#[case("/app_url", json!("pagure"))]
fn what_makes_no_request_is_said(#[case] member: &str, #[case] value: Value) {
    let mut facts = facts();
    *facts.pointer_mut(member).expect("a member") = value;
    assert!(request(facts).is_err());
}
