//! Sends one report to Pagure, and reads what it answers.

use std::sync::Arc;
use std::time::Duration;

use chela_contract::webhook::Key;
use chela_contract::{Micros, Report, Status};
use chela_outbound::{
    Answer, Audience, Destination, Failure, Message, Policy, Sender, USER_AGENT, Verdict,
};
use chela_pagure::ProjectName;
use chela_receiver::{Forge, acknowledged_at};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest as _, Sha256};

use crate::clock::now;

/// What Pagure itself says of a report that it will never take: contract, section 2.4. Any other
/// refusal is the word of something that stands before it, such as a page that tells of its upkeep.
const FINAL: [u16; 5] = [400, 404, 413, 415, 422];

/// The only way out to Pagure.
#[derive(Clone)]
pub(crate) struct Post {
    sender: Arc<Sender>,
    forge: Forge,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    /// Pagure has it.
    Taken(Taken),
    /// Pagure will never take it.
    Refused(String),
    /// Pagure does not know the token.
    Unknown(String),
    /// Pagure is there, and stumbles over this report. Others may arrive.
    Stumbled {
        /// Why.
        reason: String,
        /// The least to wait, if Pagure said so.
        after: Option<Duration>,
    },
    /// Pagure is not there, or busy: nothing else will arrive either.
    Down {
        /// Why.
        reason: String,
        /// The least to wait, if Pagure said so.
        after: Option<Duration>,
    },
}

/// Pagure's answer to a report that it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// When, by Pagure's clock where it tells.
    pub(crate) at: Micros,
    told: Told,
}

/// Contract, section 2.4. Another forge may answer with less.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct Told {
    applied: Option<bool>,
    flag: Option<Flag>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Flag {
    status: Status,
    timestamp: Micros,
}

impl Post {
    pub(crate) fn new(sender: Sender, forge: Forge) -> Self {
        Self {
            sender: Arc::new(sender),
            forge,
        }
    }

    /// Sends a report of `project`, signed with `key`, to the configured Pagure.
    pub(crate) async fn send(&self, project: &ProjectName, key: Key, report: &Report) -> Reached {
        let (post, project, report) = (self.clone(), project.clone(), report.clone());
        let sent = tokio::task::spawn_blocking(move || post.attempt(&project, &key, &report));
        match sent.await {
            Ok(Ok(result)) => read(&result),
            Ok(Err(reason)) => Reached::Refused(reason),
            Err(_) => Reached::Down {
                reason: "the attempt broke off; look for a panic in the function's log".to_owned(),
                after: None,
            },
        }
    }

    /// Outside of the result is what no retry mends.
    fn attempt(
        &self,
        project: &ProjectName,
        key: &Key,
        report: &Report,
    ) -> Result<Result<Answer, Failure>, String> {
        // The operator's own choice, whatever it is.
        let policy = Policy::unguarded();
        let url = self.forge.report_url(project);
        let destination = Destination::parse(url.as_str(), None, None, &policy)
            .map_err(|refused| refused.explain(Audience::Program))?;
        let body = report.to_body();
        let message = Message {
            id: &name(report, &body),
            body: body.as_bytes(),
            key,
            user_agent: USER_AGENT,
        };
        Ok(self.sender.send(&destination, &message, &policy, now()))
    }
}

/// `webhook-id`: a report of the same content is the same report, however often a queue delivers
/// what led to it.
fn name(report: &Report, body: &str) -> String {
    let digest = Sha256::digest(body.as_bytes());
    let digest = digest
        .iter()
        .take(8)
        .fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    match report.build_id {
        Some(build) => format!("{build}-{digest:016x}"),
        None => format!("{digest:016x}"),
    }
}

fn read(result: &Result<Answer, Failure>) -> Reached {
    match (Verdict::of_report(result, Audience::Program), result) {
        (Verdict::Accepted, Ok(answer)) => taken(answer),
        (Verdict::Refused { reason }, Ok(answer)) if !FINAL.contains(&answer.status) => {
            Reached::Down {
                reason,
                after: answer.retry_after,
            }
        }
        (Verdict::Refused { reason }, _) => Reached::Refused(reason),
        (Verdict::Retry { reason, .. }, Ok(Answer { status: 401, .. })) => Reached::Unknown(reason),
        (Verdict::Retry { reason, after }, Ok(Answer { status: 500, .. })) => {
            Reached::Stumbled { reason, after }
        }
        (Verdict::Retry { reason, after }, _) => Reached::Down { reason, after },
        (Verdict::Accepted, Err(failure)) => Reached::Down {
            reason: failure.to_string(),
            after: None,
        },
    }
}

/// A page for people is not Pagure's word: nobody has seen the flag then, and a hold that counted as
/// seen would let a stranger's commit through.
fn taken(answer: &Answer) -> Reached {
    let body = answer.body.trim_ascii();
    if !body.is_empty() && serde_json::from_slice::<IgnoredAny>(body).is_err() {
        let reason = format!(
            "the forge answered {} with something else than JSON; look at what stands before it",
            answer.status
        );
        let after = answer.retry_after;
        return Reached::Down { reason, after };
    }
    Reached::Taken(Taken {
        at: acknowledged_at(answer, now()),
        told: serde_json::from_slice(body).unwrap_or_default(),
    })
}

impl Taken {
    /// Whether the flag may show what was told.
    pub(crate) fn applied(&self) -> bool {
        self.told.applied != Some(false)
    }

    /// The later moment of a "pending" that the flag shows instead of the end of `ended`.
    ///
    /// It may be this build's own: AWS stamps a phase and the end of all with seconds of its own.
    /// Or a newer build's, which no report of this one ever replaces.
    pub(crate) fn hidden_behind(&self, ended: Micros) -> Option<Micros> {
        let flag = self.told.flag.as_ref()?;
        let hides = flag.status == Status::Pending && flag.timestamp >= ended;
        (hides && !self.applied()).then_some(flag.timestamp)
    }
}

#[cfg(test)]
mod tests;
