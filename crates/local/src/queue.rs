//! Which build is next.

use chela_contract::Micros;
use chela_receiver::{Build, Happened};
use rusqlite::{Connection, OptionalExtension};

use crate::{StoreError, ledger, table, writer::Tx};

/// The oldest build whose time has come, of a project of which the fewest run. The projects that
/// have something queued are found by going from one to the next in the index.
pub(crate) const NEXT: &str = "
WITH RECURSIVE projects (project) AS (
    SELECT min(project) FROM builds WHERE stage = 'queued'
    UNION ALL
    SELECT (SELECT min(b.project) FROM builds b
            WHERE b.stage = 'queued' AND b.project > p.project)
    FROM projects p WHERE p.project IS NOT NULL
),
oldest (seq, running) AS (
    SELECT (SELECT b.seq FROM builds b
            WHERE b.stage = 'queued' AND b.project = p.project AND b.not_before <= ?1
            ORDER BY b.seq LIMIT 1),
           (SELECT count(*) FROM builds b WHERE b.stage = 'running' AND b.project = p.project)
    FROM projects p WHERE p.project IS NOT NULL
)
SELECT b.id FROM oldest o CROSS JOIN builds b ON b.seq = o.seq
ORDER BY o.running, o.seq LIMIT 1";

/// Takes the build that is next.
pub(crate) fn claim(tx: &Tx<'_>, now: Micros) -> Result<Option<Build>, StoreError> {
    let mut statement = tx.prepare_cached(NEXT)?;
    let id: Option<String> = statement
        .query_row([now.get()], |row| row.get(0))
        .optional()?;
    let Some(id) = id else {
        return Ok(None);
    };
    ledger::happened(tx, table::id(id)?, Happened::Taken, now)
}

/// The earliest moment after `now` for which something waits.
pub(crate) fn next_at(connection: &Connection, now: Micros) -> Result<Option<Micros>, StoreError> {
    let mut statement = connection.prepare_cached(NEXT_AT)?;
    let at: Option<i64> = statement.query_row([now.get()], |row| row.get(0))?;
    Ok(at.map(Micros::new))
}

pub(crate) const NEXT_AT: &str = "
SELECT min(at) FROM (
    SELECT min(not_before) AS at FROM builds WHERE stage = 'queued' AND not_before > ?1
    UNION ALL
    SELECT min(not_before) FROM outbox WHERE not_before > ?1
)";
