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
fn name(stage: Stage) -> String {
    match stage {
        Stage::Phase(name) => name.to_string(),
        Stage::Artifacts => "UPLOAD_ARTIFACTS".to_owned(),
    }
}

pub(crate) fn stage_started(stage: Stage) -> String {
    format!("Phase {} begins", name(stage))
}

pub(crate) fn stage_ended(stage: Stage, result: PhaseResult, took: Duration) -> String {
    let name = name(stage);
    let seconds = took.as_secs_f64();
    match result {
        PhaseResult::Succeeded => format!("Phase {name} SUCCEEDED in {seconds:.1} s"),
        PhaseResult::Failed => format!("Phase {name} FAILED after {seconds:.1} s"),
    }
}

/// As it would be typed.
pub(crate) fn running(command: &str) -> String {
    format!("$ {}", command.trim_end())
}

pub(crate) fn command_failed(command: &str, status: u8) -> String {
    format!("Exit status {status}: {}", first_line(command))
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
