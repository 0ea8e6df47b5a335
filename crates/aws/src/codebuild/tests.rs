use std::sync::{Arc, Mutex};

use aws_sdk_codebuild::config::retry::RetryConfig;
use aws_sdk_codebuild::operation::batch_get_builds::{BatchGetBuildsInput, BatchGetBuildsOutput};
use aws_sdk_codebuild::operation::batch_get_projects::{
    BatchGetProjectsInput, BatchGetProjectsOutput,
};
use aws_sdk_codebuild::operation::list_builds_for_project::{
    ListBuildsForProjectInput, ListBuildsForProjectOutput,
};
use aws_sdk_codebuild::operation::start_build::{StartBuildInput, StartBuildOutput};
use aws_sdk_codebuild::operation::stop_build::{StopBuildInput, StopBuildOutput};
use aws_sdk_codebuild::types::{
    BuildPhase, BuildPhaseType, PhaseContext, ProjectEnvironment, ProjectSource,
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use chela_contract::Status;
use rstest::rstest;

use super::*;
use crate::Service;
use crate::engine::tests::{
    COMMIT, Comes, REGION, at, comes_to, id, moment, refusal, started, stored,
};

const BUILD: &str = "hello:11111111-2222-3333-4444-555555555555";
const ARN: &str =
    "arn:aws:codebuild:eu-central-1:123456789012:build/hello:11111111-2222-3333-4444-555555555555";

type Kept<T> = Arc<Mutex<Vec<T>>>;

/// A service that answers by these rules, and to a request without one not at all.
fn codebuild(rules: &[&Rule]) -> CodeBuild {
    let once =
        |config: aws_sdk_codebuild::config::Builder| config.retry_config(RetryConfig::disabled());
    CodeBuild::new(
        mock_client!(aws_sdk_codebuild, RuleMode::MatchAny, rules, once),
        REGION,
    )
}

fn kept<T>() -> Kept<T> {
    Arc::default()
}

fn taken<T: Clone>(seen: &Kept<T>) -> Vec<T> {
    seen.lock().unwrap().clone()
}

fn target() -> Target {
    stored(Service::CodeBuild).target
}

fn running() -> aws_sdk_codebuild::types::builders::BuildBuilder {
    Build::builder()
        .id(BUILD)
        .arn(ARN)
        .start_time(moment(3))
        .build_status(StatusType::InProgress)
        .initiator("chela-trigger")
        .environment(of_build(&id().to_string()))
}

fn of_build(id: &str) -> ProjectEnvironment {
    let variable = variable("CHELA_BUILD_ID", id);
    environment_of(vec![variable])
}

fn environment_of(variables: Vec<EnvironmentVariable>) -> ProjectEnvironment {
    ProjectEnvironment::builder()
        .r#type(aws_sdk_codebuild::types::EnvironmentType::LinuxContainer)
        .image("aws/codebuild/standard:7.0")
        .compute_type(aws_sdk_codebuild::types::ComputeType::BuildGeneral1Small)
        .set_environment_variables(Some(variables))
        .build()
        .unwrap()
}

fn variable(name: &str, value: &str) -> EnvironmentVariable {
    EnvironmentVariable::builder()
        .name(name)
        .value(value)
        .r#type(EnvironmentVariableType::Plaintext)
        .build()
        .unwrap()
}

fn project(kind: SourceType) -> aws_sdk_codebuild::types::builders::ProjectBuilder {
    let source = ProjectSource::builder().r#type(kind).build().unwrap();
    Project::builder().name("hello").source(source)
}

fn projects(seen: &Kept<BatchGetProjectsInput>, found: Option<Project>) -> Rule {
    let seen = seen.clone();
    mock!(Client::batch_get_projects).then_compute_output(move |input| {
        seen.lock().unwrap().push(input.clone());
        let answer = BatchGetProjectsOutput::builder();
        match &found {
            Some(found) => answer.projects(found.clone()).build(),
            None => answer.projects_not_found("hello").build(),
        }
    })
}

fn builds(seen: &Kept<BatchGetBuildsInput>, found: Vec<Build>) -> Rule {
    let seen = seen.clone();
    mock!(Client::batch_get_builds).then_compute_output(move |input| {
        seen.lock().unwrap().push(input.clone());
        let asked = |build: &Build| {
            build
                .id()
                .is_some_and(|id| input.ids().contains(&id.to_owned()))
        };
        let found = found.iter().filter(|build| asked(build)).cloned().collect();
        BatchGetBuildsOutput::builder()
            .set_builds(Some(found))
            .build()
    })
}

/// Pages of a listing: the token of a page is its number.
fn pages(seen: &Kept<ListBuildsForProjectInput>, pages: Vec<Vec<&'static str>>) -> Rule {
    let seen = seen.clone();
    mock!(Client::list_builds_for_project).then_compute_output(move |input| {
        seen.lock().unwrap().push(input.clone());
        let page = input.next_token().map_or(0, |page| page.parse().unwrap());
        let ids = pages[page].iter().map(|id| (*id).to_owned()).collect();
        let next = (page + 1 < pages.len()).then(|| (page + 1).to_string());
        let answer = ListBuildsForProjectOutput::builder();
        answer.set_ids(Some(ids)).set_next_token(next).build()
    })
}

#[rstest]
#[case::s3(project(SourceType::S3).build(), true, None)]
#[case::any_other_source(project(SourceType::Github).build(), true, None)]
#[case::no_source(project(SourceType::NoSource).build(), false, None)]
#[case::public(
    project(SourceType::S3)
        .project_visibility(ProjectVisibilityType::PublicRead)
        .public_project_alias("abc%3D")
        .build(),
    true,
    Some("abc%3D")
)]
#[case::private_again(
    project(SourceType::S3)
        .project_visibility(ProjectVisibilityType::Private)
        .public_project_alias("abc")
        .build(),
    true,
    None
)]
#[tokio::test]
async fn a_project_is_looked_at_before_the_source_is_fetched(
    #[case] found: Project,
    #[case] takes_source: bool,
    #[case] public: Option<&str>,
) {
    let seen = kept();
    let service = codebuild(&[&projects(&seen, Some(found))]);
    let prepared = service.prepare("hello").await.unwrap();
    let public = public.map(str::to_owned);
    assert_eq!(
        prepared,
        Prepared::CodeBuild {
            takes_source,
            public
        }
    );
    let asked = BatchGetProjectsInput::builder()
        .names("hello")
        .build()
        .unwrap();
    assert_eq!(taken(&seen), [asked]);
}

