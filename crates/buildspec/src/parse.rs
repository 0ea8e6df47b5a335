//! The file as a whole.

use crate::error::shown;
use crate::read::Section;
use crate::yaml::{self, Node, Value};
use crate::{Artifacts, Env, Error, Note, Phase, artifacts, env, phase, skipped};

/// The largest file that is read. Long work belongs into a script of the repository.
pub const MAX_BYTES: usize = 256 * 1024;

/// What a `buildspec.yml` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buildspec {
    /// Shell and variables.
    pub env: Env,
    /// In their order; only those that are there; at least one has a command.
    pub phases: Vec<Phase>,
    /// What to keep.
    pub artifacts: Option<Artifacts>,
    /// What is read and not done, a sentence each for the log.
    pub notes: Vec<Note>,
}

const KEYS: [&str; 9] = [
    "version",
    "run-as",
    "env",
    "proxy",
    "batch",
    "phases",
    "reports",
    "artifacts",
    "cache",
];

/// Read a `buildspec.yml` of version 0.2.
pub fn parse(text: &[u8]) -> Result<Buildspec, Error> {
    let node = yaml::read(text)?;
    if let Value::Null(_) = node.value {
        return Err(Error::Empty);
    }
    refuse_old(&node)?;
    let file = Section::of(&node, "", &KEYS)?;
    version(&file)?;
    batch(&file)?;
    let mut notes = Vec::new();
    skipped::top(&file, &mut notes)?;
    let env = env::read(&file, &mut notes)?;
    let phases = phase::read(&file, &mut notes)?;
    let artifacts = artifacts::read(&file, &mut notes)?;
    notes.sort_by_key(|note| note.line);
    Ok(Buildspec {
        env,
        phases,
        artifacts,
        notes,
    })
}

/// Before the keys are judged: to a file of version 0.1 the version is what matters.
fn refuse_old(node: &Node) -> Result<(), Error> {
    let Value::Map(entries) = &node.value else {
        return Ok(());
    };
    let version = entries.iter().find(|(key, _)| key.name == "version");
    match version.map(|(_, node)| (node.at, &node.value)) {
        Some((at, Value::Text(text))) if text == "0.1" => Err(Error::OldVersion { at }),
        _ => Ok(()),
    }
}

fn version(file: &Section<'_>) -> Result<(), Error> {
    match file.text("version")? {
        None => Err(Error::NoVersion),
        Some((_, found)) if found == "0.2" => Ok(()),
        Some((at, found)) => Err(Error::UnknownVersion {
            at,
            found: shown(&found),
        }),
    }
}

fn batch(file: &Section<'_>) -> Result<(), Error> {
    match file.place("batch") {
        None => Ok(()),
        Some(at) => Err(Error::Unavailable {
            at,
            key: "batch".to_owned(),
            why: "it asks for several builds, and one request starts one build: remove it, or name \
                  a job of CodeBuild in the forge's settings",
        }),
    }
}
