//! What the ledger keeps, and who writes it: `builds/` and `heads/` are the function `trigger`'s
//! alone, `open/` is shared.

use chela_contract::{BuildId, BuildRequest, CommitId, Micros, Status};
use chela_receiver::Origin;
use serde::{Deserialize, Serialize};
use url::Url;

/// `builds/<id>`: one build. Each member is written once; whoever finds it written follows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What was asked for.
    pub request: BuildRequest,
    /// When the request came.
    pub accepted: Micros,
    /// Whose code it is; `None` until it is let through, and for ever if it is held.
    pub origin: Option<Origin>,
    /// What the job means, with the project for strangers where the build is one of theirs.
    pub target: Target,
    /// What is built: the request's commit, or the one that the branch pointed to.
    pub commit: Option<CommitId>,
    /// Where the source lies. A build is started from this alone.
    pub stored: Option<Stored>,
    /// What CodePipeline told of the pipeline before it was started.
    pub pipeline: Option<Pipeline>,
    /// What the engine made of it.
    pub execution: Option<Execution>,
    /// The last word, where it is not the engine's: it was overtaken, or could not be started.
    pub ended: Option<Ended>,
}

/// What a job means on AWS.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Target {
    /// Which service runs it.
    pub service: Service,
    /// The name of the CodeBuild project, or of the pipeline.
    pub name: String,
}

/// A service that runs builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// AWS CodeBuild.
    CodeBuild,
    /// AWS CodePipeline.
    CodePipeline,
}

impl Service {
    /// As it stands before a job's name, and in the keys of sources.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CodeBuild => "codebuild",
            Self::CodePipeline => "codepipeline",
        }
    }
}

/// A source in the bucket of sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The bucket: the configured one, or that of a pipeline's own source action.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// The object's version.
    pub version: String,
    /// What is not there as the commit has it, one sentence each.
    pub notes: Vec<String>,
}

/// What a pipeline is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pipeline {
    /// The source action that takes the source.
    pub source_action: String,
    /// Whether that action lets an execution name the key (`AllowOverrideForS3ObjectKey`).
    pub key_override: bool,
    /// Where that action looks: its bucket and key.
    pub bucket: String,
    /// The key that is configured there.
    pub key: String,
    /// The variables that the pipeline declares.
    pub variables: Vec<String>,
    /// The names of its stages, in order.
    pub stages: Vec<String>,
}

/// A build of CodeBuild, or an execution of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// `<project>:<uuid>`, or the execution's id.
    pub id: String,
    /// Where people look for its log.
    pub link: Url,
    /// When it was started.
    pub at: Micros,
}

/// How a build ended that no engine ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The status.
    pub status: Status,
    /// One line for people.
    pub description: String,
    /// When.
    pub at: Micros,
}

/// `open/<id>`: there is no delivered end of this build yet. The sweep lists these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// When Pagure acknowledged that the build is held, by Pagure's clock. Written by `report`.
    pub acknowledged: Option<Micros>,
    /// When it was opened again: an end of before closes it no more. Written by `report`.
    pub reopened: Option<Micros>,
    /// What failed last of a pipeline: its own end says only that it failed. Written by `report`.
    pub failed: Option<String>,
}

/// `heads/<project>/<pull request>/<job>`: the greatest build of a pull request and job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The greatest build, whatever became of it.
    pub newest: BuildId,
    /// What it builds.
    pub commit: Option<CommitId>,
    /// The newest one that somebody who can push asked for, as far as that counts: it was let
    /// through, or came after a newer one.
    pub let_through: Option<Let>,
    /// The newest one, if it waits for a committer.
    pub held: Option<BuildId>,
    /// Those that end for a newer one. Who was killed between this and their end finds them here.
    #[serde(default)]
    pub ends: Vec<BuildId>,
}

/// A build that a committer's word is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Let {
    /// The build.
    pub build: BuildId,
    /// What it builds.
    pub commit: Option<CommitId>,
    /// Whose code it is.
    pub origin: Origin,
}

impl Record {
    /// The build's name.
    #[must_use]
    pub fn id(&self) -> BuildId {
        self.request.build_id
    }
}