#[rstest]
#[case::absent(None, "There is no CodeBuild project hello")]
#[case::of_a_pipeline(
    Some(project(SourceType::Codepipeline).build()),
    "takes its source from a pipeline"
)]
#[tokio::test]
async fn a_project_that_cannot_be_used_is_told_with_the_remedy(
    #[case] found: Option<Project>,
    #[case] says: &str,
) {
    let service = codebuild(&[&projects(&kept(), found)]);
    let failure = service.prepare("hello").await.unwrap_err();
    comes_to(&failure, Comes::Never, &[says]);
}

fn starts(seen: &Kept<StartBuildInput>) -> Rule {
    let seen = seen.clone();
    mock!(Client::start_build).then_compute_output(move |input| {
        seen.lock().unwrap().push(input.clone());
        StartBuildOutput::builder()
            .set_build(Some(running().build()))
            .build()
    })
}

/// All that is ever sent; what is not named here is not set.
fn all_that_is_sent() -> aws_sdk_codebuild::operation::start_build::builders::StartBuildInputBuilder
{
    let variables = [
        ("BRANCH", "fix"),
        ("BRANCH_TO", "main"),
        ("CHELA_AUTHOR", "ada"),
        ("CHELA_AUTHOR_CAN_PUSH", "false"),
        ("CHELA_BRANCH", "fix"),
        ("CHELA_BUILD_ID", &id().to_string()),
        (
            "CHELA_CLONE_URL",
            "https://pagure.example.org/forks/ada/demo/hello.git",
        ),
        ("CHELA_COMMIT", COMMIT),
        ("CHELA_EVENT", "pull_request"),
        ("CHELA_JOB", "codebuild/hello"),
        ("CHELA_PROJECT", "demo/hello"),
        ("CHELA_PULL_REQUEST", "7"),
        (
            "CHELA_REPORT_URL",
            "https://pagure.example.org/api/0/ci/webhook/demo/hello",
        ),
        ("CHELA_TARGET_BRANCH", "main"),
        ("CI", "true"),
        (
            "REPO",
            "https://pagure.example.org/forks/ada/demo/hello.git",
        ),
        ("cause", "7"),
    ];
    let variables = variables.map(|(name, value)| variable(name, value));
    StartBuildInput::builder()
        .project_name("hello")
        .idempotency_token(id().to_string())
        .auto_retry_limit_override(0)
        .set_environment_variables_override(Some(variables.to_vec()))
}

