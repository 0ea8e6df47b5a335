use std::sync::{Arc, Mutex};

use aws_sdk_codepipeline::config::http::HttpResponse;
use aws_sdk_codepipeline::config::retry::RetryConfig;
use aws_sdk_codepipeline::operation::get_pipeline::{GetPipelineInput, GetPipelineOutput};
use aws_sdk_codepipeline::operation::get_pipeline_execution::{
    GetPipelineExecutionInput, GetPipelineExecutionOutput,
};
use aws_sdk_codepipeline::operation::list_pipeline_executions::{
    ListPipelineExecutionsInput, ListPipelineExecutionsOutput,
};
use aws_sdk_codepipeline::operation::start_pipeline_execution::{
    StartPipelineExecutionInput, StartPipelineExecutionOutput,
};
use aws_sdk_codepipeline::operation::stop_pipeline_execution::{
    StopPipelineExecutionInput, StopPipelineExecutionOutput,
};
use aws_sdk_codepipeline::types::{
    ExecutionTrigger, PipelineDeclaration, PipelineExecution, PipelineVariable, SourceRevision,
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use chela_contract::Refname;
use rstest::rstest;

use super::*;
use crate::Service;
use crate::engine::tests::{
    COMMIT, Comes, REGION, VERSION, at, comes_to, id, moment, refusal, started, stored,
};

mod declarations;

use declarations::{action, declared, declared_with, release};

const EXECUTION: &str = "66666666-7777-8888-9999-000000000000";

type Kept<T> = Arc<Mutex<Vec<T>>>;

/// A service that answers by these rules, and to a request without one not at all.
fn codepipeline(rules: &[&Rule]) -> CodePipeline {
    let once = |config: aws_sdk_codepipeline::config::Builder| {
        config.retry_config(RetryConfig::disabled())
    };
    CodePipeline::new(
        mock_client!(aws_sdk_codepipeline, RuleMode::MatchAny, rules, once),
        REGION,
    )
}

fn kept<T>() -> Kept<T> {
    Arc::default()
}

fn taken<T: Clone>(seen: &Kept<T>) -> Vec<T> {
    seen.lock().unwrap().clone()
}

fn record() -> Record {
    stored(Service::CodePipeline)
}

/// Where the source action's own key is used.
fn fixed() -> Pipeline {
    Pipeline {
        key_override: false,
        key: "sources/one.zip".to_owned(),
        ..release()
    }
}

fn declares(seen: &Kept<GetPipelineInput>, pipeline: PipelineDeclaration) -> Rule {
    let seen = seen.clone();
    mock!(Client::get_pipeline).then_compute_output(move |input| {
        seen.lock().unwrap().push(input.clone());
        GetPipelineOutput::builder()
            .pipeline(pipeline.clone())
            .build()
    })
}

#[tokio::test]
async fn a_pipeline_is_looked_at_before_the_source_is_fetched() {
    let seen = kept();
    let service = codepipeline(&[&declares(&seen, declared())]);
    let prepared = service.prepare(&record()).await.unwrap();
    assert_eq!(prepared, Prepared::CodePipeline(release()));
    assert_eq!(
        taken(&seen),
        [GetPipelineInput::builder().name("hello").build().unwrap()]
    );
}

#[tokio::test]
async fn a_pipeline_that_cannot_take_the_source_is_told_with_the_remedy() {
    let pipeline = declared_with(vec![action("Source", &[])]);
    let service = codepipeline(&[&declares(&kept(), pipeline)]);
    let failure = service.prepare(&record()).await.unwrap_err();
    comes_to(&failure, Comes::Never, &["hello", "PollForSourceChanges"]);
}

#[tokio::test]
async fn a_value_that_a_pipeline_may_not_have_is_told_before_the_source_is_fetched() {
    let mut record = record();
    record.request.source.refname = Refname::Branch("fix;rm".to_owned());
    let service = codepipeline(&[&declares(&kept(), declared())]);
    let failure = service.prepare(&record).await.unwrap_err();
    comes_to(&failure, Comes::Never, &["CHELA_BRANCH", "hello"]);
}

fn starts(seen: &Kept<StartPipelineExecutionInput>) -> Rule {
    let seen = seen.clone();
    mock!(Client::start_pipeline_execution).then_compute_output(move |input| {
        seen.lock().unwrap().push(input.clone());
        let answer = StartPipelineExecutionOutput::builder();
        answer.pipeline_execution_id(EXECUTION).build()
    })
}

fn revision(kind: SourceRevisionType, value: &str) -> SourceRevisionOverride {
    SourceRevisionOverride::builder()
        .action_name("Source")
        .revision_type(kind)
        .revision_value(value)
        .build()
        .unwrap()
}

fn variable(name: &str, value: &str) -> PipelineVariable {
    PipelineVariable::builder()
        .name(name)
        .value(value)
        .build()
        .unwrap()
}

#[tokio::test]
async fn an_execution_is_started_with_key_version_and_the_declared_variables_alone() {
    let seen = kept();
    let before = now();
    let service = codepipeline(&[&starts(&seen)]);
    let execution = service.start(&record(), &release()).await.unwrap();
    let asked = StartPipelineExecutionInput::builder()
        .name("hello")
        .client_request_token(id().to_string())
        .source_revisions(revision(SourceRevisionType::S3ObjectKey, "sources/one.zip"))
        .source_revisions(revision(SourceRevisionType::S3ObjectVersionId, VERSION))
        .variables(variable("CHELA_BRANCH", "fix"))
        .variables(variable("CHELA_COMMIT", COMMIT));
    assert_eq!(taken(&seen), [asked.build().unwrap()]);
    assert_eq!(execution.id, EXECUTION);
    assert!((before..=now()).contains(&execution.at));
    let link = links::execution_page(REGION, None, &record().target, EXECUTION);
    assert_eq!(execution.link, link);
}

#[tokio::test]
async fn a_configured_key_is_started_by_its_version_and_nothing_declared_is_nothing_sent() {
    let seen = kept();
    let service = codepipeline(&[&starts(&seen)]);
    let pipeline = Pipeline {
        variables: vec!["STAGE".to_owned()],
        ..fixed()
    };
    service.start(&record(), &pipeline).await.unwrap();
    let asked = StartPipelineExecutionInput::builder()
        .name("hello")
        .client_request_token(id().to_string())
        .source_revisions(revision(SourceRevisionType::S3ObjectVersionId, VERSION));
    assert_eq!(taken(&seen), [asked.build().unwrap()]);
}

#[rstest]
#[case::not_stored(Record { stored: None, ..record() }, release())]
#[case::in_another_bucket(record(), Pipeline { bucket: "other".to_owned(), ..release() })]
#[case::under_another_key(record(), Pipeline { key: "other.zip".to_owned(), ..fixed() })]
#[tokio::test]
async fn a_source_that_lies_elsewhere_starts_nothing(
    #[case] record: Record,
    #[case] pipeline: Pipeline,
) {
    let failure = codepipeline(&[])
        .start(&record, &pipeline)
        .await
        .unwrap_err();
    comes_to(&failure, Comes::Never, &["hello", "ask for a rebuild"]);
}

#[tokio::test]
async fn an_answer_without_a_name_is_looked_for_later() {
    let rule = mock!(Client::start_pipeline_execution)
        .then_output(|| StartPipelineExecutionOutput::builder().build());
    let failure = codepipeline(&[&rule])
        .start(&record(), &release())
        .await
        .unwrap_err();
    comes_to(
        &failure,
        Comes::Passing,
        &["codepipeline:StartPipelineExecution on hello"],
    );
}

#[rstest]
#[case::no_room(
    "ConcurrentPipelineExecutionsLimitExceededException",
    Comes::Capacity,
    "as AWS says"
)]
#[case::busy("ConflictException", Comes::Passing, "as AWS says")]
#[case::throttled("ThrottlingException", Comes::Passing, "as AWS says")]
#[case::out_of_order("InternalFailure", Comes::Passing, "as AWS says")]
#[case::expired("ExpiredTokenException", Comes::Passing, "credentials")]
#[case::denied(
    "AccessDeniedException",
    Comes::Never,
    "codepipeline:StartPipelineExecution on hello: allow it in the policy"
)]
#[case::absent(
    "PipelineNotFoundException",
    Comes::Never,
    "There is no pipeline hello"
)]
#[tokio::test]
async fn what_keeps_a_pipeline_from_starting_is_told_apart(
    #[case] code: &'static str,
    #[case] comes: Comes,
    #[case] says: &str,
) {
    let rule = mock!(Client::start_pipeline_execution)
        .then_http_response(move || refusal(400, code, "as AWS says"));
    let service = codepipeline(&[&rule]);
    let failure = service.start(&record(), &release()).await.unwrap_err();
    comes_to(&failure, comes, &[says]);
}

