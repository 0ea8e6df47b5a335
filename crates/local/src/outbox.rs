//! Reports on their way to the forge. Of each build only the newest is kept: it says all that the
//! flag shows.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chela_contract::{BuildId, Micros, Report};
use chela_receiver::{After, Build, Happened, Pending, Stage};
use rusqlite::{Connection, params};

use crate::{StoreError, ledger, table, writer::Tx};

/// A report whose time has come. While it lives no other report of its build is handed out, so that
/// a build's reports are sent one after another.
#[derive(Debug)]
pub struct Due {
    /// Whose report it is.
    pub build: BuildId,
    /// The project's full name, whose key signs it.
    pub project: String,
    /// Orders the reports of a build.
    pub report_seq: i64,
    /// The report.
    pub pending: Pending,
    /// It says that the build is held.
    pub holds: bool,
    _lease: Lease,
}

/// Which builds have a report on its way. In memory only, so that a crash forgets it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leases(Arc<Mutex<HashSet<BuildId>>>);

#[derive(Debug)]
struct Lease {
    build: BuildId,
    leases: Leases,
}

impl Leases {
    fn lock(&self) -> MutexGuard<'_, HashSet<BuildId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.leases.lock().remove(&self.build);
    }
}

/// Puts a report of a build into the outbox, in the place of an older one.
pub(crate) fn put(
    tx: &Tx<'_>,
    seq: i64,
    build: &Build,
    report: Option<Report>,
    now: Micros,
) -> Result<(), StoreError> {
    let Some(report) = report else {
        return Ok(());
    };
    let at = report.shown.at.get();
    let pending = Pending {
        // A build's reports differ in their moments.
        id: format!("{}-{at}", build.id()),
        body: report.to_body(),
        first_at: now,
        attempts: 0,
        not_before: now,
    };
    let mut statement = tx.prepare_cached(
        "INSERT OR REPLACE INTO outbox (build, seq, holds, not_before, pending)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let holds = matches!(build.stage, Stage::Held { .. });
    let json = table::to_json(&pending);
    statement.execute(params![seq, at, holds, now.get(), json])?;
    tx.stir();
    Ok(())
}

/// The report whose time came first, of those that are not on their way.
pub(crate) fn due(
    connection: &Connection,
    leases: &Leases,
    now: Micros,
) -> Result<Option<Due>, StoreError> {
    // Held while reading: a report that was on its way when this began is not handed out again from
    // what was read before it arrived.
    let mut on_their_way = leases.lock();
    let mut statement = connection.prepare_cached(
        "SELECT b.id, b.project, o.seq, o.holds, o.pending
         FROM outbox o CROSS JOIN builds b ON b.seq = o.build
         WHERE o.not_before <= ?1 ORDER BY o.not_before, o.build",
    )?;
    let mut rows = statement.query([now.get()])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let build = table::id(id.clone())?;
        if on_their_way.contains(&build) {
            continue;
        }
        let pending: String = row.get(4)?;
        let due = Due {
            build,
            project: row.get(1)?,
            report_seq: row.get(2)?,
            holds: row.get(3)?,
            pending: table::from_json(&pending, &id)?,
            _lease: Lease {
                build,
                leases: leases.clone(),
            },
        };
        on_their_way.insert(build);
        return Ok(Some(due));
    }
    Ok(None)
}

/// Keeps what an attempt came to. What a newer report has replaced meanwhile stays replaced.
pub(crate) fn settle(
    tx: &Tx<'_>,
    (build, report_seq, holds): (BuildId, i64, bool),
    after: &After,
    (acknowledged, now): (Micros, Micros),
) -> Result<(), StoreError> {
    let Some((seq, mut record)) = table::load(tx, build)? else {
        return Ok(());
    };
    let this = params![seq, report_seq];
    let newest = match after {
        After::Delivered | After::Dropped { .. } => {
            let sql = "DELETE FROM outbox WHERE build = ?1 AND seq = ?2";
            tx.prepare_cached(sql)?.execute(this)?
        }
        After::Again { pending, reason } => tx
            .prepare_cached(
                "UPDATE outbox SET not_before = ?3, trouble = ?4, pending = ?5
                 WHERE build = ?1 AND seq = ?2",
            )?
            .execute(params![
                seq,
                report_seq,
                pending.not_before.get(),
                reason,
                table::to_json(pending)
            ])?,
    };
    if newest == 1 && !matches!(after, After::Again { .. }) {
        record.dropped = match after {
            After::Dropped { reason } => Some(reason.clone()),
            After::Delivered | After::Again { .. } => None,
        };
        table::update(tx, seq, &record)?;
    }
    if holds && *after == After::Delivered {
        ledger::happened(tx, build, Happened::Acknowledged(acknowledged), now)?;
    }
    tx.stir();
    Ok(())
}
