//! Asks the engine how a build stands, and tells that.

use chela_contract::{Micros, Status};

use super::{Later, Reports, Round};
use crate::clock::{end_of_second, now};
use crate::engine::{EngineFailure, Seen};
use crate::record::{Open, Record};
use crate::state::State;

impl Reports {
    /// Looks, and tells what is seen.
    pub(crate) async fn look(
        &self,
        record: &Record,
        open: &Open,
        round: &mut Round,
    ) -> Result<(), Later> {
        round.goes_on()?;
        let before = now();
        let seen = self.engines.look(record, before).await?;
        self.tell_seen((record, open), &seen, before, round).await
    }

    /// Tells a failure once more that may have been told without what failed.
    pub(crate) async fn look_again(
        &self,
        record: &Record,
        failed: String,
        round: &mut Round,
    ) -> Result<(), Later> {
        round.goes_on()?;
        // The end's event may be of this very second, and of two equals the longer text stands.
        let before = end_of_second(now());
        let seen = self.engines.look(record, before).await?;
        let is_failure = |state: &State| state.status == Status::Failure;
        // It may have been retried meanwhile.
        if !matches!(&seen, Seen::Now { state, .. } if is_failure(state)) {
            return Ok(());
        }
        let open = Open {
            failed: Some(failed),
            ..Open::default()
        };
        self.tell_seen((record, &open), &seen, before, round).await
    }

    /// Tells what was seen; `before` is the time before the look.
    pub(crate) async fn tell_seen(
        &self,
        (record, open): (&Record, &Open),
        seen: &Seen,
        before: Micros,
        round: &mut Round,
    ) -> Result<(), Later> {
        match self.desk.seen(record, open, seen, before) {
            Some(telling) => self.tell(&telling, round).await,
            None => Ok(()),
        }
    }
}

impl From<EngineFailure> for Later {
    fn from(failure: EngineFailure) -> Self {
        Self::because(failure.to_string())
    }
}
