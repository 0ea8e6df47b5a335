//! `env`: shell and variables.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::shown;
use crate::read::{Section, entries, join, text, texts};
use crate::yaml::{Key, Value};
use crate::{Error, Note, Place};

/// The `env` section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Env {
    /// The shell of every command.
    pub shell: Shell,
    /// Variables with their values as written. Those of the request win over them.
    pub variables: BTreeMap<VariableName, String>,
    /// Variables whose values at the end of the build are of interest.
    pub exported: Vec<VariableName>,
}

/// What runs the commands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shell {
    /// `/bin/sh`, which a buildspec without `shell` gets.
    #[default]
    Sh,
    /// `bash`.
    Bash,
}

impl Shell {
    /// The program's name, absolute where the reference has it so.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Sh => "/bin/sh",
            Self::Bash => "bash",
        }
    }
}

/// A name that a shell can use: letters, digits and `_`, no digit at the start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableName(String);

impl VariableName {
    /// `None` if no shell could use it.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let starts = name.starts_with(|c: char| !c.is_ascii_digit());
        (starts && name.chars().all(letters)).then(|| Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VariableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const KEYS: [&str; 6] = [
    "shell",
    "variables",
    "parameter-store",
    "secrets-manager",
    "exported-variables",
    "git-credential-helper",
];

pub(crate) fn read(file: &Section<'_>, notes: &mut Vec<Note>) -> Result<Env, Error> {
    let Some(node) = file.get("env") else {
        return Ok(Env::default());
    };
    let env = Section::of(node, "env", &KEYS)?;
    refuse_stores(&env)?;
    if env.flag("git-credential-helper")? {
        let at = env.place("git-credential-helper").unwrap_or(env.at);
        let why = "no credential of the forge is within a build's reach";
        notes.push(Note::new(at, env.path("git-credential-helper"), why));
    }
    Ok(Env {
        shell: shell(&env)?,
        variables: variables(&env, notes)?,
        exported: exported(&env, notes)?,
    })
}

/// Their values would be missing, and a script that finds an empty variable may do anything.
fn refuse_stores(env: &Section<'_>) -> Result<(), Error> {
    const STORES: [(&str, &str); 2] = [
        (
            "parameter-store",
            "a build on one machine has no access to the Parameter Store: remove it, or name a job \
             of CodeBuild in the forge's settings",
        ),
        (
            "secrets-manager",
            "a build on one machine has no access to Secrets Manager: remove it, or name a job of \
             CodeBuild in the forge's settings",
        ),
    ];
    for (key, why) in STORES {
        let (Some(node), Some(at)) = (env.get(key), env.place(key)) else {
            continue;
        };
        if !entries(node, &env.path(key))?.is_empty() {
            return Err(Error::Unavailable {
                at,
                key: env.path(key),
                why,
            });
        }
    }
    Ok(())
}

fn shell(env: &Section<'_>) -> Result<Shell, Error> {
    let Some((at, name)) = env.text("shell")? else {
        return Ok(Shell::default());
    };
    let key = env.path("shell");
    match name.as_str() {
        "sh" | "/bin/sh" => Ok(Shell::Sh),
        "bash" | "/bin/bash" => Ok(Shell::Bash),
        "powershell.exe" | "cmd.exe" => Err(Error::Unavailable {
            at,
            key,
            why: "builds run on Linux: write `bash` or `/bin/sh`, and commands for it",
        }),
        _ => Err(Error::BadValue {
            at,
            key,
            found: shown(&name),
            remedy: "write `bash` or `/bin/sh`",
        }),
    }
}

fn variables(
    env: &Section<'_>,
    notes: &mut Vec<Note>,
) -> Result<BTreeMap<VariableName, String>, Error> {
    let path = env.path("variables");
    let Some(node) = env.get("variables") else {
        return Ok(BTreeMap::new());
    };
    let mut variables = BTreeMap::new();
    for (key, value) in entries(node, &path)? {
        let name = settable(key, &path)?;
        let here = join(&path, name.as_str());
        let value = match &value.value {
            Value::Null(written) if written.is_empty() => String::new(),
            _ => text(value, &here)?,
        };
        if of_the_request(&name) {
            let why = "the build request sets this variable, and its value wins";
            notes.push(Note::new(key.at, here, why));
        }
        variables.insert(name, value);
    }
    Ok(variables)
}

fn settable(key: &Key, path: &str) -> Result<VariableName, Error> {
    let name = variable_name(key.at, &key.name, path)?;
    if name.as_str().starts_with("CODEBUILD_") {
        return Err(Error::ReservedVariable {
            at: key.at,
            name: shown(&key.name),
        });
    }
    Ok(name)
}

fn variable_name(at: Place, name: &str, key: &str) -> Result<VariableName, Error> {
    VariableName::new(name).ok_or_else(|| Error::VariableName {
        at,
        key: key.to_owned(),
        name: shown(name),
    })
}

/// The names of the contract's section 3. `CodeBuild` too lets those of the started build win.
fn of_the_request(name: &VariableName) -> bool {
    const NAMES: [&str; 5] = ["CI", "REPO", "BRANCH", "BRANCH_TO", "cause"];
    name.as_str().starts_with("CHELA_") || NAMES.contains(&name.as_str())
}

fn exported(env: &Section<'_>, notes: &mut Vec<Note>) -> Result<Vec<VariableName>, Error> {
    let path = env.path("exported-variables");
    let Some(node) = env.get("exported-variables") else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    for (at, name) in texts(node, &path)? {
        let name = variable_name(at, &name, &path)?;
        if name.as_str().starts_with("AWS_") {
            let why = "variables with `AWS_` are never exported";
            notes.push(Note::new(at, join(&path, name.as_str()), why));
        } else if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}
