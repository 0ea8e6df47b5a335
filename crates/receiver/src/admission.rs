//! Whether a build may begin, has to wait for a committer, or comes too late.

use chela_contract::{BuildId, BuildRequest, CommitId, Micros, Reason};

use crate::build::{Origin, Stage};

/// What becomes of the requests of those who cannot push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strangers {
    /// They wait for a committer.
    Hold,
    /// They are refused.
    Refuse,
}

/// How many builds may wait.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// For a free place, altogether.
    pub queued: usize,
    /// For a committer, of one project.
    pub held: usize,
}

/// What a ledger knows that matters to a new request.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Other builds of the same project, pull request and job, that are not over.
    pub others: Vec<Other>,
    /// The greatest build of the same project, pull request and job, over or not.
    pub newest: Option<(BuildId, Option<CommitId>)>,
    /// When the forge acknowledged the report that this commit is held: of the build of this pull
    /// request and job that is held now. One of before does not count: other commits may have been
    /// shown since, and a committer who looked at one of those has not seen this.
    pub acknowledged: Option<Micros>,
    /// A build of this commit of this project was let through, as whose code.
    pub cleared: Option<Origin>,
    /// How many builds wait for a free place.
    pub queued: usize,
    /// How many builds of this project wait for a committer.
    pub held: usize,
}

/// Another build of the same pull request.
#[derive(Clone, Debug)]
pub struct Other {
    /// Its name.
    pub id: BuildId,
    /// What it builds.
    pub commit: Option<CommitId>,
    /// How far it is.
    pub stage: Stage,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is built when a place is free; these builds end for it.
    Queue {
        /// Whose code it is.
        origin: Origin,
        /// Which builds it overtakes.
        overtakes: Vec<BuildId>,
    },
    /// It waits for a committer; these builds end for it.
    Hold {
        /// Why.
        why: Held,
        /// Which builds it overtakes.
        overtakes: Vec<BuildId>,
    },
    /// A newer build of the same pull request is there already.
    Overtaken {
        /// The newer one.
        by: BuildId,
        /// What it builds.
        commit: Option<CommitId>,
    },
    /// Nobody who can push has asked, and this receiver does not hold.
    Refused,
    /// Too much waits already: later.
    Full,
}

/// Why a build is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Who asked cannot push.
    Stranger,
    /// A committer asked for a rebuild, but of a commit that they may not have seen.
    Unseen,
}

/// Decides.
#[must_use]
pub fn admit(
    request: &BuildRequest,
    known: &Known,
    strangers: Strangers,
    bounds: Bounds,
) -> Admission {
    if let Some((by, commit)) = &known.newest
        && *by > request.build_id
        && request.pull_request.is_some()
    {
        return Admission::Overtaken {
            by: *by,
            commit: commit.clone(),
        };
    }
    match trust(request, known) {
        Ok(_) if known.queued >= bounds.queued => Admission::Full,
        Ok(origin) => Admission::Queue {
            origin,
            overtakes: overtakes(request, known, |_| true),
        },
        Err(_) if strangers == Strangers::Refuse => Admission::Refused,
        // A committer's word is kept in any case: strangers must not be able to keep it out.
        Err(Held::Stranger) if known.held >= bounds.held => Admission::Full,
        // A stranger who asks once more for what runs already stops nobody's build.
        Err(why) => Admission::Hold {
            why,
            overtakes: overtakes(request, known, |other| {
                matches!(other.stage, Stage::Held { .. }) || other.commit != request.source.commit
            }),
        },
    }
}

/// Whose code the request's commit is, or why it is held: contract, section 1.3.
fn trust(request: &BuildRequest, known: &Known) -> Result<Origin, Held> {
    let Some(by) = request.requested_by.as_ref().filter(|by| by.can_push) else {
        return Err(Held::Stranger);
    };
    let from_fork = request
        .pull_request
        .as_ref()
        .is_some_and(|pull| pull.from_fork);
    if request.source.commit.is_none() {
        // Only a repository elsewhere has a head that the forge does not know, and whoever owns it
        // may move the head until it is fetched.
        return match by.reason {
            Reason::Rebuild => Err(Held::Unseen),
            Reason::Opened | Reason::Updated | Reason::Pushed => Ok(Origin::Stranger),
        };
    }
    match by.reason {
        Reason::Opened | Reason::Updated | Reason::Pushed => Ok(Origin::Committer),
        // What was pushed to the project is there already.
        Reason::Rebuild if request.pull_request.is_none() => Ok(Origin::Committer),
        // A branch of the project itself is no exception: who may push to one need not be allowed
        // to push to the target.
        Reason::Rebuild => match (known.cleared, known.acknowledged) {
            (Some(origin), _) => Ok(origin),
            (None, Some(at)) if by.at > at && from_fork => Ok(Origin::Stranger),
            (None, Some(at)) if by.at > at => Ok(Origin::Committer),
            (None, _) => Err(Held::Unseen),
        },
    }
}

/// A pull request has one flag for a job, so that its newest build is the only one that counts.
/// Each pushed commit has a flag of its own.
fn overtakes(
    request: &BuildRequest,
    known: &Known,
    which: impl Fn(&Other) -> bool,
) -> Vec<BuildId> {
    if request.pull_request.is_none() {
        return Vec::new();
    }
    let older = known
        .others
        .iter()
        .filter(|other| other.id < request.build_id);
    older
        .filter(|other| which(other))
        .map(|other| other.id)
        .collect()
}

#[cfg(test)]
mod tests;
