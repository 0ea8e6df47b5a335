//! The record of one build, and how it goes on when something happens.

use chela_contract::{BuildId, BuildRequest, CommitId, Context, Micros, Report, Shown, Status};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::texts;

/// How often a build that the receiver's own end interrupts is run, at most.
const MAX_RUNS: u32 = 3;

/// One build, from its request to its end. What a ledger keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// What was asked for.
    pub request: BuildRequest,
    /// Where people look for its log.
    pub page: Url,
    /// When it was accepted.
    pub accepted: Micros,
    /// Whose code it is.
    pub origin: Origin,
    /// How far it is.
    pub stage: Stage,
    /// What is built: the request's commit, or the one that was found where it named none.
    pub commit: Option<CommitId>,
    /// What was said of it last.
    pub said: Said,
    /// How often it was begun.
    pub runs: u32,
    /// How often its source could not be had in this run.
    pub misses: u32,
}

/// Whose code a build runs; it decides how it is confined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Somebody's who can push to the target branch.
    Committer,
    /// Anybody's. A committer may have asked for it to be built; that makes it no committer's code.
    Stranger,
}

/// How far a build is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Waits for a committer.
    Held {
        /// When the forge acknowledged the report that says so, by the forge's clock.
        acknowledged: Option<Micros>,
    },
    /// Waits for a free place.
    Queued {
        /// Not before this moment.
        not_before: Micros,
    },
    /// Its source is fetched, or its commands run.
    Running,
    /// Over, with this status.
    Ended(Status),
}

/// What was said last: the next report must be later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// When it came about.
    pub at: Micros,
    /// The status.
    pub status: Status,
    /// One line for people.
    pub description: String,
    /// How far the build is, 0-100.
    pub percent: Option<u8>,
}

/// What may happen to a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A place became free, and the build was taken.
    Taken,
    /// The source is there: this commit.
    Fetched(CommitId),
    /// The source cannot be had now, for this reason; it is tried again at this moment.
    Postponed {
        /// Why.
        why: String,
        /// When again.
        until: Micros,
    },
    /// A phase has begun.
    Phase {
        /// Its name, as the buildspec has it.
        name: String,
        /// 0-100.
        percent: u8,
    },
    /// The phase that began last has ended.
    PhaseEnded(PhaseResult),
    /// The engine is done.
    Ended(End),
    /// A newer build took its place.
    Overtaken(Overtaken),
    /// The receiver stopped while the build was taken.
    Interrupted {
        /// Whether the job may be run again by itself.
        again: bool,
    },
    /// The forge has taken the report that says the build is held, at this moment of its clock.
    Acknowledged(Micros),
}

/// How a phase ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhaseResult {
    /// Well.
    Succeeded,
    /// Not well.
    Failed,
}

/// How a build ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Every phase went well.
    Succeeded,
    /// The commit's fault, with the reason.
    Failed(String),
    /// Not the commit's fault, with the reason.
    Errored(String),
    /// It ran longer than it may: the time in words.
    TimedOut(String),
    /// The operator stopped it.
    Stopped,
    /// No committer came.
    Expired,
}

impl Happened {
    /// Whether it can happen to a build that is so far. Nothing of this lets a held build go: that
    /// takes another request.
    fn fits(&self, stage: Stage) -> bool {
        match self {
            Self::Taken => matches!(stage, Stage::Queued { .. }),
            Self::Fetched(_)
            | Self::Postponed { .. }
            | Self::Phase { .. }
            | Self::PhaseEnded(_)
            | Self::Interrupted { .. } => stage == Stage::Running,
            Self::Acknowledged(_) => matches!(stage, Stage::Held { .. }),
            Self::Ended(_) | Self::Overtaken(_) => !matches!(stage, Stage::Ended(_)),
        }
    }
}

/// By what a build is overtaken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overtaken {
    /// The newer build.
    pub by: BuildId,
    /// Its commit, if it is another one.
    pub commit: Option<CommitId>,
}

