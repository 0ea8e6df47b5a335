//! What `trigger` puts into the queue `reports`, beside the events that EventBridge puts there.

use chela_contract::{BuildId, Report};
use chela_pagure::ProjectName;
use serde::{Deserialize, Serialize};

/// A message of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "chela", rename_all = "lowercase")]
pub enum Message {
    /// Tell Pagure this.
    Say(Said),
    /// Look at what the engine says of this build, and tell that.
    Check {
        /// The build.
        build: BuildId,
    },
}

/// A report to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The build.
    pub build: BuildId,
    /// The project's full name.
    pub project: String,
    /// The report's body, as it is signed and sent.
    pub body: String,
    /// What it means for the build.
    pub word: Word,
}

/// What a report means for its build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// More will follow.
    Passing,
    /// The build waits for a committer: when Pagure has it, that moment is kept.
    Held,
    /// The end: when Pagure has it, the build is closed.
    Last,
}

impl Message {
    /// The message that `report` is said of a build of `project`.
    #[must_use]
    pub fn say(build: BuildId, project: &ProjectName, report: &Report, word: Word) -> Self {
        Self::Say(Said {
            build,
            project: project.fullname(),
            body: report.to_body(),
            word,
        })
    }
}
