//! The build request: what a forge sends when a build is wanted (contract, section 1.3).

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{BuildId, CommitId, Micros, report::Invalid};

/// The `type` of a build request.
pub(crate) const TYPE: &str = "build.requested";
/// The `type` of a test.
const PING: &str = "ping";
/// More than any real request; whoever reads one stops here. Bytes.
const MAX_BYTES: usize = 256 * 1024;

/// A build that somebody wants: one job, on one commit, for a pull request or a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "wire::Data", into = "wire::Data")]
pub struct BuildRequest {
    /// The build's name, the same in every retry of the delivery.
    pub build_id: BuildId,
    /// What to run, as the project owner typed it.
    pub job: Job,
    /// The project whose CI asks.
    pub project: Project,
    /// What to build.
    pub source: Source,
    /// Who made the forge ask; absent if nobody was seen acting.
    pub requested_by: Option<RequestedBy>,
    /// The pull request, or `None` for a pushed commit.
    pub pull_request: Option<PullRequest>,
    /// Where the reports go. Text from outside: a receiver reports to its own configured origin.
    pub report_url: Url,
}

/// What made the forge ask for a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A pull request was opened, updated, or asked to be built again.
    PullRequest,
    /// A branch or tag was pushed.
    Commit,
}

/// A job's name, `<engine>/<name>`, or a bare name for the receiver's default engine
/// (contract, section 4). 1-255 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Job(String);

/// The text names no job.
#[derive(Debug, thiserror::Error)]
#[error("not a job: fill in \"Name of the job\" with 1 to 255 characters, such as codebuild/hello")]
pub struct InvalidJob;

impl Job {
    /// The job as the project owner typed it, without white space around it.
    pub fn new(text: &str) -> Result<Self, InvalidJob> {
        let text = text.trim();
        let fits = (1..=255).contains(&text.chars().count());
        if fits && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidJob)
        }
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The engine and the name within it; the engine is `None` for a bare name.
    #[must_use]
    pub fn parts(&self) -> (Option<&str>, &str) {
        match self.0.split_once('/') {
            Some((engine, name)) => (Some(engine), name),
            None => (None, &self.0),
        }
    }
}

impl TryFrom<String> for Job {
    type Error = InvalidJob;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<Job> for String {
    fn from(job: Job) -> Self {
        job.0
    }
}

/// A project as the forge names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Project {
    /// Its own name.
    pub name: String,
    /// Its namespace; null for a project without one.
    pub namespace: Option<String>,
    /// `namespace/name`, or `forks/user/namespace/name`.
    pub fullname: String,
    /// Whose fork it is; absent for a project that is no fork.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Its web page.
    pub url: Url,
}

/// What to build: one commit of one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where git finds it. Text from outside: it passes an egress guard before anything connects.
    pub clone_url: Url,
    /// The branch or tag.
    pub refname: Refname,
    /// The head when the build was asked for; `None` if the forge does not have it.
    pub commit: Option<CommitId>,
}

/// A branch or a tag, by its short name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refname {
    /// `refs/heads/…`
    Branch(String),
    /// `refs/tags/…`
    Tag(String),
}

/// Who made the forge ask, captured where the person acted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RequestedBy {
    /// The user's name on the forge.
    pub user: String,
    /// Whether the forge lets this user push to the target branch of the target project.
    #[serde(default)]
    pub can_push: bool,
    /// What the user did.
    pub reason: Reason,
    /// When, in microseconds.
    #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
    pub at: Micros,
}

/// What a person did to have a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Opened the pull request.
    Opened,
    /// Pushed to the pull request's branch.
    Updated,
    /// Asked for a rebuild, by comment or by button.
    Rebuild,
    /// Pushed a commit.
    Pushed,
}

/// The pull request to build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PullRequest {
    /// Its number in the target project.
    pub id: u32,
    /// Its title, as its author wrote it.
    pub title: String,
    /// Its web page.
    pub url: Url,
    /// Who opened it.
    pub author: String,
    /// Whether the author may push to the target branch.
    #[serde(default)]
    pub author_can_push: bool,
    /// The branch that it wants to change.
    pub target_branch: String,
    /// Whether its source is another repository than the target's.
    pub from_fork: bool,
}

impl BuildRequest {
    /// Pull request or commit.
    #[must_use]
    pub fn event(&self) -> Event {
        if self.pull_request.is_some() {
            Event::PullRequest
        } else {
            Event::Commit
        }
    }

