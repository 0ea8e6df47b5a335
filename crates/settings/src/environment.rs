//! The environment: variables that overlay the file, and variables that hold tokens.

use std::{collections::BTreeMap, ffi::OsString, fmt, path::PathBuf};

use secrecy::SecretString;

use crate::{
    error::{Complaint, Problem},
    key::{Key, Place},
    tree::{self, Node, Table, Value},
};

const PREFIX: &str = "CHELA_";

/// The variables of the environment, taken once.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars_os().collect()
    }

    /// The secret that a variable holds, without white space around it.
    pub(crate) fn secret(&self, name: &str) -> Option<SecretString> {
        let text = self.0.get(name)?.to_str()?;
        Some(text.trim().into())
    }

    /// The folder into which systemd's `LoadCredential=` puts files.
    pub(crate) fn credentials(&self) -> Option<PathBuf> {
        let folder = PathBuf::from(self.0.get("CREDENTIALS_DIRECTORY")?);
        folder.is_absolute().then_some(folder)
    }

    /// What the variables say, as a file would; `documented` is every setting that there is.
    pub(crate) fn settings(&self, documented: &[Key], problems: &mut Vec<Problem>) -> Table {
        let mut all = Table::new();
        for (name, value) in &self.0 {
            match setting(name, documented) {
                Ok(None) => {}
                Ok(Some((section, setting))) => match value.to_str() {
                    Some(text) => {
                        let node = tree::from_variable(name, text);
                        insert(&mut all, &section, setting, node);
                    }
                    None => problems.push(problem(name, Complaint::VariableNotText)),
                },
                Err(complaint) => problems.push(problem(name, complaint)),
            }
        }
        all
    }
}

impl<K: Into<OsString>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    /// A name that is no text can be no name of ours.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let named = variables.into_iter().filter_map(|(name, value)| {
            let name = name.into().into_string().ok()?;
            Some((name, value.into()))
        });
        Self(named.collect())
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The section and the setting that a variable's name stands for, if it stands for one.
fn setting(name: &str, documented: &[Key]) -> Result<Option<(String, String)>, Complaint> {
    let Some(rest) = name.strip_prefix(PREFIX) else {
        return Ok(None);
    };
    let Some((section, setting)) = rest.split_once("__") else {
        let squeezed = |key: &&Key| key.variable().replace("__", "_") == name.to_ascii_uppercase();
        return match documented.iter().find(squeezed) {
            Some(key) => Err(Complaint::Variable(key.variable())),
            None => Ok(None),
        };
    };
    if section.eq_ignore_ascii_case("projects") {
        return Err(Complaint::ProjectVariable);
    }
    let key = Key::of(&[section, setting]);
    if key.variable() != name {
        return Err(Complaint::Variable(key.variable()));
    }
    let lower = str::to_ascii_lowercase;
    Ok(Some((lower(section), lower(setting))))
}

fn insert(all: &mut Table, section: &str, setting: String, node: Node) {
    let place = node.place.clone();
    let entry = all.entry(section.to_owned()).or_insert_with(|| Node {
        place,
        value: Value::Table(Table::new()),
        raw: None,
    });
    if let Value::Table(table) = &mut entry.value {
        table.insert(setting, node);
    }
}

fn problem(name: &str, complaint: Complaint) -> Problem {
    Problem {
        place: Place::Variable(name.to_owned()),
        complaint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_printed() {
        let environment = Environment::from_iter([("HELLO_TOKEN", "opensesame")]);
        assert_eq!(format!("{environment:?}"), r#"{"HELLO_TOKEN"}"#);
    }
}
