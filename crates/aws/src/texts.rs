//! What people read on the flag of a build on AWS, beside the receiver's own texts.

use chela_receiver::texts::phase;

use crate::table::{Broken, Place};

/// CodeBuild has begun.
pub(crate) const RUNS_IN_CODEBUILD: &str = "Runs in CodeBuild";
/// Somebody stopped the build there.
pub(crate) const STOPPED_IN_CODEBUILD: &str = "Stopped in CodeBuild";
/// CodePipeline has begun.
pub(crate) const RUNS_IN_CODEPIPELINE: &str = "Runs in CodePipeline";
/// A failed stage is retried.
pub(crate) const PIPELINE_RESUMED: &str = "Runs again: a failed stage of the pipeline is retried";
/// It stops once the actions that run are over.
pub(crate) const PIPELINE_STOPPING: &str = "The pipeline is being stopped";
/// Somebody stopped it there.
pub(crate) const STOPPED_IN_CODEPIPELINE: &str = "Stopped in CodePipeline";
/// Every stage went well.
pub(crate) const PIPELINE_SUCCEEDED: &str = "The pipeline succeeded";
/// A stage did not.
pub(crate) const PIPELINE_FAILED: &str = "The pipeline failed";
/// A newer execution went ahead of it.
pub(crate) const SUPERSEDED: &str =
    "Overtaken by another execution; the pipeline's execution mode decides";
/// CodePipeline cancels what runs when a pipeline is edited.
pub(crate) const PIPELINE_CHANGED: &str =
    "Canceled: the pipeline was changed meanwhile; ask for a rebuild";

/// A word of AWS that this version does not know.
pub(crate) fn unknown(service: &str, word: &str) -> String {
    format!("{service} says {word}")
}

/// A phase that ended, with its status.
pub(crate) fn phase_over(name: &str, status: &str) -> String {
    word(&phase(name), status)
}

/// The build's commands failed, or what they need.
pub(crate) fn build_failed(broken: Option<Broken<'_>>) -> String {
    broken.map_or_else(
        || "The build failed".to_owned(),
        |broken| format!("{} failed{}", phase(broken.phase), cause(broken)),
    )
}

/// CodeBuild itself failed.
pub(crate) fn build_fault(broken: Option<Broken<'_>>) -> String {
    let at = broken.map_or_else(String::new, |b| {
        format!(" in phase {}{}", b.phase, cause(b))
    });
    format!("CodeBuild could not carry the build out{at}; ask for a rebuild")
}

/// The build, or its wait, took longer than the project allows.
pub(crate) fn build_timed_out(broken: Option<Broken<'_>>) -> String {
    let at = broken.map_or_else(String::new, |b| format!(" in phase {}", b.phase));
    format!("Stopped{at}: it took longer than the CodeBuild project allows")
}

fn cause(broken: Broken<'_>) -> String {
    broken
        .code
        .map_or_else(String::new, |code| format!(" ({code})"))
}

/// A stage, with its place where that is known.
pub(crate) fn stage(name: &str, place: Option<Place>) -> String {
    place.map_or_else(
        || format!("Stage {name}"),
        |place| format!("Stage {name}, {} of {}", place.position, place.of),
    )
}

/// An action of a stage.
pub(crate) fn action(stage: &str, name: &str) -> String {
    format!("{stage}: {name}")
}

/// A stage that runs again.
pub(crate) fn retried(stage: &str) -> String {
    format!("{stage}, is retried")
}

/// A stage that stops once its actions are over.
pub(crate) fn stopping(stage: &str) -> String {
    format!("{stage}, is being stopped")
}

/// A word of AWS as it stands.
pub(crate) fn word(of: &str, word: &str) -> String {
    if word.is_empty() {
        return of.to_owned();
    }
    format!("{of}: {word}")
}

/// An action that failed, and where.
pub(crate) fn failed_action(stage: &str, action: &str) -> String {
    format!("action {action} of stage {stage}")
}

/// Whoever should have started it has given up without a word.
pub(crate) const NEVER_STARTED: &str = "It was not started within a day; ask for a rebuild";
/// What AWS kept of it is gone.
pub(crate) const FORGOTTEN: &str = "AWS no longer knows this build; ask for a rebuild";
