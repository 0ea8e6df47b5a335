//! `phases`: what is run.

use std::fmt;

use crate::error::shown;
use crate::read::{Section, entries, texts};
use crate::skipped::RUN_AS;
use crate::yaml::{Node, Value};
use crate::{Error, Note, Place};

/// One phase that the buildspec has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// Which.
    pub name: PhaseName,
    /// Run in order, in one shell, until one fails.
    pub commands: Vec<String>,
    /// Run after `commands`, whether they failed or not.
    pub finally: Vec<String>,
    /// What a failure means for the phases that follow.
    pub on_failure: OnFailure,
}

/// The four phases, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhaseName {
    /// `install`.
    Install,
    /// `pre_build`.
    PreBuild,
    /// `build`.
    Build,
    /// `post_build`.
    PostBuild,
}

impl PhaseName {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::Install, Self::PreBuild, Self::Build, Self::PostBuild];

    /// As the buildspec spells it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::PreBuild => "pre_build",
            Self::Build => "build",
            Self::PostBuild => "post_build",
        }
    }
}

/// As `CodeBuild`'s log and reports spell it: `PRE_BUILD`.
impl fmt::Display for PhaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Install => "INSTALL",
            Self::PreBuild => "PRE_BUILD",
            Self::Build => "BUILD",
            Self::PostBuild => "POST_BUILD",
        })
    }
}

/// `on-failure`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Not said: only a failed `build` is followed by another phase.
    #[default]
    Usual,
    /// No phase follows.
    Abort,
    /// The next phase follows. The build fails all the same.
    Continue,
}

pub(crate) fn read(file: &Section<'_>, notes: &mut Vec<Note>) -> Result<Vec<Phase>, Error> {
    let Some(node) = file.get("phases") else {
        return Err(Error::MissingKey {
            at: file.at,
            inside: String::new(),
            key: "phases",
            remedy: "write `phases:` with at least `build:` and its `commands:`",
        });
    };
    let keys = PhaseName::ALL.map(PhaseName::key);
    let section = Section::of(node, "phases", &keys)?;
    let mut phases = Vec::new();
    for name in PhaseName::ALL {
        if let Some(node) = section.get(name.key()) {
            phases.push(phase(name, node, &section.path(name.key()), notes)?);
        }
    }
    if phases
        .iter()
        .all(|phase| phase.commands.is_empty() && phase.finally.is_empty())
    {
        return Err(Error::NothingToRun {
            at: file.place("phases").unwrap_or(node.at),
        });
    }
    Ok(phases)
}

fn phase(name: PhaseName, node: &Node, path: &str, notes: &mut Vec<Note>) -> Result<Phase, Error> {
    const INSTALL: [&str; 5] = [
        "run-as",
        "on-failure",
        "commands",
        "finally",
        "runtime-versions",
    ];
    let install = name == PhaseName::Install;
    let keys = if install { &INSTALL[..] } else { &INSTALL[..4] };
    let section = Section::of(node, path, keys)?;
    if let Some((at, _)) = section.text("run-as")? {
        notes.push(Note::new(at, section.path("run-as"), RUN_AS));
    }
    runtimes(&section, notes)?;
    if section.get("commands").is_none() && !install {
        return Err(Error::MissingKey {
            at: section.at,
            inside: path.to_owned(),
            key: "commands",
            remedy: "write `commands:` and one `- …` for each, or remove the phase",
        });
    }
    Ok(Phase {
        name,
        commands: commands(&section, "commands")?,
        finally: commands(&section, "finally")?,
        on_failure: on_failure(&section, notes)?,
    })
}

fn runtimes(section: &Section<'_>, notes: &mut Vec<Note>) -> Result<(), Error> {
    let Some(node) = section.get("runtime-versions") else {
        return Ok(());
    };
    let path = section.path("runtime-versions");
    if !entries(node, &path)?.is_empty() {
        let at = section.place("runtime-versions").unwrap_or(node.at);
        let why = "the runtimes are those that this machine has";
        notes.push(Note::new(at, path, why));
    }
    Ok(())
}

fn commands(section: &Section<'_>, key: &str) -> Result<Vec<String>, Error> {
    let Some(node) = section.get(key) else {
        return Ok(Vec::new());
    };
    let path = section.path(key);
    refuse_maps(node, &path)?;
    Ok(texts(node, &path)?
        .into_iter()
        .map(|(_, text)| text)
        .collect())
}

fn refuse_maps(node: &Node, path: &str) -> Result<(), Error> {
    let Value::List(items) = &node.value else {
        return Ok(());
    };
    match items
        .iter()
        .find(|item| matches!(item.value, Value::Map(_)))
    {
        Some(item) => Err(Error::CommandIsMap {
            at: item.at,
            key: path.to_owned(),
        }),
        None => Ok(()),
    }
}

fn on_failure(section: &Section<'_>, notes: &mut Vec<Note>) -> Result<OnFailure, Error> {
    let Some((at, word)) = section.text("on-failure")? else {
        return Ok(OnFailure::Usual);
    };
    let key = section.path("on-failure");
    let upper = word.to_ascii_uppercase();
    match upper.as_str() {
        "ABORT" => Ok(OnFailure::Abort),
        "CONTINUE" => Ok(OnFailure::Continue),
        // A failure is never hidden by this: the build fails where it might have passed.
        _ if upper == "RETRY" || upper.starts_with("RETRY-") => {
            let why = "nothing is tried again here, and a failure ends the build as with ABORT";
            notes.push(Note::new(at, key, why));
            Ok(OnFailure::Abort)
        }
        _ => Err(bad_on_failure(at, key, &word)),
    }
}

fn bad_on_failure(at: Place, key: String, word: &str) -> Error {
    Error::BadValue {
        at,
        key,
        found: shown(word),
        remedy: "write `ABORT` or `CONTINUE`, or remove the line",
    }
}