#[tokio::test]
async fn a_build_is_started_from_what_is_stored_and_overrides_nothing_else() {
    let seen = kept();
    let service = codebuild(&[&starts(&seen)]);
    let before = now();
    let record = stored(Service::CodeBuild);
    let execution = service.start(&record, None).await.unwrap();
    let asked = all_that_is_sent()
        .source_type_override(SourceType::S3)
        .source_location_override("chela-sources/sources/one.zip")
        .source_version(&record.stored.as_ref().unwrap().version);
    assert_eq!(taken(&seen), [asked.build().unwrap()]);
    assert_eq!(execution.id, BUILD);
    assert!((before..=now()).contains(&execution.at));
    let account = Some("123456789012");
    let link = links::execution_page(REGION, account, &target(), BUILD);
    assert_eq!(execution.link, link);
}

#[tokio::test]
async fn a_project_without_a_source_gets_the_variables_only() {
    let seen = kept();
    let service = codebuild(&[&starts(&seen)]);
    let record = Record {
        stored: None,
        ..stored(Service::CodeBuild)
    };
    service.start(&record, None).await.unwrap();
    assert_eq!(taken(&seen), [all_that_is_sent().build().unwrap()]);
}

#[tokio::test]
async fn a_build_of_a_public_project_leads_to_its_public_page() {
    let service = codebuild(&[&starts(&kept())]);
    let record = stored(Service::CodeBuild);
    let execution = service.start(&record, Some("abc%3D")).await.unwrap();
    assert_eq!(Some(execution.link), links::public_page(REGION, "abc%3D"));
}

#[tokio::test]
async fn an_answer_without_a_name_is_looked_for_later() {
    let rule = mock!(Client::start_build).then_output(|| StartBuildOutput::builder().build());
    let failure = codebuild(&[&rule])
        .start(&stored(Service::CodeBuild), None)
        .await
        .unwrap_err();
    comes_to(&failure, Comes::Passing, &["codebuild:StartBuild on hello"]);
}

#[rstest]
#[case::no_room(
    refusal(400, "AccountLimitExceededException", "Cannot have more than 1 builds in queue for the account"),
    Comes::Capacity,
    &["Cannot have more than 1 builds in queue"]
)]
#[case::throttled(
    refusal(400, "ThrottlingException", "Rate exceeded"),
    Comes::Passing,
    &["codebuild:StartBuild on hello", "Rate exceeded"]
)]
#[case::out_of_order(refusal(503, "ServiceUnavailable", "no"), Comes::Passing, &["codebuild:StartBuild on hello"])]
#[case::expired(
    refusal(400, "ExpiredTokenException", "The security token included in the request is expired"),
    Comes::Passing,
    &["credentials", "expired"]
)]
#[case::denied(
    refusal(400, "AccessDeniedException", "User is not authorized"),
    Comes::Never,
    &["codebuild:StartBuild", "hello", "policy of the function's role"]
)]
#[case::absent(
    refusal(400, "ResourceNotFoundException", "Project cannot be found"),
    Comes::Never,
    &["There is no CodeBuild project hello"]
)]
#[tokio::test]
async fn what_keeps_a_build_from_starting_is_told_apart(
    #[case] answer: aws_sdk_codebuild::config::http::HttpResponse,
    #[case] comes: Comes,
    #[case] says: &[&str],
) {
    let (status, body) = (answer.status(), answer.body().bytes().unwrap().to_vec());
    let rule = mock!(Client::start_build).then_http_response(move || {
        aws_sdk_codebuild::config::http::HttpResponse::new(status, body.clone().into())
    });
    let failure = codebuild(&[&rule])
        .start(&stored(Service::CodeBuild), None)
        .await
        .unwrap_err();
    comes_to(&failure, comes, says);
}