fn mismatch() -> Rule {
    mock!(Client::start_pipeline_execution).then_http_response(|| {
        refusal(
            400,
            "ValidationException",
            "the token was used with other parameters",
        )
    })
}

#[tokio::test]
async fn a_token_that_is_known_with_other_parameters_leads_to_the_execution_it_started() {
    let ours = summary(EXECUTION, 4).source_revisions(built("Source", VERSION));
    let all = pages(&kept(), vec![vec![ours.build()]]);
    let service = codepipeline(&[&mismatch(), &all]);
    let execution = service.start(&record(), &release()).await.unwrap();
    assert_eq!((execution.id.as_str(), execution.at), (EXECUTION, at(4)));
}

#[tokio::test]
async fn a_refused_request_without_an_execution_is_told_as_aws_says_it() {
    let service = codepipeline(&[&mismatch(), &pages(&kept(), vec![vec![]])]);
    let failure = service.start(&record(), &release()).await.unwrap_err();
    let says = [
        "codepipeline:StartPipelineExecution on hello",
        "other parameters",
        "rebuild",
    ];
    comes_to(&failure, Comes::Never, &says);
}

#[rstest]
#[case::absent(
    "PipelineNotFoundException",
    Comes::Never,
    "There is no pipeline hello"
)]
#[case::denied(
    "AccessDeniedException",
    Comes::Never,
    "codepipeline:GetPipeline on hello"
)]
#[case::throttled(
    "ThrottlingException",
    Comes::Passing,
    "codepipeline:GetPipeline on hello"
)]
#[case::expired(
    "ExpiredTokenException",
    Comes::Passing,
    "codepipeline:GetPipeline on hello"
)]
#[tokio::test]
async fn what_keeps_a_pipeline_from_being_looked_at_is_told_apart(
    #[case] code: &'static str,
    #[case] comes: Comes,
    #[case] says: &str,
) {
    let rule = mock!(Client::get_pipeline).then_http_response(move || refusal(400, code, "no"));
    let failure = codepipeline(&[&rule]).prepare(&record()).await.unwrap_err();
    comes_to(&failure, comes, &[says]);
}

