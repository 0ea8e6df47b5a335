//! What happens to builds: the record and the report that tells of it, together.

use std::time::{SystemTime, UNIX_EPOCH};

use chela_contract::{BuildId, Micros};
use chela_receiver::{Build, End, Happened, Ledger, Stage, Standing};

use crate::{Store, StoreError, outbox, table, writer::Tx};

impl Ledger for Store {
    type Error = StoreError;

    /// Blocks until it lasts; not to be called from asynchronous code.
    fn happened(&self, build: &Build, what: Happened) -> Result<Standing, StoreError> {
        self.happened_at(build.id(), what, now())
    }
}

/// Lets something happen to a build; `None` if there is no such build any more.
pub(crate) fn happened(
    tx: &Tx<'_>,
    id: BuildId,
    what: Happened,
    now: Micros,
) -> Result<Option<Build>, StoreError> {
    let Some((seq, mut record)) = table::load(tx, id)? else {
        return Ok(None);
    };
    if record.build.is_over() {
        return Ok(Some(record.build));
    }
    let report = record.happened(what, now);
    table::update(tx, seq, &record)?;
    outbox::put(tx, seq, &record.build, report, now)?;
    tx.stir();
    Ok(Some(record.build))
}

/// Ends a build if it is held still.
pub(crate) fn expire(tx: &Tx<'_>, id: BuildId, now: Micros) -> Result<Option<Build>, StoreError> {
    let held = table::load(tx, id)?
        .is_some_and(|(_, record)| matches!(record.build.stage, Stage::Held { .. }));
    if held {
        happened(tx, id, Happened::Ended(End::Expired), now)
    } else {
        Ok(None)
    }
}

/// Whether a build is wanted. Only what is over is ever forgotten.
pub(crate) fn standing(build: Option<&Build>) -> Standing {
    if build.is_none_or(Build::is_over) {
        Standing::Over
    } else {
        Standing::Wanted
    }
}

fn now() -> Micros {
    // A clock before 1970 is set wrongly; a report's moment then follows the one before.
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Micros::new(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
