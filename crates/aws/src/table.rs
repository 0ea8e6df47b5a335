//! Every status and phase that CodeBuild and CodePipeline know, and what a flag shows of it.
//!
//! A word that is not known here is shown as it stands and ends nothing: the sweep looks at what
//! does not end. `None` means that nothing is said. That is so for the end of a stage and of the
//! last phases: the whole build's own end comes in the same moment, and a word of "pending" that
//! bears a later second would stand above it for ever.

use chela_contract::Status;
use chela_receiver::texts as common;

use crate::{State, texts};

/// The phases of a CodeBuild build in their order, and how far it is when one begins.
const PHASES: [(&str, u8); 11] = [
    ("SUBMITTED", 0),
    ("QUEUED", 2),
    ("PROVISIONING", 5),
    ("DOWNLOAD_SOURCE", 15),
    ("INSTALL", 20),
    ("PRE_BUILD", 30),
    ("BUILD", 40),
    ("POST_BUILD", 80),
    ("UPLOAD_ARTIFACTS", 90),
    ("FINALIZING", 95),
    ("COMPLETED", 99),
];

/// The phase that did not go well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken<'a> {
    /// Its name.
    pub phase: &'a str,
    /// CodeBuild's code for the cause, such as `COMMAND_EXECUTION_ERROR`.
    pub code: Option<&'a str>,
}

/// Where a stage stands in its pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The first is 1.
    pub position: usize,
    /// How many there are.
    pub of: usize,
}

/// A word of CodePipeline. Its interface and its events spell the same words in two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Running,
    Resumed,
    Stopping,
    Stopped,
    Succeeded,
    Failed,
    Superseded,
    Canceled,
    Skipped,
    Abandoned,
}

/// The status of a whole CodeBuild build, with the phase that broke it where that is known.
#[must_use]
pub fn codebuild_status(word: &str, broken: Option<Broken<'_>>) -> State {
    known_build_status(word, broken)
        .unwrap_or_else(|| State::going(&texts::unknown("CodeBuild", word), None))
}

fn known_build_status(word: &str, broken: Option<Broken<'_>>) -> Option<State> {
    Some(match word {
        "IN_PROGRESS" => State::going(texts::RUNS_IN_CODEBUILD, None),
        "SUCCEEDED" => State::ended(Status::Success, common::SUCCEEDED),
        "FAILED" => State::ended(Status::Failure, &texts::build_failed(broken)),
        "FAULT" => State::ended(Status::Error, &texts::build_fault(broken)),
        "TIMED_OUT" => State::ended(Status::Error, &texts::build_timed_out(broken)),
        "STOPPED" => State::ended(Status::Canceled, texts::STOPPED_IN_CODEBUILD),
        _ => return None,
    })
}

/// A phase that runs.
#[must_use]
pub fn codebuild_phase_running(phase: &str) -> State {
    let percent = PHASES.iter().find(|(name, _)| *name == phase);
    let description = match phase {
        "QUEUED" => common::QUEUED.to_owned(),
        other => common::phase(other),
    };
    State::going(&description, percent.map(|(_, percent)| *percent))
}

/// A phase that has finished, as the events say it: the flag shows the next one. Which phase comes
/// after one that did not go well depends on that phase, so the flag says what happened instead.
#[must_use]
pub fn codebuild_phase_finished(phase: &str, status: &str) -> Option<State> {
    let Some(at) = PHASES.iter().position(|(name, _)| *name == phase) else {
        return Some(State::going(&texts::phase_over(phase, status), None));
    };
    let (next, percent) = PHASES.get(at + 1)?;
    match (status, *next) {
        (_, "COMPLETED") => None,
        ("SUCCEEDED", next) => Some(codebuild_phase_running(next)),
        _ => Some(State::going(
            &texts::phase_over(phase, status),
            Some(*percent),
        )),
    }
}