fn mismatch() -> Rule {
    mock!(Client::start_build).then_http_response(|| {
        let message = "Parameter mismatch: the idempotency token was used with other parameters";
        refusal(400, "InvalidInputException", message)
    })
}

#[tokio::test]
async fn a_token_that_is_known_with_another_source_leads_to_the_build_it_started() {
    let list = pages(&kept(), vec![vec![BUILD]]);
    let found = builds(&kept(), vec![running().build()]);
    let service = codebuild(&[&mismatch(), &list, &found]);
    let execution = service
        .start(&stored(Service::CodeBuild), None)
        .await
        .unwrap();
    assert_eq!((execution.id.as_str(), execution.at), (BUILD, at(3)));
}

#[tokio::test]
async fn a_refused_request_without_a_build_is_told_as_aws_says_it() {
    let list = pages(&kept(), vec![vec![]]);
    let service = codebuild(&[&mismatch(), &list]);
    let failure = service
        .start(&stored(Service::CodeBuild), None)
        .await
        .unwrap_err();
    comes_to(
        &failure,
        Comes::Never,
        &["InvalidInputException", "Parameter mismatch", "rebuild"],
    );
}

#[tokio::test]
async fn what_was_started_is_found_by_its_variable_over_all_pages_since_it_was_accepted() {
    let other = |id: &str, second| {
        let build = running().id(id).start_time(moment(second));
        build.environment(of_build("another")).build()
    };
    let (list, got) = (kept(), kept());
    let all = pages(
        &list,
        vec![
            vec!["hello:a", "hello:gone", "hello:b"],
            vec![BUILD],
            vec![],
        ],
    );
    let known = vec![
        other("hello:a", -61),
        other("hello:b", 9),
        running().build(),
    ];
    let found = builds(&got, known);
    let service = codebuild(&[&all, &found]);
    let record = stored(Service::CodeBuild);
    let execution = service.find(&record, None).await.unwrap().unwrap();
    assert_eq!((execution.id.as_str(), execution.at), (BUILD, at(3)));
    let asked = ListBuildsForProjectInput::builder()
        .project_name("hello")
        .sort_order(SortOrderType::Descending);
    let next = asked.clone().next_token("1");
    assert_eq!(
        taken(&list),
        [asked.build().unwrap(), next.build().unwrap()]
    );
    let of = |ids: &[&str]| {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        BatchGetBuildsInput::builder()
            .set_ids(Some(ids))
            .build()
            .unwrap()
    };
    let expected = [of(&["hello:a", "hello:gone", "hello:b"]), of(&[BUILD])];
    assert_eq!(taken(&got), expected);
}

#[rstest]
#[case::of_another_build(running().environment(of_build("0199a1c2-6f0e-7c3a-9d6b-2f6f1f1f0a12")))]
#[case::of_an_action_of_a_pipeline(running().initiator("codepipeline/release"))]
#[case::without_variables(running().environment(environment_of(Vec::new())))]
#[case::with_our_id_under_another_name(
    running().environment(environment_of(vec![variable("ID", &id().to_string())]))
)]
#[tokio::test]
async fn a_build_that_is_not_ours_is_not_taken_for_it(
    #[case] build: aws_sdk_codebuild::types::builders::BuildBuilder,
) {
    let list = pages(&kept(), vec![vec![BUILD]]);
    let found = builds(&kept(), vec![build.build()]);
    let service = codebuild(&[&list, &found]);
    let found = service
        .find(&stored(Service::CodeBuild), None)
        .await
        .unwrap();
    assert_eq!(found, None);
}

#[tokio::test]
async fn what_is_older_than_the_request_is_not_paged_through() {
    let list = kept();
    let all = pages(&list, vec![vec!["hello:a"], vec![BUILD]]);
    let old = running().id("hello:a").start_time(moment(-61));
    let old = old.environment(of_build("another")).build();
    let found = builds(&kept(), vec![old, running().build()]);
    let service = codebuild(&[&all, &found]);
    let found = service
        .find(&stored(Service::CodeBuild), None)
        .await
        .unwrap();
    assert_eq!(found, None);
    assert_eq!(taken(&list).len(), 1);
}

