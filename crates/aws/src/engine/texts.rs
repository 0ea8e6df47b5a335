//! What people read when an engine does not take a build, all in one place. Each tells what to do.

use crate::Failure;

/// Shown in `CodePipeline`'s console.
pub(crate) const STOP_REASON: &str = "Chela: this build of the pull request was overtaken";
/// AWS started something, and did not say what.
pub(crate) const NAMELESS: &str = "its answer does not name what was started";

/// There is no such `CodeBuild` project here.
pub(crate) fn no_project(name: &str) -> String {
    format!(
        "There is no CodeBuild project {name} in the account and region of the function trigger; \
         create it, or correct the name of the job in Pagure or in the settings of that function"
    )
}

/// The project is an action's of a pipeline.
pub(crate) fn project_of_pipeline(name: &str) -> String {
    format!(
        "The CodeBuild project {name} takes its source from a pipeline; let the job name that \
         pipeline (codepipeline/…), or give the project a source of type S3 or NO_SOURCE"
    )
}

/// The request was refused, and there is no build of ours.
pub(crate) fn not_started(failure: &Failure) -> String {
    format!(
        "{failure}. If it says that the token was used with other parameters, this build was asked \
         for with others before: ask for a rebuild"
    )
}

/// There is no such pipeline here.
pub(crate) fn no_pipeline(name: &str) -> String {
    format!(
        "There is no pipeline {name} in the account and region of the function trigger; create \
         it, or correct the name of the job in Pagure or in the settings of that function"
    )
}

/// A pipeline of the first type.
pub(crate) fn old_pipeline(name: &str) -> String {
    format!(
        "The pipeline {name} is of type V1, which cannot be started with a source of ours; change \
         its type to V2"
    )
}

/// Nothing in the pipeline takes a source from S3.
pub(crate) fn no_source_action(name: &str) -> String {
    format!(
        "The pipeline {name} has no source action of the provider S3; add one, with \
         AllowOverrideForS3ObjectKey set to true"
    )
}

/// More than one could take it.
pub(crate) fn many_source_actions(name: &str) -> String {
    format!(
        "The pipeline {name} has several S3 source actions that could take the source; set \
         AllowOverrideForS3ObjectKey to true in exactly one of them"
    )
}

/// The pipeline would start by itself, a second time.
pub(crate) fn polls(name: &str, action: &str) -> String {
    format!(
        "The source action {action} of the pipeline {name} starts it by itself whenever a source \
         is stored; set PollForSourceChanges to false in it"
    )
}

/// The source action is not complete.
pub(crate) fn unset(name: &str, action: &str, setting: &str) -> String {
    format!("The source action {action} of the pipeline {name} has no {setting}; set it")
}

/// The pipeline was changed after the source had been stored for it.
pub(crate) fn source_moved(name: &str) -> String {
    format!(
        "The source of this build does not lie where the pipeline {name} looks for it now; ask for \
         a rebuild"
    )
}

/// A value that would be read as more than a value.
pub(crate) fn odd_value(name: &str, variable: &str) -> String {
    format!(
        "{variable} has characters other than A-Z a-z 0-9 . _ / : @ + -, which pipelines paste \
         into JSON and into commands; rename what it names, or take that variable out of the \
         pipeline {name}"
    )
}

/// A value longer than a pipeline takes.
pub(crate) fn long_value(name: &str, variable: &str) -> String {
    format!(
        "{variable} is longer than the 1000 characters that a pipeline takes; shorten what it \
         names, or take that variable out of the pipeline {name}"
    )
}

/// An execution that may be ours.
pub(crate) fn undecided(id: &str) -> String {
    format!("its execution {id} does not say yet what it builds")
}
