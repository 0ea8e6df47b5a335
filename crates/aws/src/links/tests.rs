use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn target(service: Service, name: &str) -> Target {
    Target {
        service,
        name: name.to_owned(),
    }
}

#[rstest]
#[case::build(
    Service::CodeBuild,
    "eu-central-1",
    "https://eu-central-1.console.aws.amazon.com/codesuite/codebuild/projects/hello/history?region=eu-central-1"
)]
#[case::pipeline(
    Service::CodePipeline,
    "eu-central-1",
    "https://eu-central-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/hello/view?region=eu-central-1"
)]
#[case::china(
    Service::CodeBuild,
    "cn-north-1",
    "https://cn-north-1.console.amazonaws.cn/codesuite/codebuild/projects/hello/history?region=cn-north-1"
)]
#[case::government(
    Service::CodePipeline,
    "us-gov-west-1",
    "https://us-gov-west-1.console.amazonaws-us-gov.com/codesuite/codepipeline/pipelines/hello/view?region=us-gov-west-1"
)]
#[case::nowhere(
    Service::CodeBuild,
    "",
    "https://console.aws.amazon.com/codesuite/codebuild/projects/hello/history"
)]
fn before_the_start_the_link_shows_the_project(
    #[case] service: Service,
    #[case] region: &str,
    #[case] expected: &str,
) {
    assert_eq!(
        project_page(region, &target(service, "hello")).as_str(),
        expected
    );
}

#[rstest]
#[case::build(
    Service::CodeBuild,
    Some("123456789012"),
    "hello:1f0a",
    "https://eu-west-1.console.aws.amazon.com/codesuite/codebuild/123456789012/projects/hello/build/hello%3A1f0a/?region=eu-west-1"
)]
#[case::build_of_an_unknown_account(
    Service::CodeBuild,
    None,
    "hello:1f0a",
    "https://eu-west-1.console.aws.amazon.com/codesuite/codebuild/projects/hello/build/hello%3A1f0a/?region=eu-west-1"
)]
#[case::execution(
    Service::CodePipeline,
    Some("123456789012"),
    "1f0a",
    "https://eu-west-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/hello/executions/1f0a/timeline?region=eu-west-1"
)]
fn after_the_start_the_link_shows_the_build(
    #[case] service: Service,
    #[case] account: Option<&str>,
    #[case] id: &str,
    #[case] expected: &str,
) {
    let page = execution_page("eu-west-1", account, &target(service, "hello"), id);
    assert_eq!(page.as_str(), expected);
}

#[test]
fn a_public_project_is_named_by_its_alias_as_it_comes() {
    let page = public_page("eu-west-1", "eyJl%2Bbm=%3D").unwrap();
    assert_eq!(
        page.as_str(),
        "https://eu-west-1.codebuild.aws.amazon.com/project/eyJl%2Bbm=%3D"
    );
}

#[rstest]
#[case("cn-north-1")]
#[case("us-gov-west-1")]
#[case("")]
fn no_public_page_is_guessed(#[case] region: &str) {
    assert_eq!(public_page(region, "eyJl"), None);
}

#[test]
fn a_pipelines_name_may_have_an_at_sign() {
    let page = project_page("eu-west-1", &target(Service::CodePipeline, "a@b.c"));
    assert_eq!(
        page.path(),
        "/codesuite/codepipeline/pipelines/a%40b.c/view"
    );
}

proptest! {
    #[test]
    fn no_name_leads_to_another_host(name in any::<String>(), id in any::<String>(), region in any::<String>()) {
        for service in [Service::CodeBuild, Service::CodePipeline] {
            let target = target(service, &name);
            let console = [
                project_page(&region, &target),
                execution_page(&region, Some(&id), &target, &id),
            ];
            for page in console.into_iter().chain(public_page(&region, &id)) {
                let host = page.host_str().unwrap_or_default();
                let ours = ["aws.amazon.com", "console.amazonaws.cn", "console.amazonaws-us-gov.com"];
                prop_assert!(ours.iter().any(|end| host.ends_with(end)), "{page}");
                prop_assert!(page.fragment().is_none());
            }
        }
    }
}
