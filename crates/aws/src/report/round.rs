//! What one invocation has learned: each begins anew.

use std::time::Duration;

use chela_contract::{BuildId, Micros};
use chela_outbound::Backoff;

use crate::clock::now;
use crate::failure::Failure;

/// An attempt may take 15 s, and what follows a little more. Seconds.
const ATTEMPT: i64 = 20;

/// An invocation.
#[derive(Debug)]
pub(crate) struct Round {
    deadline: Micros,
    down: Option<String>,
    renewed: bool,
}

/// Why something has to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Later {
    /// Of which build, where that is known.
    pub(crate) build: Option<BuildId>,
    /// Why.
    pub(crate) reason: String,
    /// The least to wait, if Pagure said so.
    pub(crate) after: Option<Duration>,
}

impl Round {
    /// An invocation that is ended at `deadline`.
    pub(crate) fn until(deadline: Micros) -> Self {
        Self {
            deadline,
            down: None,
            renewed: false,
        }
    }

    /// Whether another attempt makes sense.
    pub(crate) fn goes_on(&self) -> Result<(), Later> {
        if let Some(reason) = &self.down {
            return Err(Later::because(format!("not tried, after: {reason}")));
        }
        if now().plus_seconds(ATTEMPT) > self.deadline {
            return Err(Later::because("the invocation's time is over".to_owned()));
        }
        Ok(())
    }

    /// Pagure is not there: nothing else is tried in this invocation.
    pub(crate) fn is_down(&mut self, reason: &str) {
        self.down = Some(reason.to_owned());
    }

    /// Whether the tokens may be read again: once.
    pub(crate) fn renews(&mut self) -> bool {
        !std::mem::replace(&mut self.renewed, true)
    }
}

impl Later {
    pub(crate) fn because(reason: String) -> Self {
        Self {
            build: None,
            reason,
            after: None,
        }
    }

    pub(crate) fn of(self, build: BuildId) -> Self {
        Self {
            build: Some(build),
            ..self
        }
    }

    /// How long a message is hidden that was received so often.
    pub(crate) fn hidden(&self, receives: u32, jitter: f64) -> Duration {
        // The queue's retention gives up, not this: each time is the first.
        let now = now();
        let next = Backoff::next(receives, now, now, self.after, jitter);
        Duration::from_secs(next.map_or(Backoff::STEP_SECONDS, |next| next.step(now)))
    }
}

impl From<Failure> for Later {
    fn from(failure: Failure) -> Self {
        Self::because(failure.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn later(after: Option<u64>) -> Later {
        Later {
            after: after.map(Duration::from_secs),
            ..Later::because(String::new())
        }
    }

    proptest! {
        #[test]
        fn a_message_is_hidden_ever_longer_and_never_for_more_than_a_quarter_of_an_hour(
            receives in 1_u32..2000, jitter in 0.0..=1.0_f64, after in prop::option::of(0_u64..100_000),
        ) {
            let hidden = later(after).hidden(receives, jitter);
            prop_assert!(hidden >= Duration::from_secs(2), "{hidden:?}");
            prop_assert!(hidden <= Duration::from_mins(15), "{hidden:?}");
            prop_assert!(later(after).hidden(receives + 1, jitter) >= hidden);
        }
    }

    #[test]
    fn what_pagure_asks_for_is_waited() {
        assert_eq!(later(Some(120)).hidden(1, 0.0), Duration::from_mins(2));
    }

    #[test]
    fn nothing_is_begun_that_may_outlast_the_invocation() {
        assert_eq!(Round::until(now().plus_seconds(60)).goes_on(), Ok(()));
        assert!(Round::until(now().plus_seconds(10)).goes_on().is_err());
    }

    #[test]
    fn tokens_are_read_again_once() {
        let mut round = Round::until(now());
        assert_eq!((round.renews(), round.renews()), (true, false));
    }
}
