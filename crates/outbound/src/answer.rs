//! What came back: an answer, or why there is none.

use std::fmt;
use std::time::Duration;

use chela_contract::Micros;

use crate::refused::{Audience, Refused};
use crate::sign::Unsendable;

/// What a target answered, of any status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Date`: when the target answered, by its own clock, in whole seconds.
    pub date: Option<Micros>,
    /// `Retry-After` as a duration from now, a day at most.
    pub retry_after: Option<Duration>,
    /// `Content-Type`, as sent.
    pub content_type: Option<String>,
    /// `Location`, as sent; it is never followed.
    pub location: Option<String>,
    /// The body as it came over the wire, at most [`crate::MAX_ANSWER_BYTES`] of it.
    pub body: Vec<u8>,
    /// Whether the body went on, or broke off, after what is here.
    pub truncated: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Not sent: the policy or the guard says no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Not sent: the message cannot be put into a request.
    #[error(transparent)]
    Unsendable(#[from] Unsendable),
    /// The name has no address, or nobody could tell it.
    #[error("the name {host} could not be resolved: {cause}")]
    Unresolved {
        /// The URL's host.
        host: String,
        /// What the resolver said.
        cause: String,
    },
    /// A time-out.
    #[error("{host} took too long {stage}")]
    Slow {
        /// The URL's host.
        host: String,
        /// What it was busy with.
        stage: Stage,
    },
    /// TLS failed: an untrusted, expired or foreign certificate, most often.
    #[error("no secure connection to {host}: {cause}")]
    Tls {
        /// The URL's host.
        host: String,
        /// What rustls said.
        cause: String,
    },
    /// No connection, or it broke.
    #[error("the connection to {host} failed: {cause}")]
    Connection {
        /// The URL's host.
        host: String,
        /// What the system said.
        cause: String,
    },
    /// Something answered, but not in HTTP.
    #[error("{host} did not answer in HTTP: {cause}")]
    Garbage {
        /// The URL's host.
        host: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// What was going on when time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The name was looked up.
    Resolving,
    /// The connection was made, TLS included.
    Connecting,
    /// The answer was awaited.
    Answering,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolving => "to be resolved",
            Self::Connecting => "to accept a connection",
            Self::Answering => "to answer",
        })
    }
}

impl Failure {
    /// Whether the same request would fail in the same way until somebody changes a setting.
    ///
    /// A certificate error is not final: no answer was given, certificates are renewed within the
    /// day, and meanwhile the reason is shown.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unsendable(_))
    }

    /// The reason and, where there is one, what to change.
    #[must_use]
    pub fn explain(&self, audience: Audience) -> String {
        match self {
            Self::Refused(refused) => refused.explain(audience),
            Self::Tls { .. } => format!("{self}; check the certificate of that host"),
            _ => self.to_string(),
        }
    }
}
