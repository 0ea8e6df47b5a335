//! `CodePipeline`: one execution of a pipeline for each build.

use aws_sdk_codepipeline::Client;
use aws_sdk_codepipeline::operation::start_pipeline_execution::builders::StartPipelineExecutionFluentBuilder;
use aws_sdk_codepipeline::types::{
    PipelineExecutionStatus, PipelineExecutionSummary, SourceRevisionOverride, SourceRevisionType,
    TriggerType,
};
use chela_contract::Micros;

use crate::clock::now;
use crate::engine::{
    EngineFailure, Prepared, Seen, Stopped, micros, nameless, not_before, texts, unclear,
};
use crate::{Call, Execution, Failure, Pipeline, Record, Stored, links, table};

mod declared;
mod values;

/// As many as one answer holds.
const PAGE: i32 = 100;

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct CodePipeline {
    client: Client,
    region: String,
}

/// Whose an execution is.
enum Whose {
    Ours,
    Another,
    /// It does not say yet what it builds.
    Unclear,
}

impl CodePipeline {
    pub(crate) fn new(client: Client, region: &str) -> Self {
        Self {
            client,
            region: region.to_owned(),
        }
    }

    pub(crate) async fn prepare(&self, record: &Record) -> Result<Prepared, EngineFailure> {
        let name = &record.target.name;
        let call = Call::new("codepipeline:GetPipeline", name);
        let answer = self.client.get_pipeline().name(name).send().await;
        let answer = answer.map_err(|error| failed(name, Failure::of(call, error)))?;
        let pipeline = answer
            .pipeline()
            .ok_or_else(|| texts::no_pipeline(name))
            .and_then(|declared| declared::read(name, declared))
            .map_err(EngineFailure::Never)?;
        // What cannot be started need not be fetched.
        values::chosen(&pipeline, record).map_err(EngineFailure::Never)?;
        Ok(Prepared::CodePipeline(pipeline))
    }

    pub(crate) async fn start(
        &self,
        record: &Record,
        pipeline: &Pipeline,
    ) -> Result<Execution, EngineFailure> {
        let name = &record.target.name;
        let call = Call::new("codepipeline:StartPipelineExecution", name);
        let request = self
            .request(record, pipeline)
            .map_err(EngineFailure::Never)?;
        let at = now();
        let failure = match request.send().await {
            Ok(answer) => {
                let id = answer.pipeline_execution_id();
                let started = id.map(|id| self.execution(record, id, at));
                return started.ok_or_else(|| nameless(call));
            }
            Err(error) => Failure::of(call, error),
        };
        if failure.code() != Some("ValidationException") {
            return Err(failed(name, failure));
        }
        // Among others: the token is known, and what was sent with it was something else.
        let started = self.find(record, pipeline).await?;
        started.ok_or_else(|| EngineFailure::Never(texts::not_started(&failure)))
    }

    fn request(
        &self,
        record: &Record,
        pipeline: &Pipeline,
    ) -> Result<StartPipelineExecutionFluentBuilder, String> {
        let name = &record.target.name;
        let stored = record.stored.as_ref();
        let stored = stored.filter(|stored| fits(pipeline, stored));
        let stored = stored.ok_or_else(|| texts::source_moved(name))?;
        let chosen = values::chosen(pipeline, record)?;
        Ok(self
            .client
            .start_pipeline_execution()
            .name(name)
            .client_request_token(record.id().to_string())
            .set_source_revisions(Some(revisions(pipeline, stored)))
            // An empty list is refused.
            .set_variables((!chosen.is_empty()).then_some(chosen)))
    }

