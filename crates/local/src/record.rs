//! A build as it is kept: the receiver's record, and what its page shows beside.

use chela_contract::{Micros, Report, Status};
use chela_receiver::{Build, Happened, Stage};
use serde::{Deserialize, Serialize};

/// A phase of a build's last run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// Its name, as the buildspec has it.
    pub name: String,
    /// When it began.
    pub started: Micros,
    /// When it ended.
    pub ended: Option<Micros>,
    /// What became of it.
    pub state: PhaseState,
}

/// What became of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseState {
    /// Runs.
    Running,
    /// Another one followed, or the build succeeded after it.
    Done,
    /// The build ended with it, and not well.
    Failed,
    /// The build was stopped in it.
    Stopped,
}

/// One row of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub build: Build,
    /// The unguessable part of its page's address.
    pub key: String,
    /// It was let through, rather than held or come too late.
    pub cleared: bool,
    /// When its last run began.
    pub started: Option<Micros>,
    pub ended: Option<Micros>,
    /// Why the forge never got its last report.
    pub dropped: Option<String>,
    pub phases: Vec<Phase>,
}

impl Record {
    /// Goes on; the report that tells of it.
    pub(crate) fn happened(&mut self, what: Happened, now: Micros) -> Option<Report> {
        if self.build.is_over() {
            return None;
        }
        let phase = match &what {
            Happened::Phase { name, .. } => Some(name.clone()),
            _ => None,
        };
        let before = self.build.stage;
        let report = self.build.happened(what, now);
        let running = self.build.stage == Stage::Running;
        if running && before != Stage::Running {
            self.started = Some(now);
            self.phases.clear();
        }
        if let Some(name) = phase.filter(|_| running) {
            self.close_phase(PhaseState::Done, now);
            self.phases.push(Phase {
                name,
                started: now,
                ended: None,
                state: PhaseState::Running,
            });
        }
        match self.build.stage {
            Stage::Running => {}
            Stage::Ended(status) => {
                self.close_phase(last(status), now);
                self.ended = Some(now);
            }
            Stage::Held { .. } | Stage::Queued { .. } => {
                self.close_phase(PhaseState::Stopped, now);
            }
        }
        report
    }

    fn close_phase(&mut self, state: PhaseState, now: Micros) {
        if let Some(phase) = self.phases.last_mut().filter(|phase| phase.ended.is_none()) {
            phase.ended = Some(now.max(phase.started));
            phase.state = state;
        }
    }
}

/// What a build's end makes of the phase that ran.
fn last(status: Status) -> PhaseState {
    match status {
        Status::Success => PhaseState::Done,
        Status::Canceled => PhaseState::Stopped,
        Status::Failure | Status::Error | Status::Pending => PhaseState::Failed,
    }
}
