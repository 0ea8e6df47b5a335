//! `CodeBuild`: one build of a project for each of ours.

use std::collections::BTreeMap;

use aws_sdk_codebuild::Client;
use aws_sdk_codebuild::operation::start_build::builders::StartBuildFluentBuilder;
use aws_sdk_codebuild::types::{
    Build, EnvironmentVariable, EnvironmentVariableType, Project, ProjectSource,
    ProjectVisibilityType, SortOrderType, SourceType, StatusType,
};
use chela_contract::{BuildId, Micros};
use chela_receiver::variables;
use url::Url;

use crate::clock::now;
use crate::engine::{EngineFailure, Prepared, Seen, Stopped, micros, nameless, not_before, texts};
use crate::{Call, Execution, Failure, Record, Target, links, table};

/// Ours among a build's variables.
const BUILD_ID: &str = "CHELA_BUILD_ID";
/// Who starts the builds of a pipeline's actions: those carry our variables and are not ours.
const BY_PIPELINE: &str = "codepipeline/";

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct CodeBuild {
    client: Client,
    region: String,
}

impl CodeBuild {
    pub(crate) fn new(client: Client, region: &str) -> Self {
        Self {
            client,
            region: region.to_owned(),
        }
    }

    pub(crate) async fn prepare(&self, name: &str) -> Result<Prepared, EngineFailure> {
        let call = Call::new("codebuild:BatchGetProjects", name);
        let answer = self.client.batch_get_projects().names(name).send().await;
        let answer = answer.map_err(|error| Failure::of(call, error))?;
        let mut projects = answer.projects().iter();
        let project = projects.find(|project| project.name() == Some(name));
        let project = project.ok_or_else(|| EngineFailure::Never(texts::no_project(name)))?;
        prepared(name, project).map_err(EngineFailure::Never)
    }

    pub(crate) async fn start(
        &self,
        record: &Record,
        public: Option<&str>,
    ) -> Result<Execution, EngineFailure> {
        let name = &record.target.name;
        let call = Call::new("codebuild:StartBuild", name);
        let at = now();
        let failure = match self.request(record).send().await {
            Ok(answer) => {
                let build = answer.build_value();
                let started = build.and_then(|build| self.execution(record, build, at, public));
                return started.ok_or_else(|| nameless(call));
            }
            Err(error) => Failure::of(call, error),
        };
        match failure.code() {
            Some("ResourceNotFoundException") => Err(EngineFailure::Never(texts::no_project(name))),
            // Among others: the token is known, and what was sent with it was something else.
            Some("InvalidInputException") => match self.find(record, public).await? {
                Some(started) => Ok(started),
                None => Err(EngineFailure::Never(texts::not_started(&failure))),
            },
            _ => Err(failure.into()),
        }
    }

    /// What a build may not decide stays the project's: its role, its image, its buildspec.
    fn request(&self, record: &Record) -> StartBuildFluentBuilder {
        let all = variables(&record.request, record.commit.as_ref());
        let request = self
            .client
            .start_build()
            .project_name(&record.target.name)
            .idempotency_token(record.id().to_string())
            .auto_retry_limit_override(0)
            .set_environment_variables_override(Some(environment(all)));
        let Some(stored) = &record.stored else {
            return request;
        };
        request
            .source_type_override(SourceType::S3)
            .source_location_override(format!("{}/{}", stored.bucket, stored.key))
            .source_version(&stored.version)
    }

