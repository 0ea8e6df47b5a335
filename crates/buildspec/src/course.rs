//! Which phase comes next, and what came of the build.

use crate::{Buildspec, OnFailure, Phase, PhaseName};

/// How far a build is. A value: each end of a step gives the next one.
#[derive(Debug, Clone, Copy)]
pub struct Course<'a> {
    plan: &'a Buildspec,
    next: Next,
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    Phase(usize),
    Collect,
    End,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// Run this phase.
    Run {
        /// Its commands.
        phase: &'a Phase,
        /// For `CODEBUILD_BUILD_SUCCEEDING`: no phase has failed so far.
        succeeding: bool,
        /// How much of the build lies behind it.
        percent: u8,
    },
    /// Collect the artifacts. It fails if a set has no file at all.
    Collect {
        /// How much of the build lies behind it.
        percent: u8,
    },
    /// Nothing more.
    End(Outcome),
}

/// How a build ended; the first stage that failed.
pub type Outcome = Result<(), Stage>;

/// A step that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A phase.
    Phase(PhaseName),
    /// The collecting of artifacts.
    Artifacts,
}

/// How a phase, or the collecting of artifacts, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhaseResult {
    /// Well.
    Succeeded,
    /// Not well.
    Failed,
}

impl<'a> Course<'a> {
    /// At the first phase.
    #[must_use]
    pub fn of(plan: &'a Buildspec) -> Self {
        Self {
            plan,
            next: Next::Phase(0),
            outcome: Ok(()),
        }
        .past_the_phases()
    }

    /// What to do now.
    #[must_use]
    pub fn step(&self) -> Step<'a> {
        match self.next {
            Next::Phase(at) => {
                let phase = &self.plan.phases[at];
                Step::Run {
                    phase,
                    succeeding: self.outcome.is_ok(),
                    percent: percent(phase.name),
                }
            }
            Next::Collect => Step::Collect { percent: 90 },
            Next::End => Step::End(self.outcome),
        }
    }

    /// The step has ended like this. After the end nothing changes any more.
    #[must_use]
    pub fn ended(mut self, result: PhaseResult) -> Self {
        let failed = result == PhaseResult::Failed;
        let (stage, next) = match self.next {
            Next::Phase(at) => {
                let phase = &self.plan.phases[at];
                let over = failed && ends_the_build(phase);
                let next = if over { Next::End } else { Next::Phase(at + 1) };
                (Stage::Phase(phase.name), next)
            }
            Next::Collect => (Stage::Artifacts, Next::End),
            Next::End => return self,
        };
        if failed {
            self.outcome = self.outcome.and(Err(stage));
        }
        self.next = next;
        self.past_the_phases()
    }

    fn past_the_phases(mut self) -> Self {
        if let Next::Phase(at) = self.next
            && at >= self.plan.phases.len()
        {
            self.next = match self.plan.artifacts {
                Some(_) => Next::Collect,
                None => Next::End,
            };
        }
        self
    }
}

/// "Build phase transitions" of the `CodeBuild` User Guide: what follows a failed `build` is
/// `post_build`, and the artifacts are collected; nothing follows a failed `install` or
/// `pre_build`.
fn ends_the_build(phase: &Phase) -> bool {
    match phase.on_failure {
        OnFailure::Abort => true,
        OnFailure::Continue => false,
        OnFailure::Usual => phase.name < PhaseName::Build,
    }
}

/// By name, not by count, so that the same phase always shows the same number.
fn percent(phase: PhaseName) -> u8 {
    match phase {
        PhaseName::Install => 20,
        PhaseName::PreBuild => 40,
        PhaseName::Build => 60,
        PhaseName::PostBuild => 80,
    }
}

/// How far a phase is in its own commands. A value, like [`Course`].
#[derive(Debug, Clone, Copy)]
pub struct Commands<'a> {
    phase: &'a Phase,
    part: Part,
    at: usize,
    result: PhaseResult,
}

/// A command and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command<'a> {
    /// The text for the shell; it may have several lines.
    pub text: &'a str,
    /// Its list.
    pub part: Part,
}

/// The two lists of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `commands`.
    Commands,
    /// `finally`.
    Finally,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandResult {
    /// With exit status 0.
    Succeeded,
    /// Any other way.
    Failed,
}

impl<'a> Commands<'a> {
    /// At the phase's first command.
    #[must_use]
    pub fn of(phase: &'a Phase) -> Self {
        Self {
            phase,
            part: Part::Commands,
            at: 0,
            result: PhaseResult::Succeeded,
        }
        .past_the_list()
    }

    /// The command to run now; `None` when the phase is over.
    #[must_use]
    pub fn current(&self) -> Option<Command<'a>> {
        let text = self.list().get(self.at)?;
        Some(Command {
            text,
            part: self.part,
        })
    }

    /// The command has ended like this: a failure ends its list.
    #[must_use]
    pub fn ended(mut self, result: CommandResult) -> Self {
        match result {
            CommandResult::Succeeded => self.at += 1,
            CommandResult::Failed => {
                self.result = PhaseResult::Failed;
                self.at = self.list().len();
            }
        }
        self.past_the_list()
    }

    /// What became of the phase. It fails if any command of either list did.
    #[must_use]
    pub fn result(&self) -> PhaseResult {
        self.result
    }

    fn list(&self) -> &'a [String] {
        match self.part {
            Part::Commands => &self.phase.commands,
            Part::Finally => &self.phase.finally,
        }
    }

    fn past_the_list(mut self) -> Self {
        if self.part == Part::Commands && self.at >= self.list().len() {
            self.part = Part::Finally;
            self.at = 0;
        }
        self
    }
}
