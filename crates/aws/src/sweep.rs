//! The sweep: finds what no event told. EventBridge delivers the engines' events as well as it can,
//! and no better (Amazon EventBridge events reference: "best effort").

use chela_contract::{BuildId, Micros};
use serde::Serialize;
use tokio::task::JoinSet;

use crate::clock::now;
use crate::engine::Seen;
use crate::failure::Failure;
use crate::ledger::Ledger;
use crate::record::{Open, Record, Service};
use crate::report::{Later, Reason, Reports, Round, Standing};

/// What was written since may still be on its way through the queues. Seconds.
const SETTLED: i64 = 10 * 60;
/// `BatchGetBuilds` takes no more.
const SOME: usize = 100;
/// Builds of the ledger that are read at once.
const AT_ONCE: usize = 16;
/// Records are kept for 45 days. Seconds.
const KEPT: i64 = 45 * 24 * 60 * 60;

/// What a sweep came to.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Swept {
    /// Builds that are open.
    pub(crate) open: usize,
    /// Those of which Pagure was told something.
    pub(crate) told: usize,
    /// Those that wait for somebody.
    pub(crate) waiting: usize,
    /// Those of which nothing could be told; the log says why.
    pub(crate) failed: usize,
    /// Why it did not come to the end.
    pub(crate) stopped: Option<String>,
}

/// A build that is open, with what is known of it.
type Found = (Record, Open);

impl Reports {
    /// Looks at every open build that nothing has happened to for a while.
    pub(crate) async fn sweep(&self, round: &mut Round) -> Swept {
        let mut swept = Swept::default();
        if let Err(later) = self.all(&mut swept, round).await {
            tracing::warn!(reason = later.reason, "the sweep stopped");
            swept.stopped = Some(later.reason);
        }
        let Swept {
            open,
            told,
            waiting,
            failed,
            ..
        } = swept;
        tracing::info!(open, told, waiting, failed, "swept");
        swept
    }

    async fn all(&self, swept: &mut Swept, round: &mut Round) -> Result<(), Later> {
        let mut after = None;
        loop {
            let (page, next) = self.ledger.opened(after).await?;
            swept.open += page.len();
            let before = now().plus_seconds(-SETTLED);
            let old = page.into_iter().filter(|(_, written)| *written <= before);
            let old: Vec<BuildId> = old.map(|(build, _)| build).collect();
            for some in old.chunks(SOME) {
                self.some(some, swept, round).await?;
            }
            if next.is_none() {
                return Ok(());
            }
            after = next;
        }
    }

    /// Those that run are looked up together, after the others.
    async fn some(
        &self,
        builds: &[BuildId],
        swept: &mut Swept,
        round: &mut Round,
    ) -> Result<(), Later> {
        // Where all of them wait for somebody, nothing else would look at the clock.
        round.goes_on()?;
        let mut running = Vec::new();
        for found in self.found(builds, swept).await {
            let (record, open) = &found;
            let told = match self.desk.standing(record, open, now()) {
                Standing::Over(telling) => self.tell(&telling, round).await,
                Standing::Unspeakable => {
                    self.revise(record.id(), &Reason::never_to_be_told()).await
                }
                Standing::Waits => {
                    swept.waiting += 1;
                    continue;
                }
                Standing::Runs => {
                    running.push(found);
                    continue;
                }
            };
            swept.count(record.id(), told, round)?;
        }
        self.running(&running, swept, round).await
    }

    async fn running(
        &self,
        running: &[Found],
        swept: &mut Swept,
        round: &mut Round,
    ) -> Result<(), Later> {
        let before = now();
        let mut known = self.builds(running, before).await.into_iter();
        for found in running {
            round.goes_on()?;
            let (record, open) = found;
            let seen = match record.target.service {
                Service::CodeBuild => known.next().flatten(),
                Service::CodePipeline => None,
            };
            let told = match seen {
                Some(seen) => self.tell_seen((record, open), &seen, before, round).await,
                None => self.look(record, open, round).await,
            };
            swept.count(record.id(), told, round)?;
        }
        Ok(())
    }

    /// What `CodeBuild` says of its builds among these, in their order. Of none if it refuses one:
    /// then each is asked for alone.
    async fn builds(&self, running: &[Found], before: Micros) -> Vec<Option<Seen>> {
        let builds = running.iter().map(|(record, _)| record);
        let builds: Vec<&Record> = builds
            .filter(|record| record.target.service == Service::CodeBuild)
            .collect();
        match self.engines.look_at_builds(&builds, before).await {
            Ok(seen) => seen.into_iter().map(Some).collect(),
            Err(error) => {
                tracing::warn!(%error, "cannot look at many builds together");
                Vec::new()
            }
        }
    }

    async fn found(&self, builds: &[BuildId], swept: &mut Swept) -> Vec<Found> {
        let mut all = Vec::new();
        for some in builds.chunks(AT_ONCE) {
            let mut reads = JoinSet::new();
            for build in some {
                reads.spawn(read(self.ledger.clone(), *build));
            }
            for (build, found) in reads.join_all().await {
                match found {
                    Ok(Some(found)) => all.push(found),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::error!(%build, %error, "cannot read what is known of a build");
                        swept.failed += 1;
                    }
                }
            }
        }
        // The oldest first, whichever was read first.
        all.sort_by_key(|(record, _)| record.id());
        all
    }
}

async fn read(ledger: Ledger, build: BuildId) -> (BuildId, Result<Option<Found>, Failure>) {
    (build, found(&ledger, build).await)
}

/// `None` if it has been closed meanwhile, or its record has expired.
async fn found(ledger: &Ledger, build: BuildId) -> Result<Option<Found>, Failure> {
    let Some((open, tag)) = ledger.open(build).await? else {
        return Ok(None);
    };
    if let Some((record, _)) = ledger.record(build).await? {
        return Ok(Some((record, open)));
    }
    if build.time().plus_seconds(KEPT) < now() {
        ledger.close(build, &tag).await?;
    } else {
        tracing::error!(%build, "it is open, but there is no record of it");
    }
    Ok(None)
}

impl Swept {
    /// Pagure's silence, or the invocation's end, ends the sweep; another trouble is one build's.
    fn count(
        &mut self,
        build: BuildId,
        told: Result<(), Later>,
        round: &Round,
    ) -> Result<(), Later> {
        let Err(later) = told else {
            self.told += 1;
            return Ok(());
        };
        self.failed += 1;
        tracing::warn!(%build, reason = later.reason, "will report later");
        round.goes_on()
    }
}