    pub(crate) async fn find(
        &self,
        record: &Record,
        public: Option<&str>,
    ) -> Result<Option<Execution>, EngineFailure> {
        let name = &record.target.name;
        let since = not_before(record);
        let mut pages = self
            .client
            .list_builds_for_project()
            .project_name(name)
            .sort_order(SortOrderType::Descending)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let call = Call::new("codebuild:ListBuildsForProject", name);
            let page = page.map_err(|error| Failure::of(call, error))?;
            let builds = self.builds(name, page.ids()).await?;
            if let Some(build) = builds.iter().find(|build| is_of(build, record.id())) {
                let at = build.start_time().map_or_else(now, micros);
                return Ok(self.execution(record, build, at, public));
            }
            if !builds.is_empty() && builds.iter().all(|build| began_before(build, since)) {
                break;
            }
        }
        Ok(None)
    }

    async fn builds(&self, of: &str, ids: &[String]) -> Result<Vec<Build>, Failure> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let call = Call::new("codebuild:BatchGetBuilds", of);
        let request = self.client.batch_get_builds().set_ids(Some(ids.to_vec()));
        let answer = request.send().await;
        let answer = answer.map_err(|error| Failure::of(call, error))?;
        Ok(answer.builds.unwrap_or_default())
    }

    pub(crate) async fn stop(&self, id: &str) -> Result<Stopped, EngineFailure> {
        let call = Call::new("codebuild:StopBuild", id);
        let failure = match self.client.stop_build().id(id).send().await {
            Ok(answer) => return Ok(answer.build_value().map_or(Stopped::Stopping, stopped)),
            Err(error) => Failure::of(call, error),
        };
        match failure.code() {
            Some("ResourceNotFoundException") => Ok(Stopped::WasOver),
            // It is not documented what is said of a build that is over.
            Some("InvalidInputException") if self.is_over(id).await? => Ok(Stopped::WasOver),
            _ => Err(failure.into()),
        }
    }

    async fn is_over(&self, id: &str) -> Result<bool, EngineFailure> {
        let builds = self.builds(id, &[id.to_owned()]).await?;
        Ok(builds.iter().all(Build::build_complete))
    }

    pub(crate) async fn look(&self, id: &str, now: Micros) -> Result<Seen, EngineFailure> {
        let seen = self.look_at(&[id.to_owned()], now).await?;
        Ok(seen.into_iter().next().unwrap_or(Seen::Forgotten))
    }

    /// The same for up to 100 builds, in their order.
    pub(crate) async fn look_at(
        &self,
        ids: &[String],
        now: Micros,
    ) -> Result<Vec<Seen>, EngineFailure> {
        let of = ids.first().map_or("", String::as_str);
        let builds = self.builds(of, ids).await?;
        let look = |id: &String| {
            let build = builds.iter().find(|build| build.id() == Some(id));
            build.map_or(Seen::Forgotten, |build| seen(build, now))
        };
        Ok(ids.iter().map(look).collect())
    }

    fn execution(
        &self,
        record: &Record,
        build: &Build,
        at: Micros,
        public: Option<&str>,
    ) -> Option<Execution> {
        let id = build.id()?;
        let account = build.arn().and_then(account);
        let link = self.link(&record.target, account, id, public);
        Some(Execution {
            id: id.to_owned(),
            link,
            at,
        })
    }

    fn link(&self, target: &Target, account: Option<&str>, id: &str, public: Option<&str>) -> Url {
        public
            .and_then(|alias| links::public_page(&self.region, alias))
            .unwrap_or_else(|| links::execution_page(&self.region, account, target, id))
    }
}

fn prepared(name: &str, project: &Project) -> Result<Prepared, String> {
    let source = project.source().map(ProjectSource::r#type);
    // Its artifacts are the pipeline's too, and which they are is not ours to change.
    if source == Some(&SourceType::Codepipeline) {
        return Err(texts::project_of_pipeline(name));
    }
    let is_public = project.project_visibility() == Some(&ProjectVisibilityType::PublicRead);
    let alias = project.public_project_alias().filter(|_| is_public);
    Ok(Prepared::CodeBuild {
        takes_source: source != Some(&SourceType::NoSource),
        public: alias.map(str::to_owned),
    })
}

/// Any other type than plain text would name a secret that the build's role may read.
fn environment(all: BTreeMap<String, String>) -> Vec<EnvironmentVariable> {
    let plain = |(name, value)| {
        EnvironmentVariable::builder()
            .name(name)
            .value(value)
            .r#type(EnvironmentVariableType::Plaintext)
            .build()
            .expect("name and value are set")
    };
    all.into_iter().map(plain).collect()
}

fn is_of(build: &Build, id: BuildId) -> bool {
    let in_pipeline = |by: &str| by.starts_with(BY_PIPELINE);
    let environment = build.environment();
    let mut variables = environment
        .iter()
        .flat_map(|all| all.environment_variables());
    let id = id.to_string();
    !build.initiator().is_some_and(in_pipeline)
        && variables.any(|variable| variable.name() == BUILD_ID && variable.value() == id)
}

fn began_before(build: &Build, moment: Micros) -> bool {
    build.start_time().is_some_and(|at| micros(at) < moment)
}

/// A build that is being stopped is said to be stopped.
fn stopped(build: &Build) -> Stopped {
    match build.build_status() {
        None | Some(StatusType::InProgress | StatusType::Stopped) => Stopped::Stopping,
        Some(_) => Stopped::WasOver,
    }
}

fn seen(build: &Build, now: Micros) -> Seen {
    let status = build.build_status().map_or("", StatusType::as_str);
    if status == "IN_PROGRESS"
        && let Some((phase, at)) = running(build)
    {
        let state = table::codebuild_phase_running(phase);
        return Seen::Now { state, at };
    }
    let phases = build.phases().iter().map(|phase| {
        let contexts = phase.contexts();
        (
            phase.phase_type().map_or("", |word| word.as_str()),
            phase.phase_status().map_or("", |word| word.as_str()),
            contexts.iter().find_map(|context| context.status_code()),
        )
    });
    Seen::Now {
        state: table::codebuild_status(status, table::first_broken(phases)),
        at: now,
    }
}

/// The phase that runs, and since when.
fn running(build: &Build) -> Option<(&str, Micros)> {
    let phase = build.phases().iter().rfind(|p| p.end_time().is_none())?;
    let since = phase.start_time().or_else(|| build.start_time())?;
    Some((phase.phase_type()?.as_str(), micros(since)))
}

/// `arn:<partition>:codebuild:<region>:<account>:build/…`
fn account(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

#[cfg(test)]
mod tests;
