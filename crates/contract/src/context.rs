//! What a check is called: the flag's name on the page.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::request::Event;

const MAX: usize = 64;
const COMMIT_SUFFIX: &str = " (commit)";

/// Names a check: 1-64 characters of `A-Z a-z 0-9 space . _ / : # ( ) + -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Context(String);

/// The text is no context.
#[derive(Debug, thiserror::Error)]
#[error("not a context: use 1 to 64 characters of A-Z a-z 0-9 space . _ / : # ( ) + -")]
pub struct InvalidContext;

impl Context {
    /// The context of a build whose report names none: its job, cut to fit; a commit's build says
    /// so, because a pull request and a push may build one commit. A character that a context
    /// cannot hold becomes `-`.
    #[must_use]
    pub fn for_job(job: &str, event: Event) -> Self {
        let suffix = match event {
            Event::PullRequest => "",
            Event::Commit => COMMIT_SUFFIX,
        };
        let name: String = job
            .chars()
            .take(MAX - suffix.len())
            .map(|c| if allowed(c) { c } else { '-' })
            .collect();
        let name = if name.is_empty() { "build" } else { &name };
        Self(format!("{name}{suffix}"))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || " ._/:#()+-".contains(c)
}

impl TryFrom<String> for Context {
    type Error = InvalidContext;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = (1..=MAX).contains(&text.len());
        if fits && text.chars().all(allowed) {
            Ok(Self(text))
        } else {
            Err(InvalidContext)
        }
    }
}

impl std::str::FromStr for Context {
    type Err = InvalidContext;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.to_owned())
    }
}

impl From<Context> for String {
    fn from(context: Context) -> Self {
        context.0
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("codebuild/hello", Event::PullRequest, "codebuild/hello")]
    #[case("codebuild/hello", Event::Commit, "codebuild/hello (commit)")]
    #[case("<b>é", Event::PullRequest, "-b--")]
    #[case("", Event::Commit, "build (commit)")]
    fn a_job_becomes_a_context(#[case] job: &str, #[case] event: Event, #[case] context: &str) {
        assert_eq!(Context::for_job(job, event).as_str(), context);
    }

    proptest! {
        #[test]
        fn every_job_becomes_a_valid_context(job in ".{0,300}") {
            for event in [Event::PullRequest, Event::Commit] {
                let context = Context::for_job(&job, event);
                prop_assert!(Context::try_from(context.as_str().to_owned()).is_ok());
            }
        }
    }
}
