//! Why settings cannot be used, and what to write instead: every text of an error stands here.

use std::{fmt, io, path::PathBuf};

use crate::key::{Key, Place};

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{} cannot be read: {cause}; name another one with --config", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The file is no text.
    #[error("{} holds no text in UTF-8; save it as such", path.display())]
    NotText {
        /// Which one.
        path: PathBuf,
    },
    /// All that is wrong with the file and the environment, a line for each.
    #[error("{}", lines(.0))]
    Invalid(Vec<Problem>),
}

/// One thing that is wrong, where it stands, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What.
    pub complaint: Complaint,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.complaint)
    }
}

/// What is wrong. No value of a setting that may be a secret is ever part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Complaint {
    /// The file is no TOML. The reason quotes nothing of it.
    #[error("this is not TOML: {0}")]
    Syntax(String),
    /// A value of the wrong kind or out of range.
    #[error("{key} is {found}; write {write}")]
    Wrong {
        /// The setting.
        key: Key,
        /// What stands there.
        found: String,
        /// What should.
        write: String,
    },
    /// There is no default, and nobody has said it.
    #[error("{key} is missing; write {example} below [{}], or set {}", key.section(), key.variable())]
    Missing {
        /// The setting.
        key: Key,
        /// A line of the file.
        example: String,
    },
    /// No setting is called so.
    #[error("{key} is not a setting; {hint}")]
    Unknown {
        /// What was written.
        key: Key,
        /// What may have been meant.
        hint: Hint,
    },
    /// A secret in the file.
    #[error(
        "{key} would be a secret in the settings; put it into a file that not everybody may read, \
         and write {instead}"
    )]
    Secret {
        /// What was written.
        key: Key,
        /// The line to write.
        instead: &'static str,
    },
    /// Where a project's token is has to be said, once.
    #[error(
        "{project} has {count} of token_file and token_env; write one of the two: token_file with \
         the path of the file that holds the project's CI token, or token_env with a variable's name"
    )]
    TokenSource {
        /// The project.
        project: Key,
        /// None, or both.
        count: &'static str,
    },
    /// Two spellings of one project.
    #[error("{key} is the same project as another one here; write both into one section")]
    Twice {
        /// The second one.
        key: Key,
    },
    /// A file without its folder.
    #[error(
        "{key} is not an absolute path, and there is no $CREDENTIALS_DIRECTORY that it could be in; \
         write the file's whole path, beginning with /"
    )]
    Relative {
        /// The setting.
        key: Key,
    },
    /// A folder with secrets in it, for all builds to read.
    #[error(
        "sandbox.read_only has {folder:?}, and builds would read these settings, a secret or other builds \
         there; name a folder without them"
    )]
    Exposed {
        /// What builds would read.
        folder: PathBuf,
    },
    /// A name that every build already has a value for.
    #[error("{key} is set by chela itself in every build; choose another name")]
    Reserved {
        /// The variable.
        key: Key,
    },
    /// What no shell could set.
    #[error("{key} is no name of a variable; write letters, digits and _, and no digit first")]
    VariableName {
        /// The variable.
        key: Key,
    },
    /// What no flag could show.
    #[error(
        "{key} is no name of a job; write up to 50 letters, digits, \".\", \"_\" and \"-\", without \
         \"local/\" before it"
    )]
    JobName {
        /// The job.
        key: Key,
    },
    /// What no project is called.
    #[error(
        "{key} is no project; write its name as Pagure does, such as [projects.\"demo/hello\"]. Each \
         project is named, because each has a token of its own"
    )]
    ProjectName {
        /// What was written.
        key: Key,
    },
    /// A variable that looks like a setting.
    #[error("this variable means nothing; write {0}, with two underscores and in capitals")]
    Variable(String),
    /// A variable for what only the file can say.
    #[error("projects are set in the file only; write a section [projects.\"…\"] there")]
    ProjectVariable,
    /// A variable that is no text.
    #[error("this variable holds no text in UTF-8")]
    VariableNotText,
}

/// What may have been meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Something like it.
    Nearest(Key),
    /// The same name in another section.
    Elsewhere(Key),
    /// All that there is.
    Choices(Vec<String>),
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nearest(key) => write!(f, "did you mean {key}?"),
            Self::Elsewhere(key) => write!(f, "it belongs below [{}]", key.section()),
            Self::Choices(names) => write!(f, "here may stand: {}", names.join(", ")),
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