#[tokio::test]
async fn a_listing_that_is_denied_names_the_right_it_needs() {
    let rule = mock!(Client::list_builds_for_project)
        .then_http_response(|| refusal(400, "AccessDeniedException", "no"));
    let failure = codebuild(&[&rule])
        .find(&stored(Service::CodeBuild), None)
        .await
        .unwrap_err();
    comes_to(
        &failure,
        Comes::Never,
        &["codebuild:ListBuildsForProject on hello"],
    );
}

fn ended(status: StatusType) -> Build {
    let build = running().build_status(status).build_complete(true);
    build.end_time(moment(60)).build()
}

#[rstest]
#[case::it_runs(running().build(), Stopped::Stopping)]
#[case::it_stops_at_once(ended(StatusType::Stopped), Stopped::Stopping)]
#[case::it_had_succeeded(ended(StatusType::Succeeded), Stopped::WasOver)]
#[case::it_had_failed(ended(StatusType::Failed), Stopped::WasOver)]
#[case::it_had_timed_out(ended(StatusType::TimedOut), Stopped::WasOver)]
#[tokio::test]
async fn a_build_is_stopped(#[case] build: Build, #[case] expected: Stopped) {
    let seen: Kept<StopBuildInput> = kept();
    let keep = seen.clone();
    let rule = mock!(Client::stop_build).then_compute_output(move |input| {
        keep.lock().unwrap().push(input.clone());
        StopBuildOutput::builder()
            .set_build(Some(build.clone()))
            .build()
    });
    assert_eq!(codebuild(&[&rule]).stop(BUILD).await.unwrap(), expected);
    assert_eq!(
        taken(&seen),
        [StopBuildInput::builder().id(BUILD).build().unwrap()]
    );
}

#[rstest]
#[case::gone("ResourceNotFoundException", vec![], Ok(Stopped::WasOver))]
#[case::over("InvalidInputException", vec![ended(StatusType::Failed)], Ok(Stopped::WasOver))]
#[case::forgotten("InvalidInputException", vec![], Ok(Stopped::WasOver))]
#[case::runs("InvalidInputException", vec![running().build()], Err(Comes::Never))]
#[case::denied("AccessDeniedException", vec![], Err(Comes::Never))]
#[case::throttled("ThrottlingException", vec![], Err(Comes::Passing))]
#[tokio::test]
async fn a_build_that_is_over_counts_as_stopped(
    #[case] code: &'static str,
    #[case] found: Vec<Build>,
    #[case] expected: Result<Stopped, Comes>,
) {
    let rule = mock!(Client::stop_build).then_http_response(move || refusal(400, code, "no"));
    let found = builds(&kept(), found);
    match (codebuild(&[&rule, &found]).stop(BUILD).await, expected) {
        (Err(failure), Err(comes)) => comes_to(&failure, comes, &["codebuild:StopBuild", BUILD]),
        (came, expected) => assert_eq!(came.ok(), expected.ok()),
    }
}

fn phase(kind: BuildPhaseType, status: Option<StatusType>, since: i64) -> BuildPhase {
    let end = status.is_some().then(|| moment(since + 1));
    BuildPhase::builder()
        .phase_type(kind)
        .set_phase_status(status)
        .start_time(moment(since))
        .set_end_time(end)
        .build()
}

async fn looked(build: Build) -> (crate::State, Micros) {
    let seen = kept();
    let service = codebuild(&[&builds(&seen, vec![build])]);
    let came = service.look(BUILD, at(90)).await.unwrap();
    assert_eq!(
        taken(&seen),
        [BatchGetBuildsInput::builder().ids(BUILD).build().unwrap()]
    );
    match came {
        Seen::Now { state, at } => (state, at),
        Seen::Forgotten => panic!("the build is there"),
    }
}

