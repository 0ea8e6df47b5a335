//! From the tree of values to sections, lists and texts, each with its error.

use crate::error::shown;
use crate::yaml::{Key, Node, Value};
use crate::{Error, Place};

/// A map whose keys are all known.
pub(crate) struct Section<'a> {
    pub(crate) at: Place,
    pub(crate) path: String,
    entries: &'a [(Key, Node)],
}

impl<'a> Section<'a> {
    /// `path` is empty for the whole file.
    pub(crate) fn of(node: &'a Node, path: &str, known: &[&'static str]) -> Result<Self, Error> {
        let entries = entries(node, path)?;
        if let Some((key, _)) = entries.iter().find(|(key, _)| !known.contains(&&*key.name)) {
            return Err(unknown(key, path, known));
        }
        Ok(Self {
            at: node.at,
            path: path.to_owned(),
            entries,
        })
    }

    pub(crate) fn get(&self, key: &str) -> Option<&'a Node> {
        let entry = self.entries.iter().find(|(found, _)| found.name == key)?;
        Some(&entry.1)
    }

    /// The place of the key itself, for what is said of the whole section below it.
    pub(crate) fn place(&self, key: &str) -> Option<Place> {
        let entry = self.entries.iter().find(|(found, _)| found.name == key)?;
        Some(entry.0.at)
    }

    pub(crate) fn path(&self, key: &str) -> String {
        join(&self.path, key)
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<(Place, String)>, Error> {
        let Some(node) = self.get(key) else {
            return Ok(None);
        };
        text(node, &self.path(key)).map(|text| Some((node.at, text)))
    }

    /// `yes` or `no`, in any of YAML's spellings; `no` if absent.
    pub(crate) fn flag(&self, key: &str) -> Result<bool, Error> {
        let Some((at, word)) = self.text(key)? else {
            return Ok(false);
        };
        match word.to_ascii_lowercase().as_str() {
            "yes" | "true" | "on" => Ok(true),
            "no" | "false" | "off" => Ok(false),
            _ => Err(Error::BadValue {
                at,
                key: self.path(key),
                found: shown(&word),
                remedy: "write `yes` or `no`",
            }),
        }
    }
}

/// The entries of a map with free names, such as `env.variables`. No value is an empty map.
pub(crate) fn entries<'a>(node: &'a Node, path: &str) -> Result<&'a [(Key, Node)], Error> {
    match &node.value {
        Value::Map(entries) => Ok(entries),
        Value::Null(_) => Ok(&[]),
        _ => Err(wrong_kind(
            node,
            path,
            "a map: `key: value` on lines of their own, further in",
        )),
    }
}

pub(crate) fn list<'a>(node: &'a Node, path: &str) -> Result<&'a [Node], Error> {
    match &node.value {
        Value::List(items) => Ok(items),
        Value::Null(_) => Ok(&[]),
        _ => Err(wrong_kind(node, path, "a list: one `- …` a line")),
    }
}

pub(crate) fn text(node: &Node, path: &str) -> Result<String, Error> {
    let key = || path.to_owned();
    match &node.value {
        Value::Text(text) if text.contains('\0') => Err(Error::Nul {
            at: node.at,
            key: key(),
        }),
        Value::Text(text) => Ok(text.clone()),
        Value::Null(_) => Err(Error::NoValue {
            at: node.at,
            key: key(),
        }),
        _ => Err(wrong_kind(node, path, "a text on the same line")),
    }
}

/// A list of texts, each with its place.
pub(crate) fn texts(node: &Node, path: &str) -> Result<Vec<(Place, String)>, Error> {
    let item = |(at, node): (usize, &Node)| match &node.value {
        Value::Null(_) => Err(Error::EmptyItem {
            at: node.at,
            key: path.to_owned(),
        }),
        _ => Ok((node.at, text(node, &format!("{path}[{at}]"))?)),
    };
    list(node, path)?.iter().enumerate().map(item).collect()
}

/// The path of a key, which may be a stranger's own word.
pub(crate) fn join(path: &str, key: &str) -> String {
    match path {
        "" => shown(key),
        _ => format!("{path}.{}", shown(key)),
    }
}

fn wrong_kind(node: &Node, path: &str, expected: &'static str) -> Error {
    let found = match node.value {
        Value::Null(_) => "empty",
        Value::Text(_) => "a text",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
    };
    let key = if path.is_empty() { "the file" } else { path };
    Error::WrongKind {
        at: node.at,
        key: key.to_owned(),
        found,
        expected,
    }
}

fn unknown(key: &Key, inside: &str, known: &[&'static str]) -> Error {
    Error::UnknownKey {
        at: key.at,
        key: shown(&key.name),
        inside: inside.to_owned(),
        advice: match nearest(&key.name, known) {
            Some(name) => format!("write `{name}` if that is meant"),
            None => format!("the known keys are {}", known.join(", ")),
        },
    }
}

fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    /// What version 0.1 and habit call them.
    const ALSO: [(&str, &str); 5] = [
        ("plaintext", "variables"),
        ("script", "commands"),
        ("steps", "commands"),
        ("paths", "files"),
        ("exclude", "exclude-paths"),
    ];
    const NEAR_ENOUGH: f64 = 0.6;

    let plain = |name: &str| name.to_ascii_lowercase().replace([' ', '_'], "-");
    let also = ALSO.iter().filter(|(other, _)| *other == key);
    if let Some((_, name)) = also.into_iter().find(|(_, name)| known.contains(name)) {
        return Some(name);
    }
    let score = |name: &str| {
        // `environment_variables` and every misspelling of it.
        if plain(key).starts_with(&plain(name)) {
            return 1.0;
        }
        strsim::normalized_damerau_levenshtein(&plain(key), &plain(name))
    };
    let scored = known.iter().map(|name| (score(name), *name));
    let near = scored.filter(|(score, _)| *score >= NEAR_ENOUGH);
    near.max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