    /// The body to send: one line of JSON, stamped with the time at which the build was asked for.
    #[must_use]
    pub fn to_body(&self) -> String {
        let envelope = Envelope {
            r#type: TYPE.to_owned(),
            timestamp: self.build_id.time(),
            data: self,
        };
        serde_json::to_string(&envelope).expect("a request holds strings and numbers only")
    }

    /// Reads a body, ignoring members that this version does not know.
    pub fn from_body(body: &[u8]) -> Result<Self, Invalid> {
        if body.len() > MAX_BYTES {
            return Err(Invalid::too_large(MAX_BYTES));
        }
        let envelope: Envelope<Self> = crate::report::read(body)?;
        if envelope.r#type == TYPE {
            Ok(envelope.data)
        } else {
            Err(Invalid::malformed("type", format!("must be \"{TYPE}\"")))
        }
    }
}

/// The body of a test: a project owner wants to know whether the CI service answers. A receiver
/// verifies it like a request, answers 2xx and starts nothing (contract, section 1.5).
#[must_use]
pub fn ping_body(now: Micros, project: &str, job: &str) -> String {
    let data = serde_json::json!({ "project": { "fullname": project }, "job": job });
    let envelope = Envelope {
        r#type: PING.to_owned(),
        timestamp: now,
        data,
    };
    serde_json::to_string(&envelope).expect("a test holds strings only")
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    r#type: String,
    timestamp: Micros,
    data: T,
}

/// The shape on the wire, where `event`, `branch` and `tag` stand as members of their own.
pub(crate) mod wire {
    use super::{
        BuildId, BuildRequest, CommitId, Deserialize, Event, Job, Project, PullRequest, Refname,
        RequestedBy, Serialize, Url,
    };

    /// What a build is wanted of.
    #[derive(Serialize, Deserialize)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    #[cfg_attr(feature = "schema", schemars(title = "data"))]
    pub(crate) struct Data {
        /// A UUID of version 7; the same in every retry, a new one in a rebuild.
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::UuidV7"))]
        build_id: BuildId,
        /// What the project owner typed into "Name of the job".
        #[cfg_attr(
            feature = "schema",
            schemars(with = "String", length(min = 1, max = 255))
        )]
        job: Job,
        /// What made the forge ask.
        event: Event,
        /// The project whose CI asks.
        project: Project,
        /// What to build.
        source: Source,
        /// Who made the forge ask.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        requested_by: Option<RequestedBy>,
        /// The pull request; absent for a pushed commit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pull_request: Option<PullRequest>,
        /// Where the reports go.
        report_url: Url,
    }

    /// One commit of one repository.
    #[derive(Serialize, Deserialize)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    struct Source {
        /// Where git finds it.
        clone_url: Url,
        /// The branch; absent for a tag.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        /// The tag; absent for a branch.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tag: Option<String>,
        /// The head when the build was asked for; absent if the forge does not have it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::Commit>"))]
        commit: Option<CommitId>,
    }

    impl TryFrom<Data> for BuildRequest {
        type Error = &'static str;

        fn try_from(data: Data) -> Result<Self, Self::Error> {
            match (data.event, &data.pull_request) {
                (Event::PullRequest, None) => {
                    return Err("pull_request is missing, although event says pull_request");
                }
                (Event::Commit, Some(_)) => {
                    return Err("pull_request is there, although event says commit");
                }
                _ => {}
            }
            let refname = match (data.source.branch, data.source.tag) {
                (Some(branch), None) => Refname::Branch(branch),
                (None, Some(tag)) => Refname::Tag(tag),
                _ => return Err("source needs either branch or tag"),
            };
            Ok(Self {
                build_id: data.build_id,
                job: data.job,
                project: data.project,
                source: super::Source {
                    clone_url: data.source.clone_url,
                    refname,
                    commit: data.source.commit,
                },
                requested_by: data.requested_by,
                pull_request: data.pull_request,
                report_url: data.report_url,
            })
        }
    }

    impl From<BuildRequest> for Data {
        fn from(request: BuildRequest) -> Self {
            let event = request.event();
            let (branch, tag) = match request.source.refname {
                Refname::Branch(branch) => (Some(branch), None),
                Refname::Tag(tag) => (None, Some(tag)),
            };
            Self {
                build_id: request.build_id,
                job: request.job,
                event,
                project: request.project,
                source: Source {
                    clone_url: request.source.clone_url,
                    branch,
                    tag,
                    commit: request.source.commit,
                },
                requested_by: request.requested_by,
                pull_request: request.pull_request,
                report_url: request.report_url,
            }
        }
    }
}
