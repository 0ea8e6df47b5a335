//! Walks a build that is claimed to its start, step by step.

use std::time::Duration;

use chela_receiver::{Origin, Strangers};
use url::Url;

use super::claim::Mine;
use super::next::{Facts, Next, Sight, Verdict};
use super::overtake::{end_older, overtake};
use super::world::{Assigned, Trouble, Wait, World};
use super::{tell, texts};
use crate::engine::{Prepared, Stopped};
use crate::heads::{Lane, Standing, alone, decide, settled};
use crate::ledger::HeadKey;
use crate::message::Message;
use crate::objects::{Tag, Written};
use crate::record::{Execution, Head, Record};

/// An event of the engine may come before the link to its build is written, and goes by then
/// unheard: `report` looks at the build after this time.
const CHECK_AFTER: Duration = Duration::from_mins(1);
/// How often a decision is taken anew because the head has changed meanwhile.
const TRIES: u32 = 10;

/// One build on its way.
pub struct Walk<'a, W> {
    world: &'a W,
    assigned: Result<Assigned, String>,
    facts: Facts,
    tag: Tag,
    prepared: Option<Prepared>,
    older_are_ended: bool,
}

/// Whether the walk goes on.
enum Step {
    On,
    Over,
}

impl<'a, W: World> Walk<'a, W> {
    /// At its beginning, whatever was done before.
    pub fn new(world: &'a W, assigned: Result<Assigned, String>, mine: Mine) -> Self {
        Self {
            world,
            assigned,
            facts: mine.facts,
            tag: mine.tag,
            prepared: None,
            older_are_ended: false,
        }
    }

    /// What is known of the build.
    pub fn record(&self) -> &Record {
        &self.facts.record
    }

    /// To the start, or to another end.
    pub async fn go(&mut self) -> Result<(), Trouble> {
        loop {
            let next = self.facts.next();
            tracing::debug!(?next, "a step");
            if let Step::Over = self.step(next).await? {
                return Ok(());
            }
        }
    }

    /// To an end that is an error, for this reason.
    pub async fn fail(&mut self, why: &str) -> Result<(), Trouble> {
        self.facts.doom = Some(Verdict::error(why));
        self.go().await
    }

    async fn step(&mut self, next: Next) -> Result<Step, Trouble> {
        match next {
            Next::Admit => self.admit().await?,
            Next::Bring(origin) => self.bring(origin).await?,
            Next::Find => self.find().await?,
            Next::Start => self.start().await?,
            Next::Keep(execution) => self.keep(execution).await?,
            Next::Link => self.link().await?,
            Next::End(verdict) => self.end(&verdict).await?,
            Next::Stop => self.stop().await?,
            Next::Hold(why) => {
                let held = tell::held(self.record(), why, &self.page());
                self.tell(held, Duration::ZERO).await?;
                return Ok(Step::Over);
            }
            Next::Overtake(by) => {
                overtake(self.world, self.record().id(), &by).await?;
                return Ok(Step::Over);
            }
            Next::Tell => {
                self.tell_end().await?;
                return Ok(Step::Over);
            }
            Next::Done => return Ok(Step::Over),
        }
        Ok(Step::On)
    }

    async fn admit(&mut self) -> Result<(), Trouble> {
        let assigned = self.assigned.as_ref();
        let strangers = assigned.map_or(Strangers::Hold, |assigned| assigned.strangers);
        let request = self.record().request.clone();
        let Some(key) = HeadKey::of(&request) else {
            self.facts.standing = Some(alone(&request, strangers));
            return Ok(());
        };
        for _ in 0..TRIES {
            let (lane, tag) = self.lane(&key).await?;
            let decision = decide(&request, &lane, strangers);
            let Some(head) = decision.head else {
                let head = lane.head.zip(tag);
                return self.admitted(&key, decision.standing, head).await;
            };
            let written = self.world.head_put(&key, &head, tag.as_ref()).await?;
            if let Written::Done(tag) = written {
                tracing::info!(standing = ?decision.standing, "admitted");
                let head = Some((head, tag));
                return self.admitted(&key, decision.standing, head).await;
            }
        }
        Err(Trouble::Later(Wait::Service(texts::CONTENDED.to_owned())))
    }

    /// The head, and as much of the older builds as a decision needs.
    async fn lane(&self, key: &HeadKey) -> Result<(Lane, Option<Tag>), Trouble> {
        let Some((head, tag)) = self.world.head(key).await? else {
            return Ok((Lane::default(), None));
        };
        let mut lane = Lane::default();
        if settled(&self.record().request, &head).is_none() {
            for id in head.older() {
                if let Some(open) = self.world.open(id).await? {
                    lane.open.insert(id, open);
                }
            }
        }
        lane.head = Some(head);
        Ok((lane, Some(tag)))
    }

    async fn admitted(
        &mut self,
        key: &HeadKey,
        standing: Standing,
        head: Option<(Head, Tag)>,
    ) -> Result<(), Trouble> {
        if let Some((head, tag)) = head.filter(|_| !self.older_are_ended) {
            end_older(self.world, key, head, &tag).await?;
        }
        self.older_are_ended = true;
        self.facts.standing = Some(standing);
        Ok(())
    }

