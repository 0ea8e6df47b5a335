//! What an answer means: contract, sections 1.4 and 2.4.

use std::time::Duration;

use ureq::http::StatusCode;

use crate::answer::{Answer, Failure};
use crate::problem;
use crate::refused::{Audience, Field};

/// What to do after an attempt. The reasons are for people: one line, bounded, nothing secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrived.
    Accepted,
    /// It will not arrive until somebody changes something: no retry.
    Refused {
        /// Why, and what to change.
        reason: String,
    },
    /// It may arrive later.
    Retry {
        /// Why it did not.
        reason: String,
        /// The least to wait, if the other side said so.
        after: Option<Duration>,
    },
}

impl Verdict {
    /// The verdict on a build request: section 1.4.
    #[must_use]
    pub fn of(result: &Result<Answer, Failure>, audience: Audience) -> Self {
        Self::judge(result, audience, "the CI service", request_class)
    }

    /// The verdict on a build report: section 2.4. A sender reads its token again before it
    /// retries a 401.
    #[must_use]
    pub fn of_report(result: &Result<Answer, Failure>, audience: Audience) -> Self {
        Self::judge(result, audience, "the forge", report_class)
    }

    fn judge(
        result: &Result<Answer, Failure>,
        audience: Audience,
        peer: &str,
        class: fn(u16) -> Class,
    ) -> Self {
        match result {
            Ok(answer) => match class(answer.status) {
                Class::Accepted => Self::Accepted,
                Class::Final(hint) => Self::Refused {
                    reason: said(peer, answer) + &hint.text(audience),
                },
                Class::Later(hint) => Self::Retry {
                    reason: said(peer, answer) + &hint.text(audience),
                    after: answer.retry_after,
                },
            },
            Err(failure) => {
                let reason = problem::clean(&failure.explain(audience));
                if failure.is_final() {
                    Self::Refused { reason }
                } else {
                    Self::Retry {
                        reason,
                        after: None,
                    }
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Class {
    Accepted,
    Final(Hint),
    Later(Hint),
}

/// What to look at after an answer that is no success.
#[derive(Clone, Copy)]
enum Hint {
    None,
    Redirect,
    Credentials,
    Url,
    Project,
    Token,
}

impl Hint {
    fn text(self, audience: Audience) -> String {
        let (url, user) = (Field::Url.name(audience), Field::User.name(audience));
        match self {
            Self::None => String::new(),
            Self::Redirect => {
                format!("; redirects are never followed, so put the final address into {url}")
            }
            Self::Credentials => {
                let password = Field::Password.name(audience);
                format!("; check {user} and {password}, and what they permit")
            }
            Self::Url => format!("; check {url}"),
            Self::Token => "; check that the CI token is the one of this project".to_owned(),
            Self::Project => "; check the project, the commit and the pull request".to_owned(),
        }
    }
}

fn request_class(status: u16) -> Class {
    match status {
        200..=299 => Class::Accepted,
        300..=399 => Class::Final(Hint::Redirect),
        408 | 425 | 429 => Class::Later(Hint::None),
        401 | 403 => Class::Final(Hint::Credentials),
        404 | 405 | 410 => Class::Final(Hint::Url),
        400..=499 => Class::Final(Hint::None),
        // What is no status at all is treated as 5xx: RFC 9110, section 15.
        _ => Class::Later(Hint::None),
    }
}

/// A 401 may be a token that was just renewed, so it is tried again with the token read anew.
fn report_class(status: u16) -> Class {
    match status {
        401 => Class::Later(Hint::Token),
        404 => Class::Final(Hint::Project),
        403 => Class::Final(Hint::None),
        other => request_class(other),
    }
}

/// Such as `the CI service answered 403 Forbidden (No such job: codebuild/x)`.
fn said(peer: &str, answer: &Answer) -> String {
    let status = answer.status;
    let mut text = format!("{peer} answered {status}");
    let known = StatusCode::from_u16(status).ok();
    if let Some(phrase) = known.and_then(|status| status.canonical_reason()) {
        text = format!("{text} {phrase}");
    }
    if let Some(location) = answer
        .location
        .as_deref()
        .filter(|_| (300..400).contains(&status))
    {
        text = format!("{text} to {}", problem::shorten(&problem::clean(location)));
    }
    if let Some(told) = problem::told(answer) {
        text = format!("{text} ({told})");
    }
    text
}
