//! The way in on AWS: IAM has verified who calls; then parse, judge, put into the queue, answer.
//!
//! No webhook signature is verified here. The signature is made with the project's CI token, and
//! the function has none: whoever holds that token may set flags, and only the function `report`
//! needs to. Who calls is known all the same, because IAM has checked the request's own signature
//! (`SigV4`) over its body and headers, and tells whose key it was. What that user may ask for
//! stands in the map of callers; nothing that the request says of itself widens it.

mod incoming;
mod judge;
mod queued;

use std::time::Duration;

use chela_contract::Micros;
use chela_receiver::{Forge, Problem};
use serde_json::Value;

pub use incoming::is_request;
pub use judge::{Desk, Judged};
pub use queued::Queued;

use crate::{
    answer::Answer,
    config::{Callers, TriggerSettings},
    queue::Queue,
    sdk::Clients,
};
use incoming::Incoming;

/// The forge waits 15 s for its answer. What arrives later all the same is claimed once only.
const PATIENCE: Duration = Duration::from_secs(8);

/// Takes requests: the first half of the function `trigger`.
pub struct Entry {
    forge: Forge,
    callers: Callers,
    requests: Queue,
    region: String,
}

impl Entry {
    /// With the function's settings.
    #[must_use]
    pub fn new(settings: &TriggerSettings, clients: &Clients) -> Self {
        Self {
            forge: settings.forge(),
            callers: Callers::new(settings.config.clone(), clients.s3.clone()),
            requests: Queue::new(clients.sqs.clone(), settings.requests.clone()),
            region: clients.region().to_owned(),
        }
    }

    /// The map of callers, which the way to the build needs as well.
    #[must_use]
    pub fn callers(&self) -> &Callers {
        &self.callers
    }

    /// Answers a request. An event of any other kind is answered as one that nobody has signed.
    pub async fn receive(&self, event: &Value, now: Micros) -> Answer {
        match self.take(event, now).await {
            Ok(answer) => answer,
            Err(problem) => Answer::problem(&problem),
        }
    }

    async fn take(&self, event: &Value, now: Micros) -> Result<Answer, Problem> {
        let caller = Incoming::read(event).caller()?;
        let map = self.callers.map(now).await.map_err(|why| {
            tracing::error!(%why, "there is no map of callers");
            Problem::busy(
                "the receiver's map of callers (CHELA_CONFIG) cannot be read just now; its operator \
                 finds the reason in the function's log",
            )
        })?;
        let desk = Desk {
            forge: &self.forge,
            map: &map,
            region: &self.region,
        };
        let judged = desk.judge(event, now).inspect_err(|problem| {
            tracing::warn!(caller, status = problem.status(), %problem, "refused a request");
        })?;
        match judged {
            Judged::Test => Ok(Answer::nothing()),
            Judged::Build { queued, report } => {
                self.put(&queued).await?;
                Ok(Answer::accepted(report))
            }
        }
    }

    async fn put(&self, queued: &Queued) -> Result<(), Problem> {
        let request = &queued.request;
        let (build, project) = (request.build_id, request.project.fullname.as_str());
        let body = queued.to_body();
        let sent = tokio::time::timeout(PATIENCE, self.requests.send(&body, Duration::ZERO)).await;
        let why = match sent {
            Ok(Ok(())) => {
                tracing::info!(%build, project, caller = queued.caller, "accepted");
                return Ok(());
            }
            Ok(Err(failure)) => failure.to_string(),
            Err(_) => "the queue of requests did not answer within 8 seconds".to_owned(),
        };
        tracing::error!(%build, project, why, "could not keep a request");
        Err(Problem::busy("the receiver cannot write just now"))
    }
}

#[cfg(test)]
mod tests;
