//! Every line that the runner writes into a build's log.

use std::time::Duration;

use chela_buildspec::{PhaseResult, Stage};

use crate::outcome::Outcome;

/// Begins each of the runner's lines. A build can print the same: its log is its own.
pub(crate) const PREFIX: &str = "[chela] ";

pub(crate) const LOG_CUT: &str = "\n[chela] The log is cut here: it has reached its limit\n";

pub(crate) const SHELL_ENDED: &str = "The command has ended the shell: what follows runs in a new one, without its directory and \
     variables";

pub(crate) const NOTHING_EXPORTED: &str =
    "The last command has ended the shell: exported variables are lost";

/// As `CodeBuild`'s log names them.
pub(crate) fn stage(stage: Stage) -> String {
    match stage {
        Stage::Phase(name) => name.to_string(),
        Stage::Artifacts => "UPLOAD_ARTIFACTS".to_owned(),
    }
}

pub(crate) fn entering(name: impl std::fmt::Display) -> String {
    format!("Entering phase {name}")
}

pub(crate) fn running(command: &str) -> String {
    format!("Running command {}", command.trim_end())
}

pub(crate) fn command_failed(command: &str, status: u8) -> String {
    format!(
        "Command failed with exit status {status}: {}",
        first_line(command)
    )
}

pub(crate) fn phase_ended(
    name: impl std::fmt::Display,
    result: PhaseResult,
    took: Duration,
) -> String {
    let state = match result {
        PhaseResult::Succeeded => "SUCCEEDED",
        PhaseResult::Failed => "FAILED",
    };
    format!(
        "Phase {name} is over: {state} ({:.1} s)",
        took.as_secs_f64()
    )
}

pub(crate) fn build_ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded => "Build SUCCEEDED".to_owned(),
        Outcome::Failed(failure) => format!("Build FAILED: {failure}"),
        Outcome::Errored(sentence) => format!("Build ended by an error: {sentence}"),
        Outcome::TimedOut(_) | Outcome::Stopped => format!("Build ended: {outcome}"),
    }
}

pub(crate) fn unsettable(name: &str) -> String {
    format!(
        "The variable `{}` is left out: no shell can hold it",
        name.escape_debug()
    )
}

pub(crate) fn collected(set: &str, files: u64, bytes: u64) -> String {
    format!("Collected {files} files ({bytes} bytes) into the artifacts `{set}`")
}

pub(crate) fn same_place(place: &str) -> String {
    format!(
        "Two files have the place `{}` among the artifacts: the first is kept",
        shown(place)
    )
}

pub(crate) fn unreadable(path: &str, error: &std::io::Error) -> String {
    format!("`{}` is left out of the artifacts: {error}", shown(path))
}

fn shown(text: &str) -> String {
    text.escape_debug().take(200).collect()
}

/// As much of a command as a sentence bears.
pub(crate) fn first_line(command: &str) -> String {
    const LONGEST: usize = 80;
    let line = command.trim().lines().next().unwrap_or_default();
    let short: String = line.chars().take(LONGEST).collect();
    let cut = short.len() < command.trim().len();
    if cut {
        format!("{}…", short.trim_end())
    } else {
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_is_named_by_its_beginning() {
        for (command, named) in [
            ("make check", "make check"),
            ("make\nmake install\n", "make…"),
            ("make\n", "make"),
            ("", ""),
        ] {
            assert_eq!(first_line(command), named, "{command:?}");
        }
        assert_eq!(first_line(&"é".repeat(81)), format!("{}…", "é".repeat(80)));
    }
}
