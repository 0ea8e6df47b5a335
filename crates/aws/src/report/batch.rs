//! A batch of the queue: each message is done, or given back for later.

use chela_contract::BuildId;
use serde_json::Value;

use super::decide::{Decided, Effect, Standing, Telling, adopts};
use super::incoming::{self, Incoming};
use super::opening::Reason;
use super::{Later, Reports, Round};
use crate::clock::now;
use crate::events::Event;
use crate::failure::Failure;
use crate::jitter;
use crate::queue::{Delivery, batch_failures};
use crate::record::Record;

impl Reports {
    pub(super) async fn batch(&self, deliveries: Vec<Delivery>, round: &mut Round) -> Value {
        let mut back = Vec::new();
        for delivery in deliveries {
            if let Err(later) = self.one(&delivery, round).await {
                self.give_back(&delivery, &later).await;
                back.push(delivery.id);
            }
        }
        batch_failures(&back)
    }

    async fn one(&self, delivery: &Delivery, round: &mut Round) -> Result<(), Later> {
        round.goes_on()?;
        match incoming::read(&delivery.body) {
            Ok(Incoming::Event(event)) => self.event(&event, round).await,
            Ok(Incoming::Tell(telling)) => self.say(&telling, round).await,
            Ok(Incoming::Check(build)) => {
                let checked = self.check(build, round).await;
                checked.map_err(|later| later.of(build))
            }
            Err(error) => {
                let (delivery, reason) = (&delivery.id, error.to_string());
                tracing::error!(
                    delivery,
                    reason,
                    counted = "unparsable",
                    "dropped a message"
                );
                Ok(())
            }
        }
    }

    /// Nobody sees it for a while, so that an outage costs little.
    async fn give_back(&self, delivery: &Delivery, later: &Later) {
        let time = later.hidden(delivery.receives, jitter::random());
        let (reason, receives) = (&later.reason, delivery.receives);
        let build = later.build.map(tracing::field::display);
        tracing::warn!(
            build,
            reason,
            receives,
            seconds = time.as_secs(),
            "will report later"
        );
        if let Err(error) = self.queue.hide(&delivery.receipt, time).await {
            // The queue's own time-out shows it again.
            tracing::warn!(%error, "cannot hide a message");
        }
    }

    async fn event(&self, event: &Event, round: &mut Round) -> Result<(), Later> {
        let Some(record) = self.belongs(event).await? else {
            tracing::debug!(execution = event.execution, "none of our builds");
            return Ok(());
        };
        let build = record.id();
        let done = self.event_of(event, &record, round).await;
        done.map_err(|later| later.of(build))
    }

    async fn event_of(
        &self,
        event: &Event,
        record: &Record,
        round: &mut Round,
    ) -> Result<(), Later> {
        let open = self.ledger.open(record.id()).await?;
        let open = open.as_ref().map(|(open, _)| open);
        match self.desk.event(event, record, open) {
            Decided::Nothing => Ok(()),
            Decided::Note(what) => {
                let reason = Reason::Failed(what, event.at);
                self.revise(record.id(), &reason).await
            }
            Decided::Late(what) => self.look_again(record, what, round).await,
            Decided::Tell(telling) => self.tell(&telling, round).await,
        }
    }

    /// The record of the build that an event belongs to.
    async fn belongs(&self, event: &Event) -> Result<Option<Record>, Failure> {
        let (service, execution) = (event.target.service, &event.execution);
        if let Some(build) = self.ledger.build_of(service, execution).await? {
            return self.record(build).await;
        }
        // It may come before the link is written.
        let Some(claimed) = event.claimed else {
            return Ok(None);
        };
        let record = self.record(claimed).await?;
        Ok(record.filter(|record| adopts(event, record)))
    }

    /// What `trigger` says. Of a build that is closed, only an end is news.
    async fn say(&self, telling: &Telling, round: &mut Round) -> Result<(), Later> {
        let last = telling.effect == Effect::Last;
        if last || self.ledger.open(telling.build).await?.is_some() {
            return self.tell(telling, round).await;
        }
        tracing::debug!(build = %telling.build, "it is closed already");
        Ok(())
    }

    async fn check(&self, build: BuildId, round: &mut Round) -> Result<(), Later> {
        let Some((open, _)) = self.ledger.open(build).await? else {
            return Ok(());
        };
        let Some(record) = self.record(build).await? else {
            return Ok(());
        };
        match self.desk.standing(&record, &open, now()) {
            Standing::Over(telling) => self.tell(&telling, round).await,
            Standing::Runs => self.look(&record, &open, round).await,
            Standing::Waits | Standing::Unspeakable => Ok(()),
        }
    }

    pub(crate) async fn record(&self, build: BuildId) -> Result<Option<Record>, Failure> {
        let found = self.ledger.record(build).await?;
        Ok(found.map(|(record, _)| record))
    }
}
