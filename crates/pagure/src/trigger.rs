//! What a trigger of Pagure's CI asks for: from what the database and the repositories told to a
//! build request, with nobody's name on a commit that they did not see.

use chela_contract::{
    BuildId, BuildRequest, CommitId, Job, Micros, Project, PullRequest, Reason, Refname,
    RequestedBy, Source,
};
use serde::Deserialize;
use url::Url;

use crate::ProjectName;

/// What the plugin found out about one trigger.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The build's id, minted where the person acted.
    pub build_id: BuildId,
    /// `APP_URL`: the forge's address.
    pub app_url: String,
    /// Where repositories are cloned from over HTTP.
    pub clone_base: String,
    /// What the project owner typed into "Name of the job".
    pub job: String,
    /// The project whose hook asks.
    pub project: Repository,
    /// The repository with the commit, or the address of a remote one.
    pub source: SourceFacts,
    /// The branch, or the tag if `is_tag`.
    pub refname: String,
    /// Whether `refname` is a tag: Pagure names both alike.
    pub is_tag: bool,
    /// The head now, if Pagure has it.
    pub head: Option<CommitId>,
    /// Who acted, if anybody was seen.
    pub captured: Option<Captured>,
    /// The pull request, for one.
    pub pull_request: Option<PullRequestFacts>,
}

/// A project as the database has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// Whose fork it is.
    pub username: Option<String>,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// Where the commit is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceFacts {
    /// In a project of this forge.
    Project(Repository),
    /// In a repository elsewhere, whose address somebody typed.
    Remote(String),
}

/// Who acted, as captured at that moment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Captured {
    /// The user.
    pub user: String,
    /// Whether the user may push to the target branch.
    pub can_push: bool,
    /// What the user did.
    pub reason: Reason,
    /// When.
    pub at: Micros,
    /// The head that the user saw or made.
    pub commit: Option<CommitId>,
}

/// The pull request as the database has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PullRequestFacts {
    /// Its number.
    pub id: u32,
    /// Its title.
    pub title: String,
    /// Who opened it.
    pub author: String,
    /// Whether the author may push to the target branch.
    pub author_can_push: bool,
    /// The target branch.
    pub target_branch: String,
}

/// Why no request can be made; nothing is sent.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTrigger {
    /// A name or an address that cannot stand in a URL.
    #[error("{0} does not make a URL; an administrator should look at it: {1}")]
    Url(&'static str, String),
    /// Git's own transports and local paths are nothing that a CI service can be sent to.
    #[error("the pull request's repository must have an http or https address, not {0}:")]
    Scheme(String),
    /// The job is empty or too long.
    #[error("{0}")]
    Job(String),
    /// The project's name is not Pagure's.
    #[error(transparent)]
    Name(#[from] crate::InvalidName),
}

/// A build that is wanted.
#[derive(Debug)]
pub struct Wanted {
    /// The request.
    pub request: BuildRequest,
    /// Where the flag of the delivery points to until the CI service names its own page.
    pub page: Url,
}

impl Facts {
    /// The build request.
    pub fn wanted(self) -> Result<Wanted, InvalidTrigger> {
        let base = self.app_url.trim_end_matches('/');
        let name = self.project.name()?;
        let project_url = url(
            "the project's address",
            &format!("{base}/{}", name.web_path()),
        )?;
        let (commit, requested_by) = attribute(self.captured, self.head);
        let from_fork = match &self.source {
            SourceFacts::Project(source) => source.name()? != name,
            SourceFacts::Remote(_) => true,
        };
        let clone_url = clone_url(&self.clone_base, &self.source)?;
        let pull_request = self
            .pull_request
            .map(|pr| pull_request(pr, &project_url, from_fork));
        let pull_request = pull_request.transpose()?;
        let page = match (&pull_request, &commit) {
            (Some(pr), _) => pr.url.clone(),
            (None, Some(commit)) => {
                url("the commit's address", &format!("{project_url}/c/{commit}"))?
            }
            (None, None) => project_url.clone(),
        };
        let report_url = name.report_url(base);
        let request = BuildRequest {
            build_id: self.build_id,
            job: Job::new(&self.job).map_err(|e| InvalidTrigger::Job(e.to_string()))?,
            project: Project {
                name: name.name.clone(),
                namespace: name.namespace.clone(),
                fullname: name.fullname(),
                username: name.username.clone(),
                url: project_url,
            },
            source: Source {
                clone_url,
                refname: if self.is_tag {
                    Refname::Tag
                } else {
                    Refname::Branch
                }(self.refname),
                commit,
            },
            requested_by,
            pull_request,
            report_url: report_url
                .map_err(|_| InvalidTrigger::Url("the report's address", base.to_owned()))?,
        };
        Ok(Wanted { request, page })
    }
}

impl Repository {
    fn name(&self) -> Result<ProjectName, crate::InvalidName> {
        ProjectName::new(
            self.username.as_deref(),
            self.namespace.as_deref(),
            &self.name,
        )
    }
}

/// Which commit is built, and in whose name. A rebuild carries the commit that was the head when it
/// was asked for; any other event the head now. Nobody's name goes on a commit that they did not
/// see: by now somebody else may have pushed.
fn attribute(
    captured: Option<Captured>,
    head: Option<CommitId>,
) -> (Option<CommitId>, Option<RequestedBy>) {
    let Some(captured) = captured else {
        return (head, None);
    };
    let commit = match captured.reason {
        Reason::Rebuild if captured.commit.is_some() => captured.commit.clone(),
        _ => head,
    };
    let seen = captured.commit.is_some() && captured.commit == commit;
    let by = RequestedBy {
        user: captured.user,
        can_push: captured.can_push,
        reason: captured.reason,
        at: captured.at,
    };
    (commit, seen.then_some(by))
}

fn pull_request(
    pr: PullRequestFacts,
    project: &Url,
    from_fork: bool,
) -> Result<PullRequest, InvalidTrigger> {
    Ok(PullRequest {
        url: url(
            "the pull request's address",
            &format!("{project}/pull-request/{}", pr.id),
        )?,
        id: pr.id,
        title: pr.title,
        author: pr.author,
        author_can_push: pr.author_can_push,
        target_branch: pr.target_branch,
        from_fork,
    })
}

fn clone_url(base: &str, source: &SourceFacts) -> Result<Url, InvalidTrigger> {
    match source {
        SourceFacts::Project(source) => {
            let path = source.name()?.fullname();
            url(
                "the clone address",
                &format!("{}/{path}.git", base.trim_end_matches('/')),
            )
        }
        SourceFacts::Remote(text) => {
            let url = url("the pull request's repository", text.trim())?;
            if matches!(url.scheme(), "http" | "https") {
                Ok(url)
            } else {
                Err(InvalidTrigger::Scheme(url.scheme().to_owned()))
            }
        }
    }
}

fn url(what: &'static str, text: &str) -> Result<Url, InvalidTrigger> {
    Url::parse(text).map_err(|error| InvalidTrigger::Url(what, error.to_string()))
}
