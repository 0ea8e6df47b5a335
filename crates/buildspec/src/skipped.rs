//! What one machine skips, and the sentence that says so in the log.

use std::fmt;

use crate::read::{Section, entries, join, texts};
use crate::yaml::Node;
use crate::{Error, Place};

/// Something that was read and is not done here. Its `Display` is a sentence for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The line of the buildspec.
    pub line: u64,
    /// The key's whole path.
    pub key: String,
    why: &'static str,
}

impl Note {
    pub(crate) fn new(at: Place, key: impl Into<String>, why: &'static str) -> Self {
        Self {
            line: at.line,
            key: key.into(),
            why,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "buildspec line {}: `{}` is skipped: {}",
            self.line, self.key, self.why
        )
    }
}

pub(crate) const RUN_AS: &str = "every command runs as the one user of the sandbox";

pub(crate) fn top(file: &Section<'_>, notes: &mut Vec<Note>) -> Result<(), Error> {
    if let Some((at, _)) = file.text("run-as")? {
        notes.push(Note::new(at, "run-as", RUN_AS));
    }
    proxy(file, notes)?;
    reports(file, notes)?;
    cache(file, notes)
}

fn proxy(file: &Section<'_>, notes: &mut Vec<Note>) -> Result<(), Error> {
    let Some(node) = file.get("proxy") else {
        return Ok(());
    };
    let proxy = Section::of(node, "proxy", &["upload-artifacts", "logs"])?;
    for key in ["upload-artifacts", "logs"] {
        if proxy.flag(key)? {
            let at = proxy.place(key).unwrap_or(node.at);
            let why = "log and artifacts stay on this machine, no proxy carries them";
            notes.push(Note::new(at, proxy.path(key), why));
        }
    }
    Ok(())
}

fn reports(file: &Section<'_>, notes: &mut Vec<Note>) -> Result<(), Error> {
    const KEYS: [&str; 4] = ["files", "file-format", "base-directory", "discard-paths"];
    let (Some(node), Some(at)) = (file.get("reports"), file.place("reports")) else {
        return Ok(());
    };
    let groups = entries(node, "reports")?;
    for (group, content) in groups {
        let group = Section::of(content, &join("reports", &group.name), &KEYS)?;
        texts_of(group.get("files"), &group.path("files"))?;
        group.text("file-format")?;
        group.text("base-directory")?;
        group.flag("discard-paths")?;
    }
    if !groups.is_empty() {
        let why =
            "test reports are not collected here; list their files in `artifacts` to keep them";
        notes.push(Note::new(at, "reports", why));
    }
    Ok(())
}

fn cache(file: &Section<'_>, notes: &mut Vec<Note>) -> Result<(), Error> {
    const KEYS: [&str; 4] = ["key", "fallback-keys", "action", "paths"];
    let (Some(node), Some(at)) = (file.get("cache"), file.place("cache")) else {
        return Ok(());
    };
    let cache = Section::of(node, "cache", &KEYS)?;
    cache.text("key")?;
    texts_of(cache.get("fallback-keys"), "cache.fallback-keys")?;
    cache.text("action")?;
    texts_of(cache.get("paths"), "cache.paths")?;
    if !entries(node, "cache")?.is_empty() {
        let why = "every build starts from its commit alone";
        notes.push(Note::new(at, "cache", why));
    }
    Ok(())
}

fn texts_of(node: Option<&Node>, path: &str) -> Result<(), Error> {
    node.map_or(Ok(()), |node| texts(node, path).map(|_| ()))
}
