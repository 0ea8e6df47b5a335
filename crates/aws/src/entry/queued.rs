//! What lies in the queue of requests.

use chela_contract::{BuildRequest, Micros};
use serde::{Deserialize, Serialize};

/// A request that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// What is asked for.
    pub request: BuildRequest,
    /// When it came.
    pub accepted: Micros,
    /// The ARN of the IAM user who asked.
    pub caller: String,
    /// How often it was put back.
    pub tries: u32,
    /// When it was put into the queue for the first time.
    pub first: Micros,
}

impl Queued {
    /// A request that has just come.
    #[must_use]
    pub fn new(request: BuildRequest, caller: impl Into<String>, now: Micros) -> Self {
        Self {
            request,
            accepted: now,
            caller: caller.into(),
            tries: 0,
            first: now,
        }
    }

    /// The message.
    #[must_use]
    pub fn to_body(&self) -> String {
        serde_json::to_string(self).expect("a request holds strings and numbers only")
    }

    /// Reads a message.
    pub fn from_body(body: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(body)
    }
}
