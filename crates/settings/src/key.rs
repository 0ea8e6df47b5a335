//! Where a setting stands: its path of names, and the file or variable that says it.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The names that lead to a setting: `builds.parallel`, `projects."demo/hello".token_file`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<String>);

impl Key {
    pub(crate) fn of(names: &[&str]) -> Self {
        Self(names.iter().map(|&name| name.to_owned()).collect())
    }

    pub(crate) fn then(&self, name: &str) -> Self {
        let mut names = self.0.clone();
        names.push(name.to_owned());
        Self(names)
    }

    /// The section that it is in; empty for a section of the top.
    #[must_use]
    pub fn section(&self) -> Self {
        let end = self.0.len().saturating_sub(1);
        Self(self.0[..end].to_vec())
    }

    /// The last of the names.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    /// How the environment spells it: `CHELA_BUILDS__PARALLEL`.
    pub(crate) fn variable(&self) -> String {
        format!("CHELA_{}", self.0.join("__").to_ascii_uppercase())
    }

    /// Whether it is a section's name, and no setting's.
    pub(crate) fn is_top(&self) -> bool {
        self.0.len() <= 1
    }
}

/// As TOML spells it: what is no plain name is quoted.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
            if !name.is_empty() && name.bytes().all(plain) {
                f.write_str(name)?;
            } else {
                write!(f, "{name:?}")?;
            }
        }
        Ok(())
    }
}

/// Where a value was written; in the order in which mistakes are best looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the file that is built in, or nowhere yet.
    Default,
    /// In a file, on this line, counted from 1.
    Line {
        /// The file.
        file: Arc<Path>,
        /// Its line.
        line: usize,
    },
    /// Nowhere, but this file is where it would belong.
    File(PathBuf),
    /// In a variable of the environment.
    Variable(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the built-in settings"),
            Self::Line { file, line } => write!(f, "{}, line {line}", file.display()),
            Self::Variable(name) => write!(f, "{name} (environment)"),
            Self::File(file) => write!(f, "{}", file.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_spelled_as_in_the_file_and_as_in_the_environment() {
        let key = Key::of(&["projects", "demo/hello", "jobs", "test"]);
        assert_eq!(key.to_string(), "projects.\"demo/hello\".jobs.test");
        assert_eq!(
            Key::of(&["builds", "keep_builds"]).variable(),
            "CHELA_BUILDS__KEEP_BUILDS"
        );
    }
}
