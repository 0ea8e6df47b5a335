//! A report on its way: what comes of an attempt.
//!
//! Of one build only the newest report is sent: each says all that a flag shows, so what an outage
//! held up and a newer report overtook is not worth a request.

use chela_contract::Micros;
use chela_outbound::{Answer, Backoff, Verdict};
use serde::{Deserialize, Serialize};

/// A report that the forge has not taken yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// `webhook-id`: unique, and the same in every attempt.
    pub id: String,
    /// The body, as it is signed.
    pub body: String,
    /// When it was first tried, or came about.
    pub first_at: Micros,
    /// Attempts that failed.
    pub attempts: u32,
    /// Not before this moment.
    pub not_before: Micros,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// What the answer means.
    pub verdict: Verdict,
    /// When it came.
    pub at: Micros,
}

/// What becomes of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    /// The forge has it.
    Delivered,
    /// It never will; the operator should know why.
    Dropped {
        /// Why, and what to change.
        reason: String,
    },
    /// It is tried again.
    Again {
        /// The report, with its next moment.
        pending: Pending,
        /// Why it did not arrive.
        reason: String,
    },
}

/// Decides; `jitter` lies between 0 and 1.
#[must_use]
pub fn after_attempt(pending: Pending, attempted: Attempted, jitter: f64) -> After {
    let Attempted { verdict, at } = attempted;
    let (reason, wait) = match verdict {
        Verdict::Accepted => return After::Delivered,
        Verdict::Refused { reason } => return After::Dropped { reason },
        Verdict::Retry { reason, after } => (reason, after),
    };
    let attempts = pending.attempts + 1;
    match Backoff::next(attempts, pending.first_at, at, wait, jitter) {
        None => After::Dropped {
            reason: format!("tried for a day: {reason}"),
        },
        Some(next) => After::Again {
            pending: Pending {
                attempts,
                not_before: next.0,
                ..pending
            },
            reason,
        },
    }
}

/// When the forge acknowledged a report, by its own clock where it tells: a committer's request is
/// stamped by that clock too, so that two machines' clocks need not agree.
#[must_use]
pub fn acknowledged_at(answer: &Answer, now: Micros) -> Micros {
    // `Date` is cut to the second, so that the answer came before the next one began.
    answer.date.map_or(now, |date| date.plus_seconds(1))
}

#[cfg(test)]
mod tests;