fn summary(
    id: &str,
    second: i64,
) -> aws_sdk_codepipeline::types::builders::PipelineExecutionSummaryBuilder {
    PipelineExecutionSummary::builder()
        .pipeline_execution_id(id)
        .status(PipelineExecutionStatus::InProgress)
        .start_time(moment(second))
}

fn built(action: &str, version: &str) -> SourceRevision {
    let revision = SourceRevision::builder().action_name(action);
    revision.revision_id(version).build().unwrap()
}

/// Pages of a listing: the token of a page is its number.
fn pages(
    seen: &Kept<ListPipelineExecutionsInput>,
    pages: Vec<Vec<PipelineExecutionSummary>>,
) -> Rule {
    let seen = seen.clone();
    mock!(Client::list_pipeline_executions).then_compute_output(move |input| {
        seen.lock().unwrap().push(input.clone());
        let page = input.next_token().map_or(0, |page| page.parse().unwrap());
        let next = (page + 1 < pages.len()).then(|| (page + 1).to_string());
        ListPipelineExecutionsOutput::builder()
            .set_pipeline_execution_summaries(Some(pages[page].clone()))
            .set_next_token(next)
            .build()
    })
}

#[tokio::test]
async fn what_was_started_is_found_by_its_version_over_all_pages_since_it_was_accepted() {
    let seen = kept();
    let other = summary("other", 9).source_revisions(built("Source", "another version"));
    let ours = summary(EXECUTION, 4).source_revisions(built("Source", VERSION));
    let old = summary("old", -61).source_revisions(built("Source", "an old version"));
    let all = vec![vec![other.build()], vec![old.build(), ours.build()], vec![]];
    let service = codepipeline(&[&pages(&seen, all)]);
    let execution = service.find(&record(), &release()).await.unwrap().unwrap();
    assert_eq!((execution.id.as_str(), execution.at), (EXECUTION, at(4)));
    let asked = ListPipelineExecutionsInput::builder()
        .pipeline_name("hello")
        .max_results(100);
    let next = asked.clone().next_token("1");
    assert_eq!(
        taken(&seen),
        [asked.build().unwrap(), next.build().unwrap()]
    );
}