/// The first phase that did not go well, of `(name, status, context)`; a context reads
/// `CODE: message`. The message is not used: a flag is public, and it may name what is not.
pub fn first_broken<'a>(
    phases: impl IntoIterator<Item = (&'a str, &'a str, Option<&'a str>)>,
) -> Option<Broken<'a>> {
    phases
        .into_iter()
        .find(|(_, status, _)| !matches!(*status, "" | "SUCCEEDED" | "IN_PROGRESS"))
        .map(|(phase, _, context)| Broken {
            phase,
            code: context.and_then(code),
        })
}

fn code(context: &str) -> Option<&str> {
    let code = context.split_once(':').map_or(context, |(code, _)| code);
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (!code.is_empty() && code.chars().all(fits)).then_some(code)
}

/// The status of a whole execution of a pipeline.
#[must_use]
pub fn pipeline_execution(word: &str) -> State {
    known_execution(word)
        .unwrap_or_else(|| State::going(&texts::unknown("CodePipeline", word), None))
}

fn known_execution(word: &str) -> Option<State> {
    Some(match Word::read(word)? {
        Word::Running => State::going(texts::RUNS_IN_CODEPIPELINE, None),
        Word::Resumed => State::resumed(texts::PIPELINE_RESUMED, None),
        Word::Stopping => State::stopping(texts::PIPELINE_STOPPING, None),
        Word::Stopped => State::ended(Status::Canceled, texts::STOPPED_IN_CODEPIPELINE),
        Word::Succeeded => State::ended(Status::Success, texts::PIPELINE_SUCCEEDED),
        Word::Failed => State::ended(Status::Failure, texts::PIPELINE_FAILED),
        Word::Superseded => State::ended(Status::Canceled, texts::SUPERSEDED),
        Word::Canceled => State::ended(Status::Canceled, texts::PIPELINE_CHANGED),
        // Words of stages and actions.
        Word::Skipped | Word::Abandoned => return None,
    })
}

/// A stage of a pipeline; `place` is `None` if the pipeline was changed since.
#[must_use]
pub fn pipeline_stage(stage: &str, place: Option<Place>, word: &str) -> Option<State> {
    let named = texts::stage(stage, place);
    let percent = place.and_then(Place::percent);
    Some(match Word::read(word) {
        Some(Word::Running) => State::going(&named, percent),
        Some(Word::Resumed) => State::resumed(&texts::retried(&named), percent),
        Some(Word::Stopping) => State::stopping(&texts::stopping(&named), percent),
        Some(_) => return None,
        None => State::going(&texts::word(&named, word), percent),
    })
}

/// An action of a stage.
#[must_use]
pub fn pipeline_action(
    stage: &str,
    place: Option<Place>,
    action: &str,
    word: &str,
) -> Option<State> {
    let named = texts::action(&texts::stage(stage, place), action);
    let percent = place.and_then(Place::percent);
    match Word::read(word) {
        Some(Word::Running) => Some(State::going(&named, percent)),
        Some(_) => None,
        None => Some(State::going(&texts::word(&named, word), percent)),
    }
}

impl Place {
    /// Where `stage` stands among `stages`.
    #[must_use]
    pub fn of(stage: &str, stages: &[String]) -> Option<Self> {
        let before = stages.iter().position(|name| name == stage)?;
        Some(Self {
            position: before + 1,
            of: stages.len(),
        })
    }

    /// How much of the pipeline lies before this stage.
    fn percent(self) -> Option<u8> {
        let before = self.position.checked_sub(1)?;
        let percent = (before * 100).checked_div(self.of)?;
        u8::try_from(percent.min(99)).ok()
    }
}

impl Word {
    fn read(word: &str) -> Option<Self> {
        Some(match word {
            "STARTED" | "InProgress" => Self::Running,
            "RESUMED" => Self::Resumed,
            "STOPPING" | "Stopping" => Self::Stopping,
            "STOPPED" | "Stopped" => Self::Stopped,
            "SUCCEEDED" | "Succeeded" => Self::Succeeded,
            "FAILED" | "Failed" => Self::Failed,
            "SUPERSEDED" | "Superseded" => Self::Superseded,
            "CANCELED" | "Cancelled" => Self::Canceled,
            "Skipped" => Self::Skipped,
            "ABANDONED" | "Abandoned" => Self::Abandoned,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
