//! What became of a call to AWS that did not work, and what to do about it.

use std::error::Error;
use std::fmt;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

mod codes;

use codes::Class;

/// As much of AWS's own words as a line of a log holds.
const MAX_CHARS: usize = 400;

/// A call to AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The right it needs, as a policy spells it: `codebuild:StartBuild`.
    pub action: &'static str,
    /// What it is about: a project, a queue, `bucket/key`.
    pub resource: String,
}

impl Call {
    /// A call of `action` on `resource`.
    pub fn new(action: &'static str, resource: impl Into<String>) -> Self {
        Self {
            action,
            resource: resource.into(),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)
    }
}

/// What a call to AWS came to when it did not work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// AWS is busy, out of order, or out of reach.
    #[error("{call} got no answer from AWS for now ({why}); try again later")]
    Passing {
        /// What was called.
        call: Call,
        /// AWS's words, or the connection's.
        why: String,
    },
    /// The function's role lacks a right.
    #[error(
        "AWS does not let this function call {} on {}: allow it in the policy of the function's \
         role ({why})", .call.action, .call.resource
    )]
    Denied {
        /// What was called.
        call: Call,
        /// AWS's words; they do not always name the right.
        why: String,
    },
    /// The credentials are none, too old, or wrong. The next invocation may have new ones.
    #[error(
        "AWS does not accept the credentials for {call} ({why}); try again later, then look at the \
         function's role and its AWS_… variables"
    )]
    Expired {
        /// What was called.
        call: Call,
        /// AWS's words.
        why: String,
    },
    /// It will not work until somebody changes something.
    #[error("{call} failed ({code}: {why}); {}", codes::remedy(.code))]
    Final {
        /// What was called.
        call: Call,
        /// AWS's code of the error.
        code: String,
        /// AWS's words.
        why: String,
    },
}

impl Failure {
    /// What `error` means for `call`.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "nobody has any more use for the error"
    )]
    pub fn of<E>(call: Call, error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let status = status_of(&error);
        match &error {
            SdkError::ServiceError(answer) => {
                let said = answer.err();
                Self::answered(call, status, said.code(), said.message())
            }
            // An answer that cannot be read: cut off, or a proxy's.
            SdkError::ResponseError(_) | SdkError::TimeoutError(_) => Self::passing(call, &error),
            SdkError::DispatchFailure(_) if lacks_credentials(&error) => Self::Expired {
                call,
                why: reasons(&error),
            },
            SdkError::DispatchFailure(failure) if !failure.is_user() => Self::passing(call, &error),
            _ => Self::Final {
                call,
                code: "RequestNotMade".to_owned(),
                why: reasons(&error),
            },
        }
    }

    /// What an answer means that is an error.
    fn answered(
        call: Call,
        status: Option<u16>,
        code: Option<&str>,
        message: Option<&str>,
    ) -> Self {
        let class = codes::class(status, code);
        let code = code.map_or_else(
            || status.map_or_else(|| "Unknown".to_owned(), |status| format!("HTTP {status}")),
            clean,
        );
        let why = match message {
            Some(message) if !message.trim().is_empty() => clean(message),
            _ => "AWS says no more".to_owned(),
        };
        match class {
            Class::Passing => Self::Passing {
                call,
                why: format!("{code}: {why}"),
            },
            Class::Denied => Self::Denied { call, why },
            Class::Expired => Self::Expired {
                call,
                why: format!("{code}: {why}"),
            },
            Class::Final => Self::Final { call, code, why },
        }
    }

    fn passing(call: Call, error: &(dyn Error + 'static)) -> Self {
        Self::Passing {
            call,
            why: reasons(error),
        }
    }

    /// Whether the same call may work later although nobody changes anything.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Passing { .. } | Self::Expired { .. })
    }

    /// AWS's code of an error that is for good.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Final { code, .. } => Some(code),
            Self::Passing { .. } | Self::Denied { .. } | Self::Expired { .. } => None,
        }
    }
}

/// The HTTP status of the answer, where there was one.
pub fn status_of<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}

/// The whole chain of reasons, on one line.
fn reasons(error: &(dyn Error + 'static)) -> String {
    let mut parts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        parts.push(cause.to_string());
        next = cause.source();
    }
    parts.dedup();
    clean(&parts.join(": "))
}

/// Whether the call ended before it was signed.
fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(cause) = next {
        if cause.is::<aws_credential_types::provider::error::CredentialsError>() {
            return true;
        }
        next = cause.source();
    }
    false
}

/// A foreign text as one printable line of bounded length.
fn clean(text: &str) -> String {
    let text = text.trim();
    let mut chars = text.chars();
    let mut line: String = chars
        .by_ref()
        .take(MAX_CHARS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if chars.next().is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests;
