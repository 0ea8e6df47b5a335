//! The two engines, and what `trigger` and `report` want of them. What differs between the two
//! services lies in `codebuild` and `codepipeline`.

use aws_sdk_codebuild::primitives::DateTime;
use chela_contract::Micros;

use crate::codebuild::CodeBuild;
use crate::codepipeline::CodePipeline;
use crate::{Call, Clients, Execution, Failure, Pipeline, Record, Service, State};

pub(crate) mod texts;

/// How far a service's clock may be behind ours when what we started is looked for. Seconds.
const CLOCKS: i64 = 60;

/// `CodeBuild` and `CodePipeline`.
#[derive(Clone, Debug)]
pub struct Engines {
    codebuild: CodeBuild,
    codepipeline: CodePipeline,
}

/// What must be known before a source can be stored for a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prepared {
    /// A `CodeBuild` project.
    CodeBuild {
        /// Whether it has a source that can be replaced by ours.
        takes_source: bool,
        /// The alias of its public page, if everybody may see its builds.
        public: Option<String>,
    },
    /// A pipeline.
    CodePipeline(Pipeline),
}

/// What came of stopping a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It ends soon.
    Stopping,
    /// It had ended by itself, or nothing is known of it any more.
    WasOver,
}

/// What an engine says of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// How it stands.
    Now {
        /// What a flag shows of it.
        state: State,
        /// When that came about; of an end, when it was looked up. AWS's events bear the second in
        /// which they were made, which may be later than the end that AWS names: a phase's event
        /// would outrank that end. Of a pipeline that runs, when it was started.
        at: Micros,
    },
    /// It is not known any more.
    Forgotten,
}

/// Why an engine did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineFailure {
    /// There is no room for another build, in AWS's words.
    #[error("{0}")]
    Capacity(String),
    /// It may work later.
    #[error(transparent)]
    Passing(Failure),
    /// It will not, until somebody does what the sentence says.
    #[error("{0}")]
    Never(String),
}

impl Engines {
    /// The engines of the region that `clients` call.
    #[must_use]
    pub fn new(clients: &Clients) -> Self {
        let region = clients.region();
        Self {
            codebuild: CodeBuild::new(clients.codebuild.clone(), region),
            codepipeline: CodePipeline::new(clients.codepipeline.clone(), region),
        }
    }

    /// Looks at the project or pipeline that is to build `record`.
    pub async fn prepare(&self, record: &Record) -> Result<Prepared, EngineFailure> {
        match record.target.service {
            Service::CodeBuild => self.codebuild.prepare(&record.target.name).await,
            Service::CodePipeline => self.codepipeline.prepare(record).await,
        }
    }

    /// Starts a build from what `record` says is stored. The same record may be started twice
    /// within minutes: the services remember the build's id for so long.
    pub async fn start(
        &self,
        record: &Record,
        prepared: &Prepared,
    ) -> Result<Execution, EngineFailure> {
        match prepared {
            Prepared::CodeBuild { public, .. } => {
                self.codebuild.start(record, public.as_deref()).await
            }
            Prepared::CodePipeline(pipeline) => self.codepipeline.start(record, pipeline).await,
        }
    }

    /// Looks for what an earlier invocation may have started.
    pub async fn find(
        &self,
        record: &Record,
        prepared: &Prepared,
    ) -> Result<Option<Execution>, EngineFailure> {
        match prepared {
            Prepared::CodeBuild { public, .. } => {
                self.codebuild.find(record, public.as_deref()).await
            }
            Prepared::CodePipeline(pipeline) => self.codepipeline.find(record, pipeline).await,
        }
    }

    /// Stops the execution of `record`.
    pub async fn stop(&self, record: &Record) -> Result<Stopped, EngineFailure> {
        let Some(execution) = &record.execution else {
            return Ok(Stopped::WasOver);
        };
        let (name, id) = (&record.target.name, &execution.id);
        match record.target.service {
            Service::CodeBuild => self.codebuild.stop(id).await,
            Service::CodePipeline => self.codepipeline.stop(name, id).await,
        }
    }

    /// Looks how the execution of `record` stands; `now` is the time before that.
    pub async fn look(&self, record: &Record, now: Micros) -> Result<Seen, EngineFailure> {
        let Some(execution) = &record.execution else {
            return Ok(Seen::Forgotten);
        };
        let name = &record.target.name;
        match record.target.service {
            Service::CodeBuild => self.codebuild.look(&execution.id, now).await,
            Service::CodePipeline => self.codepipeline.look(name, execution, now).await,
        }
    }

    /// [`Engines::look`] for up to 100 builds of `CodeBuild` at once, in their order.
    pub(crate) async fn look_at_builds(
        &self,
        records: &[&Record],
        now: Micros,
    ) -> Result<Vec<Seen>, EngineFailure> {
        let id = |record: &&Record| Some(record.execution.as_ref()?.id.clone());
        let ids: Vec<String> = records.iter().filter_map(id).collect();
        self.codebuild.look_at(&ids, now).await
    }
}

impl From<Failure> for EngineFailure {
    fn from(failure: Failure) -> Self {
        if failure.may_pass() {
            return Self::Passing(failure);
        }
        match failure {
            Failure::Final { code, why, .. } if is_capacity(&code) => Self::Capacity(why),
            other => Self::Never(other.to_string()),
        }
    }
}

fn is_capacity(code: &str) -> bool {
    matches!(
        code,
        "AccountLimitExceededException" | "ConcurrentPipelineExecutionsLimitExceededException"
    )
}

/// The oldest moment at which what belongs to `record` may have been started.
pub(crate) fn not_before(record: &Record) -> Micros {
    record.accepted.plus_seconds(-CLOCKS)
}

/// A moment of AWS's.
pub(crate) fn micros(at: &DateTime) -> Micros {
    let fraction = i64::from(at.subsec_nanos() / 1000);
    Micros::new(at.secs().saturating_mul(1_000_000).saturating_add(fraction))
}

/// A failure that waits for AWS to say more.
pub(crate) fn unclear(call: Call, why: String) -> EngineFailure {
    EngineFailure::Passing(Failure::Passing { call, why })
}

/// An answer that lacks the name of what was started; it is looked for next time.
pub(crate) fn nameless(call: Call) -> EngineFailure {
    unclear(call, texts::NAMELESS.to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
