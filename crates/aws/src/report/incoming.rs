//! A message of the queue `reports`: ours, or an event of EventBridge.

use chela_contract::{BuildId, Micros, Report};
use serde_json::Value;

use super::decide::{Effect, Telling};
use crate::events::{Event, UnknownEvent};
use crate::message::{Message, Said, Word};

/// A message, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// Of an engine.
    Event(Box<Event>),
    /// Ours: tell this.
    Tell(Box<Telling>),
    /// Ours: look at this build.
    Check(BuildId),
}

/// Why a message cannot be read; it is dropped. What it holds is not shown: an event carries a
/// build's variables.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// No JSON.
    #[error(
        "a message in the queue of reports is no JSON; nobody but EventBridge and trigger may send there"
    )]
    Json,
    /// None of ours, and no event.
    #[error(
        "a message in the queue of reports is of no known kind; nobody but EventBridge and trigger may send there"
    )]
    Kind,
    /// An event that is not known.
    #[error(transparent)]
    Event(#[from] UnknownEvent),
    /// Our own, and broken.
    #[error("a report from trigger cannot be read: {0}; are both functions of one version?")]
    Said(String),
}

/// Reads one.
pub(crate) fn read(body: &str) -> Result<Incoming, Unreadable> {
    let value: Value = serde_json::from_str(body).map_err(|_| Unreadable::Json)?;
    if Event::is_one(&value) {
        return Ok(Incoming::Event(Box::new(Event::read(&value)?)));
    }
    match serde_json::from_value(value) {
        Ok(Message::Say(said)) => Ok(Incoming::Tell(Box::new(telling(&said)?))),
        Ok(Message::Check { build }) => Ok(Incoming::Check(build)),
        Err(_) => Err(Unreadable::Kind),
    }
}

fn telling(said: &Said) -> Result<Telling, Unreadable> {
    let unreadable = |error: &dyn std::error::Error| Unreadable::Said(error.to_string());
    // Whether it lies in the future is Pagure's to judge.
    let ever = Micros::new(i64::MAX);
    Ok(Telling {
        build: said.build,
        project: said.project.parse().map_err(|error| unreadable(&error))?,
        report: Report::from_body(said.body.as_bytes(), ever)
            .map_err(|error| unreadable(&error))?,
        effect: match said.word {
            Word::Passing => Effect::Passing,
            Word::Held => Effect::Held,
            Word::Last => Effect::Last,
        },
    })
}

#[cfg(test)]
mod tests;
