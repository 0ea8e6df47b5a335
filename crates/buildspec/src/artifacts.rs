//! `artifacts`: which files are kept.

use std::collections::BTreeMap;

use crate::error::shown;
use crate::read::{Section, entries, text, texts};
use crate::yaml::{Key, Node, Value};
use crate::{Error, Note, Place, Template, relative};

/// The `artifacts` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifacts {
    /// The set without a name of its own.
    pub primary: ArtifactSet,
    /// `secondary-artifacts` by identifier: letters, digits, `_` and `-`.
    pub secondary: BTreeMap<String, ArtifactSet>,
}

/// One set of files. [`ArtifactSet::selection`] says which they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactSet {
    /// Patterns, relative to the base directory.
    pub files: Vec<Template>,
    /// Where the patterns begin; it may have wild cards. The source directory if absent.
    pub base_directory: Option<Template>,
    /// Patterns of files that are left out, relative to the base directory.
    pub exclude_paths: Vec<Template>,
    /// Whether folders stay.
    pub paths: Paths,
    /// The name of the set's folder; see [`relative`] for what a name may be once expanded.
    pub name: Option<Template>,
}

/// `discard-paths`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Paths {
    /// Files keep their folders.
    #[default]
    Keep,
    /// All files land in one folder.
    Discard,
}

const KEYS: [&str; 9] = [
    "files",
    "name",
    "discard-paths",
    "base-directory",
    "exclude-paths",
    "enable-symlinks",
    "s3-prefix",
    "type",
    "secondary-artifacts",
];

pub(crate) fn read(file: &Section<'_>, notes: &mut Vec<Note>) -> Result<Option<Artifacts>, Error> {
    let Some(node) = file.get("artifacts") else {
        return Ok(None);
    };
    if let Value::Null(_) = node.value {
        return Ok(None);
    }
    let section = Section::of(node, "artifacts", &KEYS)?;
    Ok(Some(Artifacts {
        primary: set(&section, notes)?,
        secondary: secondary(&section, notes)?,
    }))
}

fn secondary(
    section: &Section<'_>,
    notes: &mut Vec<Note>,
) -> Result<BTreeMap<String, ArtifactSet>, Error> {
    let path = section.path("secondary-artifacts");
    let Some(node) = section.get("secondary-artifacts") else {
        return Ok(BTreeMap::new());
    };
    let mut sets = BTreeMap::new();
    for (key, content) in entries(node, &path)? {
        let identifier = identifier(key, &path)?;
        let path = format!("{path}.{identifier}");
        let section = Section::of(content, &path, &KEYS[..KEYS.len() - 1])?;
        sets.insert(identifier, set(&section, notes)?);
    }
    Ok(sets)
}

/// It names a folder on this machine.
fn identifier(key: &Key, path: &str) -> Result<String, Error> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if key.name.is_empty() || key.name.len() > 128 || !key.name.chars().all(allowed) {
        return Err(Error::BadValue {
            at: key.at,
            key: path.to_owned(),
            found: shown(&key.name),
            remedy: "name a set with letters, digits, `_` and `-`, 128 at most",
        });
    }
    Ok(key.name.clone())
}

fn set(section: &Section<'_>, notes: &mut Vec<Note>) -> Result<ArtifactSet, Error> {
    skip(section, notes)?;
    let files = match section.get("files") {
        Some(node) => patterns(
            &texts(node, &section.path("files"))?,
            &section.path("files"),
        )?,
        None => Vec::new(),
    };
    if files.is_empty() {
        return Err(Error::MissingKey {
            at: section.at,
            inside: section.path.clone(),
            key: "files",
            remedy: "write `files:` and one `- …` for each pattern, such as `- '**/*'`",
        });
    }
    Ok(ArtifactSet {
        files,
        base_directory: base_directory(section)?,
        exclude_paths: exclude_paths(section)?,
        paths: if section.flag("discard-paths")? {
            Paths::Discard
        } else {
            Paths::Keep
        },
        name: section.text("name")?.map(|(_, text)| Template::new(text)),
    })
}

fn skip(section: &Section<'_>, notes: &mut Vec<Note>) -> Result<(), Error> {
    let links = section.flag("enable-symlinks")?;
    let skipped = [
        (
            "enable-symlinks",
            links,
            "files are collected, links are not",
        ),
        (
            "s3-prefix",
            section.get("s3-prefix").is_some(),
            "artifacts stay on this machine",
        ),
        (
            "type",
            section.get("type").is_some(),
            "version 0.2 does not use it",
        ),
    ];
    for (key, present, why) in skipped {
        if present {
            let at = section.place(key).unwrap_or(section.at);
            notes.push(Note::new(at, section.path(key), why));
        }
    }
    Ok(())
}

fn base_directory(section: &Section<'_>) -> Result<Option<Template>, Error> {
    let Some((at, text)) = section.text("base-directory")? else {
        return Ok(None);
    };
    let key = section.path("base-directory");
    if text.split('/').any(|part| part == "**") {
        return Err(Error::BadValue {
            at,
            key,
            found: shown(&text),
            remedy: "`**` has no place here: name one folder, with `*` in its name if need be",
        });
    }
    pattern(at, &text, &key).map(Some)
}

/// The reference shows it as one text and says "one or more": both are read.
fn exclude_paths(section: &Section<'_>) -> Result<Vec<Template>, Error> {
    let key = section.path("exclude-paths");
    let texts = match section.get("exclude-paths") {
        None => Vec::new(),
        Some(
            node @ Node {
                value: Value::Text(_),
                at,
            },
        ) => vec![(*at, text(node, &key)?)],
        Some(node) => texts(node, &key)?,
    };
    patterns(&texts, &key)
}

fn patterns(texts: &[(Place, String)], key: &str) -> Result<Vec<Template>, Error> {
    texts
        .iter()
        .map(|(at, text)| pattern(*at, text, key))
        .collect()
}

fn pattern(at: Place, text: &str, key: &str) -> Result<Template, Error> {
    let bad = |remedy| Error::BadValue {
        at,
        key: key.to_owned(),
        found: shown(text),
        remedy,
    };
    let template = Template::new(text.to_owned());
    if template.expand(&|_| None).is_none() {
        return Err(bad(
            "only variables, `$NAME` or `${NAME}`, are replaced here",
        ));
    }
    // What a variable stands for is judged when it is known: `Unusable`.
    if relative(text).is_none() {
        return Err(bad(
            "only files below the source directory are collected: copy them there in a command, \
             and write the path from there",
        ));
    }
    Ok(template)
}
