//! The function `trigger`: takes requests in, and starts their builds.

use std::collections::BTreeSet;
use std::time::Duration;

use chela_contract::Micros;
use chela_source::Fetcher;
use serde_json::Value;
use tracing::Instrument as _;

use crate::answer::Answer;
use crate::clock;
use crate::config::{BadSettings, Environment, TriggerSettings};
use crate::engine::Engines;
use crate::entry::{Entry, Queued};
use crate::ledger::Ledger;
use crate::queue::{self, Delivery, Queue};
use crate::sdk::Clients;

mod claim;
#[cfg(test)]
mod fake;
mod later;
mod next;
mod outside;
mod overtake;
#[cfg(test)]
mod play;
mod road;
mod source;
mod tell;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod texts;
mod visit;
mod world;

use outside::{Outside, Tools};
use source::{RESERVE, Shelf};
use visit::{Outcome, visit};

/// Where a fetch works, on Lambda's own disk.
const SCRATCH: &str = "chela";
/// A further message of a batch is not begun with less than this before the reserve.
const FETCH: Duration = Duration::from_secs(30);

/// Everything that the function needs; made once for a process.
pub struct Trigger(Result<Ready, BadSettings>);

struct Ready {
    entry: Entry,
    tools: Tools,
}

impl Trigger {
    /// By the variables of the process. What is wrong with them is said at each invocation.
    #[must_use]
    pub fn from_environment() -> Self {
        let settings = TriggerSettings::read(&Environment::of_process());
        Self(settings.map(|settings| Ready::new(&settings, &Clients::from_environment())))
    }

    /// One invocation, which Lambda ends at `deadline`: a request of the function URL, or a batch
    /// of the queue of requests.
    pub async fn handle(&self, event: Value, deadline: Micros) -> Value {
        match (&self.0, queue::deliveries(&event)) {
            (Ok(ready), Some(deliveries)) => ready.batch(&deliveries, deadline).await,
            (Ok(ready), None) => ready.entry.receive(&event, clock::now()).await.to_value(),
            (Err(bad), deliveries) => {
                tracing::error!(%bad, "the function is not set up");
                match deliveries {
                    Some(deliveries) => queue::batch_failures(&ids(&deliveries)),
                    None => Answer::unset(bad).to_value(),
                }
            }
        }
    }
}

impl Ready {
    fn new(settings: &TriggerSettings, clients: &Clients) -> Self {
        let scratch = std::env::temp_dir().join(SCRATCH);
        // Lambda may hand a process that was killed the disk that it had.
        if let Err(error) = chela_source::sweep(&scratch) {
            tracing::warn!(%error, "cannot remove what an earlier fetch left");
        }
        let queue = |url: &String| Queue::new(clients.sqs.clone(), url.clone());
        Self {
            entry: Entry::new(settings, clients),
            tools: Tools {
                ledger: Ledger::new(clients.s3.clone(), settings.ledger.clone()),
                engines: Engines::new(clients),
                requests: queue(&settings.requests),
                reports: queue(&settings.reports),
                s3: clients.s3.clone(),
                shelf: Shelf {
                    bucket: settings.sources.clone(),
                    prefix: settings.prefix.clone(),
                },
                fetcher: Fetcher::new(settings.egress.clone(), settings.limits.clone()),
                limits: settings.limits.clone(),
                scratch,
                region: clients.region().to_owned(),
            },
        }
    }

    /// One after the other: a fetch takes the memory and the disk of a whole function.
    async fn batch(&self, deliveries: &[Delivery], deadline: Micros) -> Value {
        let mut back = BTreeSet::new();
        for (index, delivery) in deliveries.iter().enumerate() {
            let untried = index > 0 && !has_time(clock::now(), deadline);
            if untried || self.delivery(delivery, deadline).await == Outcome::GiveBack {
                back.insert(delivery.id.clone());
            }
        }
        queue::batch_failures(&back.into_iter().collect::<Vec<_>>())
    }

    async fn delivery(&self, delivery: &Delivery, deadline: Micros) -> Outcome {
        let queued = match Queued::from_body(&delivery.body) {
            Ok(queued) => queued,
            // The queue moves it to where its operator finds it.
            Err(error) => {
                tracing::error!(message = delivery.id, %error, "this is no request");
                return Outcome::GiveBack;
            }
        };
        let request = &queued.request;
        let span = tracing::info_span!("request", build = %request.build_id,
            project = request.project.fullname, job = request.job.as_str());
        let outside = Outside {
            tools: &self.tools,
            callers: self.entry.callers(),
            deadline,
        };
        // Off the stack: it holds the futures of every call on the way.
        let visit = Box::pin(visit(&outside, &queued, delivery.receives));
        visit.instrument(span).await
    }
}

fn has_time(now: Micros, deadline: Micros) -> bool {
    let needed = i64::try_from((RESERVE + FETCH).as_secs()).unwrap_or(i64::MAX);
    now.plus_seconds(needed) <= deadline
}

fn ids(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(|one| one.id.clone()).collect()
}