    pub(crate) async fn find(
        &self,
        record: &Record,
        pipeline: &Pipeline,
    ) -> Result<Option<Execution>, EngineFailure> {
        let Some(stored) = &record.stored else {
            return Ok(None);
        };
        let name = &record.target.name;
        let call = || Call::new("codepipeline:ListPipelineExecutions", name);
        let request = self.client.list_pipeline_executions().pipeline_name(name);
        let mut pages = request.max_results(PAGE).into_paginator().send();
        let since = not_before(record);
        let mut doubtful = None;
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failed(name, Failure::of(call(), error)))?;
            let all = page.pipeline_execution_summaries();
            let mut young = all
                .iter()
                .filter(|one| !began_before(one, since))
                .peekable();
            if young.peek().is_none() {
                break;
            }
            for one in young {
                let Some(id) = one.pipeline_execution_id() else {
                    continue;
                };
                match whose(one, pipeline, stored) {
                    Whose::Ours => {
                        let at = one.start_time().map_or_else(now, micros);
                        return Ok(Some(self.execution(record, id, at)));
                    }
                    Whose::Unclear => doubtful = Some(id.to_owned()),
                    Whose::Another => {}
                }
            }
        }
        doubtful.map_or(Ok(None), |id| Err(unclear(call(), texts::undecided(&id))))
    }

    pub(crate) async fn stop(&self, name: &str, id: &str) -> Result<Stopped, EngineFailure> {
        let call = Call::new("codepipeline:StopPipelineExecution", name);
        let request = self
            .client
            .stop_pipeline_execution()
            .pipeline_name(name)
            .pipeline_execution_id(id)
            // What an action has begun, such as a deployment, it ends in order.
            .abandon(false)
            .reason(texts::STOP_REASON);
        let Err(error) = request.send().await else {
            return Ok(Stopped::Stopping);
        };
        let failure = Failure::of(call, error);
        match failure.code() {
            Some("PipelineExecutionNotStoppableException" | "PipelineNotFoundException") => {
                Ok(Stopped::WasOver)
            }
            Some("DuplicatedStopRequestException") => Ok(Stopped::Stopping),
            _ => Err(failed(name, failure)),
        }
    }

    pub(crate) async fn look(
        &self,
        name: &str,
        of: &Execution,
        now: Micros,
    ) -> Result<Seen, EngineFailure> {
        let call = Call::new("codepipeline:GetPipelineExecution", name);
        let request = self.client.get_pipeline_execution().pipeline_name(name);
        let failure = match request.pipeline_execution_id(&of.id).send().await {
            Ok(answer) => {
                let execution = answer.pipeline_execution();
                let status = execution.and_then(|one| one.status());
                let state = table::pipeline_execution(status.map_or("", |word| word.as_str()));
                // It names no stage: an event that did has said more, and must not be covered.
                let says_nothing = status == Some(&PipelineExecutionStatus::InProgress);
                let at = if says_nothing { of.at } else { now };
                return Ok(Seen::Now { state, at });
            }
            Err(error) => Failure::of(call, error),
        };
        match failure.code() {
            Some("PipelineExecutionNotFoundException" | "PipelineNotFoundException") => {
                Ok(Seen::Forgotten)
            }
            _ => Err(failed(name, failure)),
        }
    }

    fn execution(&self, record: &Record, id: &str, at: Micros) -> Execution {
        Execution {
            id: id.to_owned(),
            link: links::execution_page(&self.region, None, &record.target, id),
            at,
        }
    }
}

/// What a failure means that any call to a pipeline may come to.
fn failed(name: &str, failure: Failure) -> EngineFailure {
    match failure {
        Failure::Final { code, .. } if code == "PipelineNotFoundException" => {
            EngineFailure::Never(texts::no_pipeline(name))
        }
        // "The pipeline is busy handling ongoing activities. Try again later."
        Failure::Final { call, code, why } if code == "ConflictException" => {
            EngineFailure::Passing(Failure::Passing { call, why })
        }
        other => other.into(),
    }
}

/// Whether the pipeline still looks where the source was stored.
fn fits(pipeline: &Pipeline, stored: &Stored) -> bool {
    stored.bucket == pipeline.bucket && (pipeline.key_override || stored.key == pipeline.key)
}

/// A version alone means a version of the configured key.
fn revisions(pipeline: &Pipeline, stored: &Stored) -> Vec<SourceRevisionOverride> {
    let revision = |kind, value: &str| {
        SourceRevisionOverride::builder()
            .action_name(&pipeline.source_action)
            .revision_type(kind)
            .revision_value(value)
            .build()
            .expect("all three are set")
    };
    let key = pipeline
        .key_override
        .then(|| revision(SourceRevisionType::S3ObjectKey, &stored.key));
    let version = revision(SourceRevisionType::S3ObjectVersionId, &stored.version);
    key.into_iter().chain([version]).collect()
}

fn whose(one: &PipelineExecutionSummary, pipeline: &Pipeline, stored: &Stored) -> Whose {
    let mut revisions = one.source_revisions().iter();
    let ours = revisions.find(|revision| revision.action_name() == pipeline.source_action);
    match ours.and_then(|revision| revision.revision_id()) {
        Some(version) if version == stored.version => Whose::Ours,
        // The source action has not run yet.
        None if goes(one) && was_asked_for(one) => Whose::Unclear,
        _ => Whose::Another,
    }
}

fn goes(one: &PipelineExecutionSummary) -> bool {
    one.status() == Some(&PipelineExecutionStatus::InProgress)
}

/// Not by a change of the source, nor by a rollback.
fn was_asked_for(one: &PipelineExecutionSummary) -> bool {
    let by = one.trigger().and_then(|trigger| trigger.trigger_type());
    by.is_none_or(|by| *by == TriggerType::StartPipelineExecution)
}

fn began_before(one: &PipelineExecutionSummary, moment: Micros) -> bool {
    one.start_time().is_some_and(|at| micros(at) < moment)
}

#[cfg(test)]
mod tests;
