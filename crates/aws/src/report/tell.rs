//! Tells Pagure one report, and does what follows.

use chela_contract::webhook::Key;
use chela_contract::{BuildId, Micros, Report, Shown};

use super::decide::{Effect, Telling};
use super::opening::{Reason, Revision};
use super::post::{Reached, Taken};
use super::{Later, Reports, Round};
use crate::failure::Failure;
use crate::objects::{Removed, Written};
use crate::tokens::NoToken;

/// How often `open/<id>` is written that others write too.
const TRIES: u32 = 10;

impl Reports {
    /// Tells it; what Pagure refuses for good is over as well.
    pub(crate) async fn tell(&self, telling: &Telling, round: &mut Round) -> Result<(), Later> {
        let told = self.told(telling, round).await;
        told.map_err(|later| later.of(telling.build))
    }

    async fn told(&self, telling: &Telling, round: &mut Round) -> Result<(), Later> {
        round.goes_on()?;
        let (build, at) = (telling.build, telling.report.shown.at);
        if telling.effect == Effect::Reopens {
            self.revise(build, &Reason::Resumed(at)).await?;
        }
        let reason = match self.send(telling, &telling.report, round).await? {
            None => Some(Reason::never_to_be_told()),
            Some(taken) => match telling.effect {
                Effect::Passing | Effect::Reopens => taken.applied().then_some(Reason::Unsure),
                Effect::Held => Some(Reason::Acknowledged(taken.at)),
                Effect::Last => {
                    self.uncover(telling, &taken, round).await?;
                    self.name_cause(telling, round).await?;
                    Some(Reason::Told(at))
                }
            },
        };
        match reason {
            Some(reason) => Ok(self.revise(build, &reason).await?),
            None => Ok(()),
        }
    }

    /// An end that a later "pending" of the same build hides is said once more, after that.
    async fn uncover(
        &self,
        telling: &Telling,
        taken: &Taken,
        round: &mut Round,
    ) -> Result<(), Later> {
        let at = telling.report.shown.at;
        let Some(pending) = taken.hidden_behind(at) else {
            return Ok(());
        };
        let open = self.ledger.open(telling.build).await?;
        if open.is_some_and(|(open, _)| open.reopened > Some(at)) {
            return Ok(());
        }
        let report = telling.report.clone();
        let report = Report {
            shown: Shown {
                at: Micros::new(pending.get() + 1),
                ..report.shown
            },
            ..report
        };
        self.send(telling, &report, round).await.map(drop)
    }

    /// Which part failed may have become known while the end was told.
    async fn name_cause(&self, telling: &Telling, round: &mut Round) -> Result<(), Later> {
        // An empty part asks whether there is one to be named.
        if telling.naming("").is_none() {
            return Ok(());
        }
        let open = self.ledger.open(telling.build).await?;
        let part = open.and_then(|(open, _)| open.failed);
        match part.and_then(|part| telling.naming(&part)) {
            Some(report) => self.send(telling, &report, round).await.map(drop),
            None => Ok(()),
        }
    }

    /// Sends it; `None` if Pagure refuses it for good.
    async fn send(
        &self,
        telling: &Telling,
        report: &Report,
        round: &mut Round,
    ) -> Result<Option<Taken>, Later> {
        let build = telling.build;
        match self.reach(telling, report, round).await? {
            Reached::Taken(taken) => {
                let (status, applied) = (report.shown.status.as_str(), taken.applied());
                tracing::info!(%build, status, applied, "reported");
                Ok(Some(taken))
            }
            Reached::Refused(reason) => {
                tracing::error!(%build, reason, counted = "refused", "Pagure refuses a report");
                Ok(None)
            }
            Reached::Unknown(reason) => {
                tracing::error!(%build, reason, counted = "token", "Pagure does not know the token");
                Err(Later::because(reason))
            }
            Reached::Stumbled { reason, after } => Err(Later {
                after,
                ..Later::because(reason)
            }),
            Reached::Down { reason, after } => {
                round.is_down(&reason);
                Err(Later {
                    after,
                    ..Later::because(reason)
                })
            }
        }
    }

    /// A token that Pagure does not know may have been renewed since it was read.
    async fn reach(
        &self,
        telling: &Telling,
        report: &Report,
        round: &mut Round,
    ) -> Result<Reached, Later> {
        let key = self.key(telling, round).await?;
        let reached = self.post.send(&telling.project, key, report).await;
        let stale = matches!(reached, Reached::Unknown(_));
        if !(stale && round.renews() && self.tokens.forget()) {
            return Ok(reached);
        }
        let key = self.key(telling, round).await?;
        Ok(self.post.send(&telling.project, key, report).await)
    }

    /// A project that the secret did not name when it was read may have been added since.
    async fn key(&self, telling: &Telling, round: &mut Round) -> Result<Key, Later> {
        let mut key = self.tokens.key(&telling.project).await;
        let lacks = matches!(key, Err(NoToken::Project { .. } | NoToken::Empty { .. }));
        if lacks && round.renews() && self.tokens.forget() {
            key = self.tokens.key(&telling.project).await;
        }
        key.map_err(|error| {
            let reason = error.to_string();
            tracing::error!(build = %telling.build, reason, counted = "token", "there is no token");
            Later::because(reason)
        })
    }

    /// Writes what follows from `reason` into `open/<build>`, whoever else writes there.
    pub(crate) async fn revise(&self, build: BuildId, reason: &Reason) -> Result<(), Later> {
        for _ in 0..TRIES {
            if self.revise_once(build, reason).await? {
                return Ok(());
            }
        }
        let busy = format!("open/{build} changes all the time");
        Err(Later::because(busy))
    }

    async fn revise_once(&self, build: BuildId, reason: &Reason) -> Result<bool, Failure> {
        let seen = self.ledger.open(build).await?;
        let (open, tag) = seen.unzip();
        match (reason.revise(open.as_ref()), &tag) {
            (Revision::Put(open), tag) => {
                let written = self.ledger.open_put(build, &open, tag.as_ref()).await?;
                Ok(written != Written::Changed)
            }
            (Revision::Close, Some(tag)) => {
                Ok(self.ledger.close(build, tag).await? == Removed::Gone)
            }
            (Revision::Leave, _) | (Revision::Close, None) => Ok(true),
        }
    }
}
