//! What the forge is told when a request is not taken: RFC 9457, so that title and detail reach
//! the flag. Every way in says the same words.

use std::fmt::{self, Display};

use chela_contract::{Invalid, webhook::Unverified};

use crate::forge::Refusal;

/// How long a forge waits before it tries a busy receiver again. Seconds.
const RETRY_AFTER: u32 = 30;
/// As much of a word from outside as is shown.
const MAX_WORD: usize = 40;

/// A refusal, as an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: u16,
    title: &'static str,
    detail: String,
}

impl Problem {
    /// The `Content-Type` of [`Problem::to_body`].
    pub const MEDIA_TYPE: &str = "application/problem+json";

    fn new(status: u16, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            title,
            detail: detail.into(),
        }
    }

    /// No JSON, by its own word.
    #[must_use]
    pub fn media_type() -> Self {
        Self::new(415, "Wrong content type", "send application/json")
    }

    /// Another method than POST.
    #[must_use]
    pub fn method() -> Self {
        Self::new(405, "Wrong method", "send a POST")
    }

    /// A body of more bytes than this, or less of one than was promised.
    #[must_use]
    pub fn body(limit: usize) -> Self {
        let detail = format!("longer than {} KiB, or cut off", limit / 1024);
        Self::new(413, "Not a build request", detail)
    }

    /// A body that does not come.
    #[must_use]
    pub fn slow() -> Self {
        let detail = "the body did not come within 15 seconds";
        Self::new(408, "Too slow", detail)
    }

    /// What cannot be read at all.
    #[must_use]
    pub fn malformed(error: &impl Display) -> Self {
        Self::new(400, "Not a build request", error.to_string())
    }

    /// A signature that is none.
    #[must_use]
    pub fn unverified(why: Unverified) -> Self {
        Self::new(401, "Not verified", why.to_string())
    }

    /// A `type` that nobody knows.
    #[must_use]
    pub fn unknown_type(word: &str) -> Self {
        let word: String = word.chars().take(MAX_WORD).collect();
        Self::value(format!(
            "type: {} is not known here; send build.requested",
            word.escape_debug()
        ))
    }

    /// A request that breaks the contract.
    #[must_use]
    pub fn invalid(invalid: &Invalid) -> Self {
        Self::new(invalid.status, "Not a build request", invalid.to_string())
    }

    /// A value that is not to be built.
    #[must_use]
    pub fn value(detail: impl Into<String>) -> Self {
        Self::new(422, "Not to be built", detail)
    }

    /// What the receiver's own settings do not have.
    #[must_use]
    pub fn refused(refusal: &Refusal) -> Self {
        Self::value(refusal.to_string())
    }

    /// Who asks is known, and may not have this.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, "Not allowed", detail)
    }

    /// Nobody who can push has asked, and this receiver does not hold.
    #[must_use]
    pub fn stranger() -> Self {
        let detail = "who asked cannot push to the target branch, and this receiver builds for \
                      committers only";
        Self::new(403, "Not to be built", detail)
    }

    /// Later, perhaps.
    #[must_use]
    pub fn busy(detail: impl Into<String>) -> Self {
        Self::new(503, "Busy", detail)
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// `Retry-After`, in seconds, where it makes sense to come again.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        (self.status == 503).then_some(RETRY_AFTER)
    }

    /// The body.
    #[must_use]
    pub fn to_body(&self) -> String {
        let body = serde_json::json!({
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        });
        body.to_string()
    }
}

/// For a log.
impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_from_outside_is_short_and_plain() {
        let problem = Problem::unknown_type(&format!("a\nb{}", "x".repeat(1000)));
        assert_eq!(
            problem.detail,
            format!(
                "type: a\\nb{} is not known here; send build.requested",
                "x".repeat(37)
            )
        );
    }

    #[test]
    fn only_a_busy_receiver_is_worth_coming_again() {
        assert_eq!(Problem::busy("x").retry_after(), Some(30));
        assert_eq!(Problem::stranger().retry_after(), None);
    }

    #[test]
    fn the_body_is_a_problem_of_rfc_9457() {
        let body: serde_json::Value = serde_json::from_str(&Problem::stranger().to_body()).unwrap();
        assert_eq!(body["status"], 403);
        assert_eq!(body["type"], "about:blank");
        assert_eq!(body["title"], "Not to be built");
    }
}