impl Build {
    /// The build's name.
    #[must_use]
    pub fn id(&self) -> BuildId {
        self.request.build_id
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Ended(_))
    }

    /// Goes on; the report that tells of it, if there is something to tell.
    ///
    /// What does not fit changes nothing: a build that is over stays as it is, whatever is late or
    /// comes twice.
    pub fn happened(&mut self, what: Happened, now: Micros) -> Option<Report> {
        if !what.fits(self.stage) {
            return None;
        }
        match what {
            Happened::Taken => {
                self.stage = Stage::Running;
                self.runs += 1;
                self.say(now, Status::Pending, texts::FETCHING, Some(0))
            }
            Happened::Fetched(commit) => {
                self.commit = Some(commit);
                self.misses = 0;
                None
            }
            Happened::Postponed { why, until } => {
                self.misses += 1;
                self.runs = self.runs.saturating_sub(1);
                self.stage = Stage::Queued { not_before: until };
                self.say(now, Status::Pending, &texts::postponed(&why), None)
            }
            Happened::Phase { name, percent } => {
                self.say(now, Status::Pending, &texts::phase(&name), Some(percent))
            }
            // For its page alone: the flag says it when the next one begins, or the build ends.
            Happened::PhaseEnded(_) => None,
            Happened::Ended(end) => {
                let (status, text) = end.told();
                self.end(now, status, &text)
            }
            Happened::Overtaken(by) => {
                let other = by
                    .commit
                    .filter(|commit| Some(commit) != self.commit.as_ref());
                let text = other.map_or_else(|| texts::overtaken(by.by), |c| texts::outdated(&c));
                self.end(now, Status::Canceled, &text)
            }
            Happened::Interrupted { again } => self.interrupted(again, now),
            Happened::Acknowledged(at) => {
                if let Stage::Held { acknowledged } = &mut self.stage {
                    acknowledged.get_or_insert(at);
                }
                None
            }
        }
    }

    fn interrupted(&mut self, again: bool, now: Micros) -> Option<Report> {
        if !again {
            return self.end(now, Status::Error, texts::INTERRUPTED);
        }
        if self.runs >= MAX_RUNS {
            return self.end(now, Status::Error, texts::INTERRUPTED_OFTEN);
        }
        self.stage = Stage::Queued { not_before: now };
        self.say(now, Status::Pending, texts::AGAIN, None)
    }

    fn end(&mut self, now: Micros, status: Status, text: &str) -> Option<Report> {
        self.stage = Stage::Ended(status);
        self.say(now, status, text, None)
    }

    /// Reports of one build are strictly later than those before, whatever the clock does.
    fn say(
        &mut self,
        now: Micros,
        status: Status,
        description: &str,
        percent: Option<u8>,
    ) -> Option<Report> {
        let at = now.max(Micros::new(self.said.at.get() + 1));
        self.said = Said {
            at,
            status,
            description: texts::plain(description),
            percent,
        };
        self.report()
    }

    /// The report of what was said last; `None` while no commit is known to set a flag on.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        let request = &self.request;
        let Said {
            at,
            status,
            description,
            percent,
        } = &self.said;
        Some(Report {
            build_id: Some(request.build_id),
            context: Some(Context::for_job(request.job.as_str(), request.event())),
            commit: self.commit.clone()?,
            pull_request: request.pull_request.as_ref().map(|pull| pull.id),
            shown: Shown::new(*at, *status, *percent, &self.page, description),
        })
    }
}

/// What the forge is told when it asks, the first time and each time after: the moment of
/// acceptance orders it before everything that was said since.
#[must_use]
pub fn first_answer(build: &Build) -> Option<Report> {
    let held = matches!(build.stage, Stage::Held { .. });
    let description = if held {
        build.said.description.clone()
    } else {
        texts::QUEUED.to_owned()
    };
    let first = Build {
        said: Said {
            at: build.accepted,
            status: Status::Pending,
            description,
            percent: None,
        },
        commit: build.request.source.commit.clone(),
        ..build.clone()
    };
    first.report()
}

impl End {
    fn told(self) -> (Status, String) {
        match self {
            Self::Succeeded => (Status::Success, texts::SUCCEEDED.to_owned()),
            Self::Failed(why) => (Status::Failure, why),
            Self::Errored(why) => (Status::Error, why),
            Self::TimedOut(after) => (Status::Error, texts::timed_out(&after)),
            Self::Stopped => (Status::Canceled, texts::STOPPED.to_owned()),
            Self::Expired => (Status::Canceled, texts::EXPIRED.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
