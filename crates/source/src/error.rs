//! Why there is no source, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chela_contract::CommitId;
use chela_outbound::{Audience, Failure, Refused};

use crate::note::Place;

/// A limit of [`crate::Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// `Limits::received`
    Received,
    /// `Limits::unpacked`
    Unpacked,
    /// `Limits::files`
    Files,
    /// `Limits::file`
    File,
    /// `Limits::path`
    Path,
    /// `Limits::depth`
    Depth,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Received => "bytes to receive",
            Self::Unpacked => "bytes when unpacked",
            Self::Files => "files, links and directories",
            Self::File => "bytes in one file or directory listing",
            Self::Path => "bytes in one path",
            Self::Depth => "directories inside each other",
        })
    }
}

/// Why one commit could not be fetched. Each sentence says what to change.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The clone URL is none that may be asked.
    #[error("the clone URL cannot be used: {}", .0.explain(Audience::Program))]
    Refused(#[from] Refused),
    /// No answer.
    #[error("{}", .0.explain(Audience::Program))]
    Unreachable(Failure),
    /// A redirect; it could lead anywhere, so it is not followed.
    #[error("{host} redirects to {location}: use that as the clone URL, if you trust it")]
    Redirected {
        /// The clone URL's host.
        host: String,
        /// As the server wrote it.
        location: Place,
    },
    /// No such repository, or not for everybody.
    #[error(
        "{host} does not show this repository without a password (HTTP status {status}): check the \
         clone URL, and let everybody read the repository"
    )]
    NotPublic {
        /// The clone URL's host.
        host: String,
        /// 401, 403, 404 or 410.
        status: u16,
    },
    /// Another status than 200.
    #[error("{host} answered with HTTP status {status}; look into its log")]
    Status {
        /// The clone URL's host.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// It does not speak git's protocol.
    #[error(
        "{host} did not answer as a git server does: {cause}; check the clone URL with `git \
         ls-remote`"
    )]
    NotGit {
        /// The clone URL's host.
        host: String,
        /// What is wrong.
        cause: &'static str,
    },
    /// The git server's own words.
    #[error("the git server at {host} refuses: {text}")]
    Said {
        /// The clone URL's host.
        host: String,
        /// As the server wrote it.
        text: Place,
    },
    /// The answer ended before its time.
    #[error("the connection to {host} broke off ({cause}); try again")]
    BrokeOff {
        /// The clone URL's host.
        host: String,
        /// What the system said.
        cause: String,
    },
    /// There is no such branch or tag.
    #[error("the repository has no {refname}; push it, or ask for one that exists")]
    NoRef {
        /// `refs/heads/…` or `refs/tags/…`
        refname: Place,
    },
    /// The server does not hand this commit out.
    #[error(
        "the server does not hand out the commit {commit}: no branch or tag points to it any \
         more, or it is gone; ask for the newest commit, or let the server speak git's protocol \
         version 2 (or set uploadpack.allowReachableSHA1InWant there)"
    )]
    NoCommit {
        /// The commit that was asked for.
        commit: CommitId,
    },
    /// The name leads to another kind of object.
    #[error("{commit} is not a commit; ask for a commit, or for a tag of one")]
    NotACommit {
        /// The object that was asked for.
        commit: CommitId,
    },
    /// The pack cannot be read.
    #[error("the pack from {host} cannot be read: {cause}; try again, then run `git fsck` there")]
    BadPack {
        /// The clone URL's host.
        host: String,
        /// What is wrong.
        cause: String,
    },
    /// The pack lacks something of the commit.
    #[error("the pack does not hold all of the commit: {place} is missing; run `git fsck` there")]
    Incomplete {
        /// A path, or the commit's name.
        place: Place,
    },
    /// A name that git itself refuses, or one that stands twice in a directory.
    #[error("{path} cannot be a file of a repository: {cause}; take it out of the commit")]
    BadName {
        /// Where.
        path: Place,
        /// What is wrong.
        cause: &'static str,
    },
    /// More than [`crate::Limits`] allow.
    #[error(
        "the commit has too much: more than {limit} {what}; make it smaller, or raise the limit"
    )]
    TooMuch {
        /// Which limit.
        what: Excess,
        /// How much may be.
        limit: u64,
    },
    /// It took longer than [`crate::Limits`] allow.
    #[error("fetching took longer than {} s; try again, or raise the limit", .limit.as_secs_f32())]
    TooSlow {
        /// How long it may take.
        limit: Duration,
    },
    /// The directory cannot be made or filled.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Whoever receives the zip takes no more of it; this is its own error.
    #[error("the zip could not be handed on: {0}; look there for the cause, and try again")]
    Output(#[source] io::Error),
}

/// What is wrong with the place that files are written to.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Something is there already.
    #[error("{} is there already and not an empty directory; name another one", .path.display())]
    Occupied {
        /// The target.
        path: PathBuf,
    },
    /// The system says no.
    #[error("{} cannot be written: {cause}; check its disk and its permissions", .path.display())]
    Unwritable {
        /// The target, or a file of the work beside it.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

impl TargetError {
    pub(crate) fn unwritable(path: &Path, cause: io::Error) -> Self {
        Self::Unwritable {
            path: path.to_owned(),
            cause,
        }
    }
}

impl Error {
    pub(crate) fn bad_pack(host: &str, cause: &str) -> Self {
        Self::BadPack {
            host: host.to_owned(),
            cause: cause.to_owned(),
        }
    }

    /// Whether the same fetch may work later although nobody changes anything.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(failure) => !failure.is_final(),
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..),
            Self::Said { .. }
            | Self::BrokeOff { .. }
            | Self::BadPack { .. }
            | Self::TooSlow { .. }
            | Self::Target(TargetError::Unwritable { .. })
            | Self::Output(_) => true,
            Self::Refused(_)
            | Self::Redirected { .. }
            | Self::NotPublic { .. }
            | Self::NotGit { .. }
            | Self::NoRef { .. }
            | Self::NoCommit { .. }
            | Self::NotACommit { .. }
            | Self::Incomplete { .. }
            | Self::BadName { .. }
            | Self::TooMuch { .. }
            | Self::Target(TargetError::Occupied { .. }) => false,
        }
    }

    /// Through an interface that knows [`io::Error`] only.
    pub(crate) fn into_io(self) -> io::Error {
        io::Error::other(self)
    }

    /// Out of it again; anything else is the connection's end.
    pub(crate) fn from_io(error: io::Error, host: &str) -> Self {
        let cause = error.to_string();
        error.downcast::<Self>().unwrap_or(Self::BrokeOff {
            host: host.to_owned(),
            cause,
        })
    }
}