#[tokio::test]
async fn a_build_that_runs_is_seen_in_its_phase_since_that_began() {
    let done = phase(BuildPhaseType::Queued, Some(StatusType::Succeeded), 4);
    let runs = phase(BuildPhaseType::Install, None, 20);
    let (state, since) = looked(running().phases(done).phases(runs).build()).await;
    assert_eq!(state, table::codebuild_phase_running("INSTALL"));
    assert_eq!(since, at(20));
}

#[tokio::test]
async fn a_build_between_two_phases_is_seen_to_run() {
    let (state, since) = looked(running().build()).await;
    assert_eq!(state, table::codebuild_status("IN_PROGRESS", None));
    assert_eq!(since, at(90));
}

#[rstest]
#[case(StatusType::Succeeded, Status::Success)]
#[case(StatusType::Failed, Status::Failure)]
#[case(StatusType::Fault, Status::Error)]
#[case(StatusType::TimedOut, Status::Error)]
#[case(StatusType::Stopped, Status::Canceled)]
#[tokio::test]
async fn an_end_is_seen_at_the_time_of_looking_so_that_no_late_phase_outranks_it(
    #[case] status: StatusType,
    #[case] expected: Status,
) {
    let (state, since) = looked(ended(status)).await;
    assert!(state.last());
    assert_eq!((state.status, since), (expected, at(90)));
}

#[tokio::test]
async fn a_failure_says_in_which_phase_and_by_which_code_but_not_the_message() {
    let why = PhaseContext::builder()
        .status_code("COMMAND_EXECUTION_ERROR")
        .message("Error while executing command: deploy --to internal.example.org");
    let broken = BuildPhase::builder()
        .phase_type(BuildPhaseType::Build)
        .phase_status(StatusType::Failed)
        .contexts(why.build());
    let build = running()
        .build_status(StatusType::Failed)
        .phases(phase(
            BuildPhaseType::Install,
            Some(StatusType::Succeeded),
            20,
        ))
        .phases(broken.build());
    let (state, _) = looked(build.build()).await;
    assert_eq!(
        state.description,
        "Phase BUILD failed (COMMAND_EXECUTION_ERROR)"
    );
}

#[tokio::test]
async fn a_build_that_codebuild_does_not_know_is_forgotten() {
    let service = codebuild(&[&builds(&kept(), Vec::new())]);
    assert_eq!(service.look(BUILD, at(90)).await, Ok(Seen::Forgotten));
}

#[tokio::test]
async fn many_builds_are_seen_with_one_call_in_the_order_they_are_asked_for() {
    let (seen, last) = (kept(), ended(StatusType::Failed));
    let first = running().id("hello:a").build();
    let service = codebuild(&[&builds(&seen, vec![last, first])]);
    let ids = ["hello:a", "hello:gone", BUILD].map(str::to_owned);
    let came = service.look_at(&ids, at(90)).await.unwrap();
    let now = |state| Seen::Now { state, at: at(90) };
    let expected = [
        now(table::codebuild_status("IN_PROGRESS", None)),
        Seen::Forgotten,
        now(table::codebuild_status("FAILED", None)),
    ];
    assert_eq!(came, expected);
    let asked = BatchGetBuildsInput::builder().set_ids(Some(ids.to_vec()));
    assert_eq!(taken(&seen), [asked.build().unwrap()]);
}

#[tokio::test]
async fn of_no_build_nothing_is_asked() {
    assert_eq!(codebuild(&[]).look_at(&[], at(90)).await, Ok(Vec::new()));
}

#[tokio::test]
async fn the_engines_send_a_codebuild_job_to_codebuild() {
    let found = builds(&kept(), vec![ended(StatusType::Failed)]);
    let pipelines = mock_client!(aws_sdk_codepipeline, []);
    let engines = crate::engine::tests::engines(
        codebuild(&[&found]),
        crate::codepipeline::CodePipeline::new(pipelines, REGION),
    );
    let record = started(Service::CodeBuild, BUILD);
    assert!(matches!(
        engines.look(&record, at(90)).await,
        Ok(Seen::Now { .. })
    ));
    let record = stored(Service::CodeBuild);
    assert_eq!(engines.look(&record, at(90)).await, Ok(Seen::Forgotten));
    assert_eq!(engines.stop(&record).await, Ok(Stopped::WasOver));
}
