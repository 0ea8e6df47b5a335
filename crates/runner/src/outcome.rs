//! What is told while a build runs, and what came of it.

use std::{collections::BTreeMap, fmt, time::Duration};

use chela_buildspec::{PhaseName, PhaseResult, Stage};

use crate::{limits::Breach, texts};

/// Something that happened. A stage that is interrupted has no end of its own: the outcome says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A phase, or the collecting of artifacts, begins.
    Started {
        /// Which.
        stage: Stage,
        /// How much of the build lies behind it.
        percent: u8,
    },
    /// It is over.
    Ended {
        /// Which.
        stage: Stage,
        /// How it went.
        result: PhaseResult,
        /// How long it took.
        took: Duration,
    },
}

/// A finished build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How it ended.
    pub outcome: Outcome,
    /// The values of `exported-variables` at the end. A variable that was not set is absent.
    pub exported: BTreeMap<String, String>,
    /// What was collected into the artifacts' folder.
    pub artifacts: Vec<Collected>,
}

/// A collected set of artifacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collected {
    /// Its folder below the artifacts' folder.
    pub folder: String,
    /// How many files it has.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
}

/// How a build ended. Its `Display` says it in a few words, fit for a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every phase succeeded.
    Succeeded,
    /// The build's own fault.
    Failed(Failure),
    /// Not the build's fault: a sentence for the administrator.
    Errored(String),
    /// It ran longer than it may.
    TimedOut(Duration),
    /// Somebody stopped it.
    Stopped,
}

/// Why a build failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A command ended with another status than 0; the first one of the build that did.
    #[error(
        "exit status {status} in phase {phase}: {}",
        texts::first_line(command)
    )]
    Command {
        /// Its phase.
        phase: PhaseName,
        /// Its whole text.
        command: String,
        /// Its status as shells say it: 128 and a signal's number for a killed one.
        status: u8,
    },
    /// It took more than it may.
    #[error("{0}")]
    Limit(#[from] Breach),
    /// The artifacts could not be collected.
    #[error("{0}")]
    Artifacts(String),
    /// It wrote into the channel between its shell and the runner.
    #[error("the build has disturbed the shell that runs its commands")]
    Disturbed,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded => f.write_str("all phases succeeded"),
            Self::Failed(failure) => failure.fmt(f),
            Self::Errored(sentence) => f.write_str(sentence),
            Self::TimedOut(limit) => write!(f, "it ran longer than {} s", limit.as_secs()),
            Self::Stopped => f.write_str("it was stopped"),
        }
    }
}
