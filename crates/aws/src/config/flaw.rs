//! What is wrong with the map of callers, where, and what to write instead: every text of it.

use std::fmt;

/// Why the map cannot be used: all that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct BadConfig(pub Vec<Flaw>);

/// One thing that is wrong, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The names that lead to the member; empty for the whole.
    pub path: Path,
    /// What is wrong with it, and what to write.
    pub complaint: Complaint,
}

/// Where a member stands: `callers."arn:…"."demo/hello".strangers`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<String>);

/// What is wrong, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Complaint {
    /// It cannot be read at all.
    #[error("is not JSON: {0}")]
    Syntax(String),
    /// A value of the wrong kind or out of range.
    #[error("is {found}; write {write}")]
    Wrong {
        /// What stands there.
        found: String,
        /// What should.
        write: &'static str,
    },
    /// No member is called so.
    #[error("is not known here; {}", hint(.nearest.as_ref(), .known))]
    Unknown {
        /// What may have been meant.
        nearest: Option<String>,
        /// All that there is.
        known: &'static [&'static str],
    },
    /// What must be said.
    #[error("is missing; write {write}")]
    Missing {
        /// What to write.
        write: &'static str,
    },
    /// The same again.
    #[error("stands there twice, perhaps in another spelling; write both into one")]
    Twice,
    /// Nothing is in it.
    #[error("is empty; write {write}")]
    Empty {
        /// What to write.
        write: &'static str,
    },
    /// A caller that is none.
    #[error(
        "is no IAM user; write the ARN of the user whose access key Pagure has, such as \
         arn:aws:iam::123456789012:user/pagure-demo-hello"
    )]
    Caller,
    /// What no project is called.
    #[error(
        "is no project; write its name as Pagure does, such as demo/hello or forks/ada/demo/hello"
    )]
    Project,
    /// A project of two callers.
    #[error("stands below {other} as well; each project belongs to one caller")]
    Shared {
        /// The other caller.
        other: String,
    },
    /// What no job is called.
    #[error(
        "is no job; write codebuild/ or codepipeline/, and up to 40 letters, digits, \".\", \"_\" \
         and \"-\", such as codebuild/hello{}", engine(.nearest.as_ref())
    )]
    Job {
        /// The engine that may have been meant.
        nearest: Option<String>,
    },
    /// A job whose name is none of CodeBuild's or CodePipeline's.
    #[error("has no \"name\", and {name} is no name of {service}; write {write}")]
    Unnamed {
        /// The job's own name.
        name: String,
        /// Which service does not know such names.
        service: &'static str,
        /// What to write.
        write: &'static str,
    },
    /// No name of CodeBuild's or CodePipeline's.
    #[error("is no name of {service}; write {write}")]
    Name {
        /// Which service does not know such names.
        service: &'static str,
        /// What to write.
        write: &'static str,
    },
    /// Strangers would get what committers have.
    #[error(
        "is the project that committers' builds run in; name another one, whose role has no secrets"
    )]
    SameForStrangers,
}

impl Path {
    /// The path of a member of this one.
    pub(super) fn then(&self, name: &str) -> Self {
        let mut names = self.0.clone();
        names.push(name.to_owned());
        Self(names)
    }

    pub(super) fn flaw(&self, complaint: Complaint) -> Flaw {
        Flaw {
            path: self.clone(),
            complaint,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the map of callers");
        }
        for (at, name) in self.0.iter().enumerate() {
            let dot = if at > 0 { "." } else { "" };
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
            if !name.is_empty() && name.bytes().all(plain) {
                write!(f, "{dot}{name}")?;
            } else {
                write!(f, "{dot}{name:?}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.complaint)
    }
}

fn lines(flaws: &[Flaw]) -> String {
    let lines: Vec<String> = flaws.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn hint(nearest: Option<&String>, known: &[&str]) -> String {
    match nearest {
        Some(name) => format!("did you mean {name}?"),
        None => format!("here may stand: {}", known.join(", ")),
    }
}

fn engine(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean {name}/?"))
}
