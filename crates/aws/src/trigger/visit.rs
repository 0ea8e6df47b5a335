//! One message of the queue of requests: carried out, put back, or given back.

use std::time::Duration;

use super::claim::{candidate, claim};
use super::later::later;
use super::next::Verdict;
use super::road::Walk;
use super::world::{Trouble, Wait, World};
use super::{tell, texts};
use crate::entry::Queued;
use crate::record::Record;

/// What becomes of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done with.
    Acknowledge,
    /// The queue hands it out again.
    GiveBack,
}

/// Carries out a request as far as it goes.
pub async fn visit<W: World>(world: &W, queued: &Queued, receives: u32) -> Outcome {
    let visit = Visit { world, queued };
    let assigned = match world.job(queued).await {
        Ok(assigned) => assigned,
        Err(wait) => {
            let nothing = Err(String::new());
            return visit.put_back(&candidate(queued, &nothing), &wait).await;
        }
    };
    let doom = assigned.as_ref().err().map(Verdict::error);
    let candidate = candidate(queued, &assigned);
    let mine = match claim(world, candidate.clone(), doom, receives).await {
        Ok(Some(mine)) => mine,
        Ok(None) => return Outcome::Acknowledge,
        Err(Trouble::Never(why)) => return visit.last_word(&candidate, &why).await,
        Err(Trouble::Later(wait)) => return visit.put_back(&candidate, &wait).await,
        Err(Trouble::Mute(why)) => return give_back(&why),
    };
    visit.walk(Walk::new(world, assigned, mine)).await
}

struct Visit<'a, W> {
    world: &'a W,
    queued: &'a Queued,
}

impl<W: World> Visit<'_, W> {
    async fn walk(&self, mut walk: Walk<'_, W>) -> Outcome {
        match walk.go().await {
            Ok(()) => Outcome::Acknowledge,
            Err(Trouble::Never(why)) => self.fail(walk, &why).await,
            Err(Trouble::Later(wait)) if self.has_time() => {
                self.put_back(walk.record(), &wait).await
            }
            Err(Trouble::Later(wait)) => self.fail(walk, &texts::gave_up(wait.why())).await,
            Err(Trouble::Mute(why)) => give_back(&why),
        }
    }

    /// An error that is recorded and told; told at least, where it cannot be recorded.
    async fn fail(&self, mut walk: Walk<'_, W>, why: &str) -> Outcome {
        tracing::error!(why, "cannot be carried out");
        match walk.fail(why).await {
            Ok(()) => Outcome::Acknowledge,
            Err(Trouble::Later(wait)) if self.has_time() => {
                self.put_back(walk.record(), &wait).await
            }
            Err(Trouble::Later(_) | Trouble::Never(_)) => self.last_word(walk.record(), why).await,
            Err(Trouble::Mute(why)) => give_back(&why),
        }
    }

    fn has_time(&self) -> bool {
        later(self.queued, self.world.now()).is_some()
    }

    async fn put_back(&self, record: &Record, wait: &Wait) -> Outcome {
        let now = self.world.now();
        let Some((again, delay)) = later(self.queued, now) else {
            return self.last_word(record, &texts::gave_up(wait.why())).await;
        };
        tracing::warn!(why = wait.why(), seconds = delay.as_secs(), "put back");
        if let Err(failure) = self.world.again(&again, delay).await {
            return give_back(&failure.to_string());
        }
        // What has ended, or was started, has more to say than that.
        if record.ended.is_none() && record.execution.is_none() {
            self.say_why(record, wait).await;
        }
        Outcome::Acknowledge
    }

    /// The flag shows what was said before if this fails.
    async fn say_why(&self, record: &Record, wait: &Wait) {
        let page = self.world.page(&record.target);
        let message = tell::waits(record, &wait.text(), self.world.now(), &page);
        let Some(message) = message else {
            return;
        };
        if let Err(failure) = self.world.tell(&message, Duration::ZERO).await {
            tracing::warn!(%failure, "cannot tell why the build waits");
        }
    }

    /// An error that the ledger does not take. What is recorded already says more, and the sweep
    /// tells it.
    async fn last_word(&self, record: &Record, why: &str) -> Outcome {
        if record.ended.is_some() {
            tracing::error!(why, "cannot finish what has ended");
            return Outcome::Acknowledge;
        }
        tracing::error!(why, "cannot be carried out, and cannot be recorded");
        let page = self.world.page(&record.target);
        let ended = tell::ended(record, &Verdict::error(why), self.world.now());
        let Some(last) = tell::last(record, &ended, &page) else {
            return Outcome::Acknowledge;
        };
        match self.world.tell(&last, Duration::ZERO).await {
            Ok(()) => Outcome::Acknowledge,
            Err(failure) => give_back(&failure.to_string()),
        }
    }
}

fn give_back(why: &str) -> Outcome {
    tracing::error!(why, "given back to the queue");
    Outcome::GiveBack
}