    async fn bring(&mut self, origin: Origin) -> Result<(), Trouble> {
        let mut record = self.record().clone();
        let assigned = self.assigned.clone().map_err(Trouble::Never)?;
        record.target = assigned.of(origin).clone();
        record.origin = Some(origin);
        let prepared = self.world.prepare(&record).await?;
        if let Prepared::CodePipeline(pipeline) = &prepared {
            record.pipeline = Some(pipeline.clone());
        }
        let brought = self.world.bring(&record, &prepared).await?;
        record.commit = Some(brought.commit);
        record.stored = brought.stored;
        self.prepared = Some(prepared);
        if self.write(record).await? {
            // Whoever else finds the record now looks before they start.
            self.facts.sight = Sight::Absent;
        }
        Ok(())
    }

    async fn prepared(&mut self) -> Result<Prepared, Trouble> {
        let told = self.record().pipeline.clone();
        let known = self.prepared.take().or(told.map(Prepared::CodePipeline));
        let prepared = match known {
            Some(prepared) => prepared,
            None => self.world.prepare(self.record()).await?,
        };
        self.prepared = Some(prepared.clone());
        Ok(prepared)
    }

    async fn find(&mut self) -> Result<(), Trouble> {
        self.facts.sight = match self.look().await {
            Ok(found) => found.map_or(Sight::Absent, Sight::There),
            // It is over in any case.
            Err(Trouble::Never(why)) if self.record().ended.is_some() => {
                tracing::error!(why, "cannot look whether it was started");
                Sight::Absent
            }
            Err(trouble) => return Err(trouble),
        };
        Ok(())
    }

    async fn look(&mut self) -> Result<Option<Execution>, Trouble> {
        let prepared = self.prepared().await?;
        Ok(self.world.find(self.record(), &prepared).await?)
    }

    async fn start(&mut self) -> Result<(), Trouble> {
        let prepared = self.prepared().await?;
        // Whatever the answer is: only a look can tell.
        self.facts.sight = Sight::Unknown;
        let execution = self.world.start(self.record(), &prepared).await?;
        tracing::info!(execution = execution.id, "started");
        self.facts.sight = Sight::There(execution);
        Ok(())
    }

    async fn keep(&mut self, execution: Execution) -> Result<(), Trouble> {
        let mut record = self.record().clone();
        record.execution = Some(execution);
        self.write(record).await.map(drop)
    }

    async fn link(&mut self) -> Result<(), Trouble> {
        let record = self.facts.record.clone();
        if let Some(execution) = &record.execution {
            let id = record.id();
            self.world.link(&record.target, &execution.id, id).await?;
            self.tell(Some(tell::check(&record)), CHECK_AFTER).await?;
            self.tell(tell::started(&record, execution), Duration::ZERO)
                .await?;
        }
        self.facts.linked = true;
        // A newer one may have come while this was started.
        self.facts.standing = None;
        Ok(())
    }

    async fn end(&mut self, verdict: &Verdict) -> Result<(), Trouble> {
        let mut record = self.record().clone();
        record.ended = Some(tell::ended(&record, verdict, self.world.now()));
        if self.write(record).await? {
            tracing::info!(
                status = verdict.status.as_str(),
                why = verdict.text,
                "ended"
            );
        }
        Ok(())
    }

    async fn stop(&mut self) -> Result<(), Trouble> {
        match self.world.stop(self.record()).await.map_err(Trouble::from) {
            Ok(Stopped::Stopping) => tracing::info!("stopped"),
            Ok(Stopped::WasOver) => {}
            Err(Trouble::Never(why)) => tracing::error!(why, "cannot stop it; it runs to its end"),
            Err(trouble) => return Err(trouble),
        }
        self.facts.stopped = true;
        Ok(())
    }

    async fn tell_end(&mut self) -> Result<(), Trouble> {
        let record = self.record();
        if let (Some(ended), Some(_)) = (&record.ended, self.world.open(record.id()).await?) {
            let last = tell::last(record, ended, &self.page());
            self.tell(last, Duration::ZERO).await?;
        }
        Ok(())
    }

    /// Whether it is written; if somebody else has written meanwhile, what they wrote is known now.
    async fn write(&mut self, record: Record) -> Result<bool, Trouble> {
        if let Written::Done(tag) = self.world.update(&record, &self.tag).await? {
            self.tag = tag;
            self.facts.record = record;
            return Ok(true);
        }
        let there = self.world.record(record.id()).await?;
        let (record, tag) = there.ok_or_else(|| Trouble::Never(texts::GONE.to_owned()))?;
        self.tag = tag;
        self.facts.record = record;
        Ok(false)
    }

    fn page(&self) -> Url {
        self.world.page(&self.record().target)
    }

    async fn tell(&self, message: Option<Message>, delay: Duration) -> Result<(), Trouble> {
        let Some(message) = message else {
            return Ok(());
        };
        let told = self.world.tell(&message, delay).await;
        told.map_err(|failure| Trouble::Mute(failure.to_string()))
    }
}
