//! The name of a commit.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// 40 lower-case hexadecimal digits (Pagure stores no longer names).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitId(String);

/// The text names no commit.
#[derive(Debug, thiserror::Error)]
#[error(
    "not a commit: give its full name of 40 lower-case hexadecimal digits (`git rev-parse HEAD` prints it)"
)]
pub struct InvalidCommit;

impl CommitId {
    /// The 40 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CommitId {
    type Err = InvalidCommit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for CommitId {
    type Error = InvalidCommit;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if text.len() == 40 && hex {
            Ok(Self(text))
        } else {
            Err(InvalidCommit)
        }
    }
}

impl From<CommitId> for String {
    fn from(id: CommitId) -> Self {
        id.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
