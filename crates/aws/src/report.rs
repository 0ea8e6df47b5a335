//! The function `report`: tells Pagure what became of builds, until Pagure has heard their end.

use chela_contract::Micros;
use chela_outbound::Sender;
use chela_receiver::Forge;
use serde_json::{Value, json};

use crate::config::{BadSettings, Environment, ReportSettings, TokenPlace};
use crate::engine::Engines;
use crate::ledger::Ledger;
use crate::queue::{self, Queue};
use crate::sdk::Clients;
use crate::tokens::Tokens;

mod batch;
mod decide;
mod incoming;
mod look;
mod opening;
mod post;
mod round;
mod tell;
#[cfg(test)]
mod testing;

use decide::Desk;
use post::Post;

pub(crate) use decide::Standing;
pub(crate) use opening::Reason;
pub(crate) use round::{Later, Round};

/// Everything that the function needs; made once for a process.
pub struct Reports {
    pub(crate) ledger: Ledger,
    pub(crate) engines: Engines,
    pub(crate) desk: Desk,
    queue: Queue,
    tokens: Tokens,
    post: Post,
}

/// What the function was invoked with is none of its work.
#[derive(Debug, thiserror::Error)]
#[error(
    "report was invoked with something else than a batch of its queue or {{\"type\": \"sweep\"}}; \
     look at what invokes it"
)]
pub struct UnknownInvocation;

/// What [`Reports`] is made of.
pub struct Parts {
    /// The ledger.
    pub ledger: Ledger,
    /// The engines, to look at builds.
    pub engines: Engines,
    /// The queue `reports`.
    pub queue: Queue,
    /// The CI tokens.
    pub tokens: Tokens,
    /// The Pagure that is told.
    pub forge: Forge,
    /// What sends.
    pub sender: Sender,
    /// The region whose console the links lead to.
    pub region: String,
}

impl Reports {
    /// By the variables of the environment; nothing is asked for yet.
    pub fn from_environment() -> Result<Self, BadSettings> {
        let settings = ReportSettings::read(&Environment::of_process())?;
        let clients = Clients::from_environment();
        let tokens = match settings.token {
            TokenPlace::Variable(token) => Tokens::given(token),
            TokenPlace::Secret(name) => Tokens::secret(clients.secrets.clone(), name),
        };
        Ok(Self::new(Parts {
            engines: Engines::new(&clients),
            region: clients.region().to_owned(),
            ledger: Ledger::new(clients.s3, settings.ledger),
            queue: Queue::new(clients.sqs, settings.reports),
            tokens,
            forge: Forge::new(settings.pagure, Vec::new()),
            sender: Sender::default(),
        }))
    }

    /// A reporter of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            ledger: parts.ledger,
            engines: parts.engines,
            desk: Desk {
                region: parts.region,
            },
            queue: parts.queue,
            tokens: parts.tokens,
            post: Post::new(parts.sender, parts.forge),
        }
    }

    /// One invocation, which ends before `deadline`: a batch of the queue, or the sweep.
    pub async fn handle(&self, event: Value, deadline: Micros) -> Result<Value, UnknownInvocation> {
        let mut round = Round::until(deadline);
        if let Some(deliveries) = queue::deliveries(&event) {
            return Ok(self.batch(deliveries, &mut round).await);
        }
        if event.get("type").and_then(Value::as_str) == Some("sweep") {
            return Ok(json!(self.sweep(&mut round).await));
        }
        Err(UnknownInvocation)
    }
}

#[cfg(test)]
mod tests;