#[rstest]
#[case::of_another_version(summary("a", 5).source_revisions(built("Source", "another")))]
#[case::of_another_action(
    summary("a", 5).status(PipelineExecutionStatus::Failed).source_revisions(built("Other", VERSION))
)]
#[case::that_ended_before_its_source(summary("a", 5).status(PipelineExecutionStatus::Stopped))]
#[case::that_a_change_started(
    summary("a", 5).trigger(
        ExecutionTrigger::builder().trigger_type(TriggerType::CloudWatchEvent).build()
    )
)]
#[case::from_before_the_request(summary("a", -61).source_revisions(built("Source", VERSION)))]
#[tokio::test]
async fn an_execution_that_is_not_ours_is_not_taken_for_it(
    #[case] one: aws_sdk_codepipeline::types::builders::PipelineExecutionSummaryBuilder,
) {
    let service = codepipeline(&[&pages(&kept(), vec![vec![one.build()]])]);
    assert_eq!(service.find(&record(), &release()).await, Ok(None));
}

#[rstest]
#[case(None)]
#[case(Some(TriggerType::StartPipelineExecution))]
#[tokio::test]
async fn an_execution_that_does_not_say_yet_what_it_builds_is_waited_for(
    #[case] by: Option<TriggerType>,
) {
    let trigger = by.map(|by| ExecutionTrigger::builder().trigger_type(by).build());
    let one = summary("undecided", 5).set_trigger(trigger).build();
    let service = codepipeline(&[&pages(&kept(), vec![vec![one]])]);
    let failure = service.find(&record(), &release()).await.unwrap_err();
    let says = ["codepipeline:ListPipelineExecutions on hello", "undecided"];
    comes_to(&failure, Comes::Passing, &says);
}

#[tokio::test]
async fn what_is_older_than_the_request_is_not_paged_through() {
    let seen = kept();
    let all = vec![
        vec![summary("old", -61).build()],
        vec![summary("older", -62).build()],
    ];
    let service = codepipeline(&[&pages(&seen, all)]);
    assert_eq!(service.find(&record(), &release()).await, Ok(None));
    assert_eq!(taken(&seen).len(), 1);
}

#[tokio::test]
async fn a_build_whose_source_is_not_stored_was_not_started() {
    let record = Record {
        stored: None,
        ..record()
    };
    assert_eq!(codepipeline(&[]).find(&record, &release()).await, Ok(None));
}

#[tokio::test]
async fn an_execution_is_stopped_once_its_actions_are_over() {
    let seen: Kept<StopPipelineExecutionInput> = kept();
    let keep = seen.clone();
    let rule = mock!(Client::stop_pipeline_execution).then_compute_output(move |input| {
        keep.lock().unwrap().push(input.clone());
        StopPipelineExecutionOutput::builder().build()
    });
    let came = codepipeline(&[&rule]).stop("hello", EXECUTION).await;
    assert_eq!(came, Ok(Stopped::Stopping));
    let asked = StopPipelineExecutionInput::builder()
        .pipeline_name("hello")
        .pipeline_execution_id(EXECUTION)
        .abandon(false)
        .reason("Chela: this build of the pull request was overtaken");
    assert_eq!(taken(&seen), [asked.build().unwrap()]);
}

