//! Every text that a refused buildspec's author reads.

use std::fmt;

use crate::MAX_BYTES;

/// Where in the file, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The character in it.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a buildspec is refused, and what to change in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Larger than [`MAX_BYTES`].
    #[error(
        "the file has more than the {MAX_BYTES} bytes that are read: move long commands \
         into a script of the repository"
    )]
    TooLarge,
    /// Not UTF-8.
    #[error("line {line}: the file is not UTF-8: save it in that encoding")]
    NotUtf8 {
        /// The line with the first wrong byte.
        line: usize,
    },
    /// No content.
    #[error("the file is empty: write at least `version: 0.2` and one phase with commands")]
    Empty,
    /// Not YAML, or YAML that nobody needs for this.
    #[error("{at}: {message}")]
    Yaml {
        /// Where.
        at: Place,
        /// What is wrong and what to do.
        message: String,
    },
    /// No `version`.
    #[error("`version` is missing: write `version: 0.2` as the first line")]
    NoVersion,
    /// Version 0.1, which runs each command in a shell of its own.
    #[error(
        "{at}: version 0.1 runs every command in a shell of its own, which is not done here: write \
         `version: 0.2`, `env` for `environment_variables` and `variables` for `plaintext`"
    )]
    OldVersion {
        /// Where.
        at: Place,
    },
    /// Neither 0.1 nor 0.2.
    #[error("{at}: `version` is `{found}`, which nobody knows: write `version: 0.2`")]
    UnknownVersion {
        /// Where.
        at: Place,
        /// What was written.
        found: String,
    },
    /// A key that the reference does not have.
    #[error("{at}: `{key}` is not known in {}: {advice}", Section(.inside))]
    UnknownKey {
        /// Where.
        at: Place,
        /// What was written.
        key: String,
        /// The section; empty for the whole file.
        inside: String,
        /// What may have been meant.
        advice: String,
    },
    /// A key that has to be there.
    #[error("{at}: {} has no `{key}`: {remedy}", Section(.inside))]
    MissingKey {
        /// Where the section is.
        at: Place,
        /// The section; empty for the whole file.
        inside: String,
        /// What it lacks.
        key: &'static str,
        /// What to write.
        remedy: &'static str,
    },
    /// A list where a text is expected, and the like.
    #[error("{at}: {} is {found}, expected {expected}", Section(.key))]
    WrongKind {
        /// Where.
        at: Place,
        /// The key's whole path.
        key: String,
        /// What was written.
        found: &'static str,
        /// What is wanted, with an example.
        expected: &'static str,
    },
    /// `- echo "a: b"` and its kin.
    #[error(
        "{at}: the command in `{key}` is a map for YAML, because `: ` (or a `:` at the end) stands \
         in it outside of quotes: put the whole command in single quotes, or write `- |` and the \
         command on the next line, further in"
    )]
    CommandIsMap {
        /// Where.
        at: Place,
        /// The list.
        key: String,
    },
    /// `-` with nothing after it.
    #[error("{at}: `{key}` has an item without text: remove the `-`, or put it in quotes")]
    EmptyItem {
        /// Where.
        at: Place,
        /// The list.
        key: String,
    },
    /// A name that no shell could use.
    #[error(
        "{at}: `{name}` in `{key}` cannot be a variable's name: use letters, digits and `_`, with \
         no digit at the start"
    )]
    VariableName {
        /// Where.
        at: Place,
        /// The section.
        key: String,
        /// What was written.
        name: String,
    },
    /// `CODEBUILD_…`.
    #[error("{at}: `{name}` is reserved, like every name with `CODEBUILD_`: take another name")]
    ReservedVariable {
        /// Where.
        at: Place,
        /// What was written.
        name: String,
    },
    /// `null` or `~`.
    #[error(
        "{at}: `{key}` has no value: write `\"\"` if it shall be empty, or put the word in quotes"
    )]
    NoValue {
        /// Where.
        at: Place,
        /// The key's whole path.
        key: String,
    },
    /// A NUL, which no program's arguments and variables can hold.
    #[error("{at}: `{key}` has a NUL character: remove it")]
    Nul {
        /// Where.
        at: Place,
        /// The key's whole path.
        key: String,
    },
    /// None of the values a key can have.
    #[error("{at}: `{key}` is `{found}`: {remedy}")]
    BadValue {
        /// Where.
        at: Place,
        /// The key's whole path.
        key: String,
        /// What was written.
        found: String,
        /// What to write instead.
        remedy: &'static str,
    },
    /// The build would need what one machine does not have.
    #[error("{at}: `{key}` cannot be had here: {why}")]
    Unavailable {
        /// Where.
        at: Place,
        /// The key's whole path.
        key: String,
        /// The reason and the remedy.
        why: &'static str,
    },
    /// Phases without a single command.
    #[error(
        "{at}: no phase has a command, and a build that does nothing would pass: write at least \
         one under `build`"
    )]
    NothingToRun {
        /// Where `phases` stands.
        at: Place,
    },
}

/// A section's path in an error; the whole file's is empty.
struct Section<'a>(&'a str);

impl fmt::Display for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => f.write_str("the file"),
            path => write!(f, "`{path}`"),
        }
    }
}

/// A stranger's text as an error may show it: short, and harmless to a terminal.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let mut shown: String = text
        .chars()
        .take(MOST)
        .flat_map(|c| {
            if c.is_control() {
                c.escape_default().collect::<Vec<_>>()
            } else {
                vec![c]
            }
        })
        .collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}
