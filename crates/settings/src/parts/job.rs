//! `[defaults]`, and what each job says otherwise

use std::{collections::BTreeMap, fmt, time::Duration};

use super::{DAY, SECOND};
use crate::{
    error::Complaint,
    secret::SecretFile,
    section::{Read, Section},
    tree::Node,
    value::{self, Parsed, Wrong},
};

/// What to run, with every default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its name, as in `local/<name>`.
    pub name: String,
    /// The file in the repository that says how to build.
    pub buildspec: TreePath,
    /// In whose tree.
    pub from: Whose,
    /// How long it may run.
    pub timeout: Duration,
    /// Of builds that are not strangers'.
    pub network: Network,
    /// Of strangers' builds.
    pub strangers_network: Network,
    /// What becomes of a build that was running when the program stopped.
    pub interrupted: Interrupted,
    /// Variables that everybody may see.
    pub environment: BTreeMap<String, String>,
    /// Variables with a secret; never for strangers' builds.
    pub secret_files: BTreeMap<String, SecretFile>,
}

/// A path from the root of a repository, that stays in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreePath(String);

impl TreePath {
    /// The path as git spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose buildspec counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The commit's that is built.
    Head,
    /// The branch's that the pull request goes into.
    Target,
}

/// Whether a build reaches the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// It does.
    On,
    /// It does not.
    Off,
}

/// What becomes of a build that was running when the program stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// It starts again.
    Restart,
    /// It is reported as an error.
    Error,
}

const WHOSE: &[(&str, Whose)] = &[("head", Whose::Head), ("target", Whose::Target)];
const INTERRUPTED: &[(&str, Interrupted)] = &[
    ("restart", Interrupted::Restart),
    ("error", Interrupted::Error),
];

/// What `[defaults]` says, and a job may say otherwise.
#[derive(Clone)]
pub(crate) struct Defaults {
    buildspec: TreePath,
    from: Whose,
    timeout: Duration,
    network: Network,
    strangers_network: Network,
    interrupted: Interrupted,
}

impl Defaults {
    /// The section itself, or a job's; what a job leaves out is as in `otherwise`.
    pub(crate) fn read(section: &mut Section<'_>, otherwise: Option<&Self>) -> Read<Self> {
        let or = otherwise;
        let timeouts = value::lasting(SECOND..=7 * DAY);
        let buildspec = section.or("buildspec", tree_path, or.map(|or| or.buildspec.clone()));
        let from = section.or("from", value::choice(WHOSE), or.map(|or| or.from));
        let timeout = section.or("timeout", timeouts, or.map(|or| or.timeout));
        let network = section.or("network", network, or.map(|or| or.network));
        let strangers_network = or.map(|or| or.strangers_network);
        let strangers_network = section.or("strangers_network", self::network, strangers_network);
        let interrupted = or.map(|or| or.interrupted);
        let interrupted = section.or("interrupted", value::choice(INTERRUPTED), interrupted);
        Ok(Self {
            buildspec: buildspec?,
            from: from?,
            timeout: timeout?,
            network: network?,
            strangers_network: strangers_network?,
            interrupted: interrupted?,
        })
    }
}

impl Job {
    pub(crate) fn read(name: &str, section: &mut Section<'_>, defaults: &Defaults) -> Read<Self> {
        let name = job_name(name, section);
        let own = Defaults::read(section, Some(defaults));
        let environment = section.entries("environment", |name, node| {
            variable(name).and_then(|()| value::text(node))
        });
        let credentials = section.environment().credentials();
        let secret_files = section.entries("secret_files", |name, node| {
            variable(name).and_then(|()| SecretFile::read_path(node, credentials.as_deref()))
        });
        let own = own?;
        Ok(Self {
            name: name?,
            buildspec: own.buildspec,
            from: own.from,
            timeout: own.timeout,
            network: own.network,
            strangers_network: own.strangers_network,
            interrupted: own.interrupted,
            environment: environment?.into_iter().collect(),
            secret_files: secret_files?.into_iter().collect(),
        })
    }
}

/// A job's name is part of a flag's: what a flag cannot show, no job is called.
fn job_name(name: &str, section: &Section<'_>) -> Read<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if (1..=50).contains(&name.len()) && name.chars().all(plain) {
        return Ok(name.to_owned());
    }
    let complaint = Complaint::JobName {
        key: section.key().clone(),
    };
    Err(section.report(section.place(), complaint))
}

fn network(node: &Node) -> Parsed<Network> {
    value::switch(node).map(|on| if on { Network::On } else { Network::Off })
}

fn tree_path(node: &Node) -> Parsed<TreePath> {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git");
    let clean = |text: &&str| {
        text.len() <= 1024 && !text.contains(['\\', '\0']) && text.split('/').all(plain)
    };
    match node.text().filter(clean) {
        Some(text) => Ok(TreePath(text.to_owned())),
        None => Err(Wrong::Write(
            "a path from the root of the repository, such as \"ci/buildspec.yml\"".to_owned(),
        )),
    }
}

/// A variable that a job may set: a name for every shell, and none of the contract's section 3.
fn variable(name: &str) -> Parsed<()> {
    if !is_variable(name) {
        return Err(Wrong::VariableName);
    }
    let own = ["CI", "REPO", "BRANCH", "BRANCH_TO", "cause"].contains(&name);
    if own || name.starts_with("CHELA_") || name.starts_with("CODEBUILD_") {
        return Err(Wrong::Reserved);
    }
    Ok(())
}

/// Whether it is a name that every shell takes.
pub(crate) fn is_variable(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(plain)
}
