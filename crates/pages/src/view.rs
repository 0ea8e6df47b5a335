//! What a page shows of a build. Text from outside is [`Outside`], links are [`Link`]s: both are
//! harmless by their type.

use chela_contract::{BuildId, CommitId, Micros, Refname, Status};
use url::Url;

use crate::{Outside, PageKey};

/// Everything about one build.
#[derive(Clone, Debug)]
pub struct BuildView {
    /// Its id in the contract.
    pub id: BuildId,
    /// The project's full name, and its page on the forge.
    pub project: Reference,
    /// What was to be run.
    pub job: Outside,
    /// The pull request, if it is for one.
    pub pull_request: Option<PullRequestView>,
    /// The branch or tag.
    pub refname: Refname,
    /// The commit, once it is known, and its page on the forge.
    pub commit: Option<(CommitId, Option<Link>)>,
    /// Who asked for the build.
    pub requested_by: Option<Outside>,
    /// What became of it.
    pub state: BuildState,
    /// The sentence that the flag shows too.
    pub description: Outside,
    /// When it was asked for.
    pub created: Micros,
    /// When it began to run.
    pub started: Option<Micros>,
    /// When it ended.
    pub ended: Option<Micros>,
    /// Its phases, in order.
    pub phases: Vec<Phase>,
    /// What somebody ought to know, such as "Pagure refused the report: …".
    pub notes: Vec<Outside>,
    /// How much log there is; `None` before there can be any.
    pub log: Option<LogSize>,
    /// What it left behind, in the order in which [`crate::Shelf::artifact`] counts.
    pub artifacts: Vec<Artifact>,
    /// The list on which it stands, if those who see the build may see the list.
    pub list: Option<PageKey>,
}

/// One page of a list of builds.
#[derive(Clone, Debug)]
pub struct ListView {
    /// The project that they are of, or `None` for every project's.
    pub project: Option<Reference>,
    /// The builds, the newest first.
    pub builds: Vec<Row>,
    /// The last of them, if there are older ones.
    pub older: Option<BuildId>,
}

/// One build on a list.
#[derive(Clone, Debug)]
pub struct Row {
    /// The build's own page.
    pub key: PageKey,
    /// The project's full name.
    pub project: Outside,
    /// What was to be run.
    pub job: Outside,
    /// The pull request, if it is for one.
    pub pull_request: Option<PullRequestView>,
    /// The branch or tag.
    pub refname: Refname,
    /// The commit, once it is known.
    pub commit: Option<CommitId>,
    /// Who asked for the build.
    pub requested_by: Option<Outside>,
    /// What became of it.
    pub state: BuildState,
    /// When it was asked for.
    pub created: Micros,
    /// When it began to run.
    pub started: Option<Micros>,
    /// When it ended.
    pub ended: Option<Micros>,
}

/// A name, and where it leads.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The name.
    pub text: Outside,
    /// Its page.
    pub link: Option<Link>,
}

/// A pull request.
#[derive(Clone, Debug)]
pub struct PullRequestView {
    /// Its number in the project.
    pub id: u64,
    /// Its title.
    pub title: Outside,
    /// Its page on the forge.
    pub link: Option<Link>,
}

/// What became of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildState {
    /// Waits for a committer.
    Held,
    /// Waits for its turn.
    Waiting,
    /// Runs.
    Running,
    /// Ended well.
    Success,
    /// Ended badly, by its own doing.
    Failure,
    /// Could not be built.
    Error,
    /// Was stopped.
    Canceled,
}

impl BuildState {
    /// Whether nothing will change any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Held | Self::Waiting | Self::Running)
    }
}

impl From<Status> for BuildState {
    /// What is pending is taken for running: a status does not say more.
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Running,
            Status::Success => Self::Success,
            Status::Failure => Self::Failure,
            Status::Error => Self::Error,
            Status::Canceled => Self::Canceled,
        }
    }
}

/// One phase of a build.
#[derive(Clone, Debug)]
pub struct Phase {
    /// Its name, such as `pre_build`.
    pub name: Outside,
    /// What became of it.
    pub state: PhaseState,
    /// When it began.
    pub started: Option<Micros>,
    /// When it ended.
    pub ended: Option<Micros>,
}

/// What became of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhaseState {
    /// Its turn has not come.
    Waiting,
    /// Runs.
    Running,
    /// Ended well.
    Success,
    /// Ended badly.
    Failure,
    /// Was stopped.
    Canceled,
    /// Was left out.
    Skipped,
}

/// How much log there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSize {
    /// Bytes on disk.
    pub bytes: u64,
    /// Whether the build wrote more than is kept.
    pub truncated: bool,
}

/// A file that a build left behind.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// Its name below the folder of the build's artifacts.
    pub name: Outside,
    /// Its size.
    pub bytes: u64,
}

/// A link that leads to a web page and nowhere else: `http` or `https`, with a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link(Url);

impl Link {
    /// The link, unless it would do something else in a browser than show a page.
    #[must_use]
    pub fn new(url: Url) -> Option<Self> {
        let web = matches!(url.scheme(), "http" | "https") && url.has_host();
        let bare = url.username().is_empty() && url.password().is_none();
        (web && bare).then_some(Self(url))
    }

    /// The link of a text from outside.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Url::parse(text).ok().and_then(Self::new)
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("javascript:alert(1)")]
    #[case("JaVaScRiPt://host/%0aalert(1)")]
    #[case("java\nscript:alert(1)")]
    #[case("data:text/html,x")]
    #[case("/path")]
    #[case("//host/")]
    #[case("ftp://host/")]
    #[case("https://user:pw@host/")]
    fn what_is_no_web_page_is_no_link(#[case] text: &str) {
        assert_eq!(Link::parse(text), None);
    }

    #[rstest]
    #[case("https://pagure.io/a?b=c&d=%27#f")]
    #[case("http://127.0.0.1:8080/")]
    fn a_web_page_is_a_link(#[case] text: &str) {
        assert_eq!(Link::parse(text).unwrap().as_str(), text);
    }

    #[rstest]
    #[case(BuildState::Held, false)]
    #[case(BuildState::Waiting, false)]
    #[case(BuildState::Running, false)]
    #[case(BuildState::Success, true)]
    #[case(BuildState::Failure, true)]
    #[case(BuildState::Error, true)]
    #[case(BuildState::Canceled, true)]
    fn a_build_that_ended_stays_as_it_is(#[case] state: BuildState, #[case] last: bool) {
        assert_eq!(state.is_final(), last);
    }
}
