use rstest::rstest;

use super::*;
use crate::testing::request;

const REPORTS: &str = "https://pagure.example.org/api/0/ci/webhook/demo/hello";

fn forge() -> Forge {
    let url = |text: &str| text.parse().unwrap();
    let clones = vec![url("https://git.example.org/repos/")];
    Forge::new(url("https://pagure.example.org"), clones)
}

/// A request of the project's own branch, with this address to clone from.
fn own(clone_url: &str) -> BuildRequest {
    let mut request = request(1);
    request.source.clone_url = clone_url.parse().unwrap();
    if let Some(pull) = &mut request.pull_request {
        pull.from_fork = false;
    }
    request
}

#[rstest]
#[case("https://pagure.example.org/demo/hello.git")]
#[case("https://pagure.example.org/demo/hello")]
#[case("https://git.example.org/repos/demo/hello.git")]
fn the_projects_own_repository_is_taken(#[case] clone_url: &str) {
    let project = forge().check(&own(clone_url)).unwrap();
    assert_eq!(project.fullname(), "demo/hello");
}

#[rstest]
#[case("https://pagure.example.org/demo/other.git")]
#[case("https://pagure.example.org/demo/hello.git.git")]
#[case("https://pagure.example.org/forks/ada/demo/hello.git")]
#[case("https://pagure.example.org/demo/../demo/hello/x")]
#[case("http://pagure.example.org/demo/hello.git")]
#[case("https://pagure.example.org:8443/demo/hello.git")]
#[case("https://pagure.example.org.evil.example/demo/hello.git")]
#[case("https://git.example.org/demo/hello.git")]
#[case("https://git.example.org/reposdemo/hello.git")]
fn another_repository_is_not_the_projects(#[case] clone_url: &str) {
    let refused = forge().check(&own(clone_url));
    assert!(
        matches!(refused, Err(Refusal::OtherRepository { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_fork_may_lie_elsewhere() {
    let mut remote = request(1);
    remote.source.clone_url = "https://elsewhere.example/x.git".parse().unwrap();
    assert!(forge().check(&remote).is_ok());
}

#[rstest]
#[case("https://pagure.example.org/forks/ada/demo/hello.git", true)]
#[case("https://elsewhere.example/x.git", false)]
fn a_guarded_forge_refuses_what_could_not_be_fetched(#[case] clone_url: &str, #[case] taken: bool) {
    let limit = |host| Policy::default().with(chela_outbound::Setting::LimitHosts, host);
    let guarded = forge().guarded(limit("pagure.example.org").unwrap());
    let mut remote = request(1);
    remote.source.clone_url = clone_url.parse().unwrap();
    let checked = guarded.check(&remote);
    assert_eq!(checked.is_ok(), taken, "{checked:?}");
    if let Err(refused) = checked {
        assert!(
            refused.to_string().contains("CHELA_LIMIT_HOSTS"),
            "{refused}"
        );
    }
}

#[rstest]
#[case("https://user:secret@pagure.example.org/demo/hello.git")]
#[case("https://secret@pagure.example.org/demo/hello.git")]
#[case("https://pagure.example.org/demo/hello.git?token=secret")]
fn a_clone_url_has_no_secrets_and_none_are_shown(#[case] clone_url: &str) {
    for from_fork in [false, true] {
        let mut request = own(clone_url);
        if let Some(pull) = &mut request.pull_request {
            pull.from_fork = from_fork;
        }
        let refused = forge().check(&request).unwrap_err();
        assert!(matches!(refused, Refusal::CloneUrl(_)), "{refused:?}");
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }
}

#[rstest]
#[case("https://pagure.example.org/api/0/ci/webhook/demo/other")]
#[case("https://evil.example/api/0/ci/webhook/demo/hello")]
#[case("https://pagure.example.org/api/0/ci/webhook/demo/hello?x")]
#[case("http://pagure.example.org/api/0/ci/webhook/demo/hello")]
fn reports_go_to_the_configured_forge_only(#[case] report_url: &str) {
    let mut asked = request(1);
    assert_eq!(asked.report_url.as_str(), REPORTS);
    assert!(forge().check(&asked).is_ok());
    asked.report_url = report_url.parse().unwrap();
    let refused = forge().check(&asked);
    assert!(
        matches!(refused, Err(Refusal::ReportUrl { .. })),
        "{refused:?}"
    );
}

#[rstest]
#[case("hello", Some("other"), None)]
#[case("other", Some("demo"), None)]
#[case("hello", None, None)]
#[case("hello", Some("demo"), Some("ada"))]
#[case("../hello", Some("demo"), None)]
fn names_that_contradict_each_other_are_no_project(
    #[case] name: &str,
    #[case] namespace: Option<&str>,
    #[case] username: Option<&str>,
) {
    let mut asked = request(1);
    asked.project.name = name.to_owned();
    asked.project.namespace = namespace.map(str::to_owned);
    asked.project.username = username.map(str::to_owned);
    let refused = forge().check(&asked);
    assert!(matches!(refused, Err(Refusal::Project(_))), "{refused:?}");
}

#[test]
fn a_refusal_names_the_setting_as_its_operator_knows_it() {
    let named = Named {
        url: "CHELA_PAGURE_URL",
        clones: "CHELA_PAGURE_URL or CHELA_PAGURE_GIT",
    };
    let mut asked = own("https://elsewhere.example/demo/hello.git");
    let said = |forge: Forge, asked: &BuildRequest| forge.check(asked).unwrap_err().to_string();
    assert!(said(forge(), &asked).contains("[pagure] url or git;"));
    assert!(
        said(forge().with_names(named), &asked).contains("CHELA_PAGURE_URL or CHELA_PAGURE_GIT;")
    );
    asked.report_url = "https://elsewhere.example/".parse().unwrap();
    assert!(said(forge(), &asked).ends_with("check [pagure] url"));
    assert!(said(forge().with_names(named), &asked).ends_with("check CHELA_PAGURE_URL"));
}