#[rstest]
#[case::over("PipelineExecutionNotStoppableException", Ok(Stopped::WasOver))]
#[case::gone("PipelineNotFoundException", Ok(Stopped::WasOver))]
#[case::asked_before("DuplicatedStopRequestException", Ok(Stopped::Stopping))]
#[case::busy("ConflictException", Err(Comes::Passing))]
#[case::throttled("ThrottlingException", Err(Comes::Passing))]
#[case::denied("AccessDeniedException", Err(Comes::Never))]
#[tokio::test]
async fn an_execution_that_is_over_counts_as_stopped(
    #[case] code: &'static str,
    #[case] expected: Result<Stopped, Comes>,
) {
    let rule =
        mock!(Client::stop_pipeline_execution).then_http_response(move || refusal(400, code, "no"));
    match (
        codepipeline(&[&rule]).stop("hello", EXECUTION).await,
        expected,
    ) {
        (Err(failure), Err(comes)) => {
            comes_to(
                &failure,
                comes,
                &["codepipeline:StopPipelineExecution on hello"],
            );
        }
        (came, expected) => assert_eq!(came.ok(), expected.ok()),
    }
}

#[rstest]
#[case::that_runs_since_its_start(PipelineExecutionStatus::InProgress, at(5))]
#[case(PipelineExecutionStatus::Stopping, at(90))]
#[case(PipelineExecutionStatus::Superseded, at(90))]
#[case(PipelineExecutionStatus::Failed, at(90))]
#[tokio::test]
async fn an_execution_is_seen_as_the_table_says(
    #[case] status: PipelineExecutionStatus,
    #[case] since: Micros,
) {
    let seen: Kept<GetPipelineExecutionInput> = kept();
    let (keep, word) = (seen.clone(), status.clone());
    let rule = mock!(Client::get_pipeline_execution).then_compute_output(move |input| {
        keep.lock().unwrap().push(input.clone());
        let execution = PipelineExecution::builder().status(word.clone()).build();
        GetPipelineExecutionOutput::builder()
            .pipeline_execution(execution)
            .build()
    });
    let pipelines = codepipeline(&[&rule]);
    let builds = mock_client!(aws_sdk_codebuild, []);
    let builds = crate::codebuild::CodeBuild::new(builds, REGION);
    let engines = crate::engine::tests::engines(builds, pipelines);
    let record = started(Service::CodePipeline, EXECUTION);
    let state = table::pipeline_execution(status.as_str());
    let expected = Seen::Now { state, at: since };
    assert_eq!(engines.look(&record, at(90)).await, Ok(expected));
    let asked = GetPipelineExecutionInput::builder()
        .pipeline_name("hello")
        .pipeline_execution_id(EXECUTION);
    assert_eq!(taken(&seen), [asked.build().unwrap()]);
}

#[rstest]
#[case::gone("PipelineExecutionNotFoundException", Ok(Seen::Forgotten))]
#[case::with_its_pipeline("PipelineNotFoundException", Ok(Seen::Forgotten))]
#[case::throttled("ThrottlingException", Err(Comes::Passing))]
#[case::denied("AccessDeniedException", Err(Comes::Never))]
#[tokio::test]
async fn an_execution_that_codepipeline_does_not_know_is_forgotten(
    #[case] code: &'static str,
    #[case] expected: Result<Seen, Comes>,
) {
    let answer = move || -> HttpResponse { refusal(400, code, "no") };
    let rule = mock!(Client::get_pipeline_execution).then_http_response(answer);
    let execution = started(Service::CodePipeline, EXECUTION).execution.unwrap();
    match (
        codepipeline(&[&rule])
            .look("hello", &execution, at(90))
            .await,
        expected,
    ) {
        (Err(failure), Err(comes)) => {
            comes_to(
                &failure,
                comes,
                &["codepipeline:GetPipelineExecution on hello"],
            );
        }
        (came, expected) => assert_eq!(came.ok(), expected.ok()),
    }
}
