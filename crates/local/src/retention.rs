//! What is forgotten, and what is remembered of it.

use chela_contract::{BuildId, BuildRequest, Micros, Status};
use chela_receiver::{Build, Origin, Said, Stage};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{StoreError, table, table::Raw, writer::Tx};

/// How long the id of a build is remembered at least: a forge repeats a delivery for 24 hours, and a
/// signature counts for some minutes more.
const REMEMBERED_SECONDS: i64 = 25 * 60 * 60;
/// How many builds go at a time, so that requests need not wait for long.
const AT_A_TIME: i64 = 100;

/// Builds that may go: over since before `ended_before`, or beyond the `keep_at_most` of their own
/// project, of which those that never ran go first; and the forge has their last report, or never
/// will. One project's strangers push out neither another project's builds nor those that ran.
pub(crate) fn expendable(
    connection: &Connection,
    ended_before: Micros,
    keep_at_most: usize,
) -> Result<Vec<i64>, StoreError> {
    let keep = i64::try_from(keep_at_most).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(
        "WITH over AS (
             SELECT seq, ended, row_number() OVER (
                 PARTITION BY project ORDER BY started IS NULL, ended DESC, seq DESC) AS place
             FROM builds WHERE stage = 'ended')
         SELECT seq FROM over
         WHERE (ended < ?1 OR place > ?2)
             AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.build = over.seq)
         ORDER BY ended LIMIT ?3",
    )?;
    let before = ended_before.get();
    let rows = statement.query_map([before, keep, AT_A_TIME], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Some of the builds that were accepted before `held_before` and are held.
pub(crate) fn held_since(
    connection: &Connection,
    held_before: Micros,
) -> Result<Vec<BuildId>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM builds WHERE stage = 'held' AND accepted < ?1 ORDER BY accepted LIMIT ?2",
    )?;
    let mut rows = statement.query([held_before.get(), AT_A_TIME])?;
    let mut held = Vec::new();
    while let Some(row) = rows.next()? {
        held.push(table::id(row.get(0)?)?);
    }
    Ok(held)
}

/// Forgets those of the rows that may still go.
pub(crate) fn forget(tx: &Tx<'_>, rows: &[i64], now: Micros) -> Result<Vec<Build>, StoreError> {
    let mut gone = Vec::new();
    for seq in rows {
        let Some(build) = ended(tx, *seq)? else {
            continue;
        };
        if build.accepted.plus_seconds(REMEMBERED_SECONDS) > now {
            remember(tx, &build)?;
        }
        tx.prepare_cached("DELETE FROM builds WHERE seq = ?1")?
            .execute([seq])?;
        gone.push(build);
    }
    let mut statement = tx.prepare_cached(
        "DELETE FROM forgotten WHERE id IN
             (SELECT id FROM forgotten WHERE accepted <= ?1 ORDER BY accepted LIMIT ?2)",
    )?;
    statement.execute([now.plus_seconds(-REMEMBERED_SECONDS).get(), 2 * AT_A_TIME])?;
    Ok(gone)
}

fn ended(tx: &Tx<'_>, seq: i64) -> Result<Option<Build>, StoreError> {
    let columns = table::COLUMNS;
    let sql = format!("SELECT {columns} FROM builds b WHERE b.seq = ?1 AND b.stage = 'ended'");
    let mut statement = tx.prepare_cached(&sql)?;
    let raw = statement.query_row([seq], Raw::of).optional()?;
    let parsed = raw.map(Raw::parse).transpose()?;
    Ok(parsed.map(|(_, record)| record.build))
}

fn remember(tx: &Tx<'_>, build: &Build) -> Result<(), StoreError> {
    let Stage::Ended(status) = build.stage else {
        return Ok(());
    };
    let request = &build.request;
    let mut statement = tx.prepare_cached(
        "INSERT INTO forgotten (id, project, pull, job, page, status, accepted)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    statement.execute(params![
        request.build_id.to_string(),
        request.project.fullname,
        request.pull_request.as_ref().map(|pull| pull.id),
        request.job.as_str(),
        build.page.as_str(),
        status.as_str(),
        build.accepted.get(),
    ])?;
    Ok(())
}

/// What a request that comes again is answered with after its build is forgotten: the request's own
/// words, and what is remembered.
pub(crate) fn recall(tx: &Tx<'_>, request: &BuildRequest) -> Result<Option<Build>, StoreError> {
    let id = request.build_id.to_string();
    let mut statement =
        tx.prepare_cached("SELECT project, page, status, accepted FROM forgotten WHERE id = ?1")?;
    let remembered = statement.query_row([&id], |row| {
        let project: String = row.get(0)?;
        let page: String = row.get(1)?;
        let status: String = row.get(2)?;
        Ok((project, page, status, Micros::new(row.get(3)?)))
    });
    let Some((project, page, status, accepted)) = remembered.optional()? else {
        return Ok(None);
    };
    let damaged = |why: &str| StoreError::Damaged {
        id: id.clone(),
        why: why.to_owned(),
    };
    let status = Status::from_word(&status).ok_or_else(|| damaged("no status"))?;
    let mut request = request.clone();
    request.project.fullname = project;
    Ok(Some(Build {
        page: page.parse().map_err(|_| damaged("no address"))?,
        accepted,
        origin: Origin::Stranger,
        stage: Stage::Ended(status),
        commit: request.source.commit.clone(),
        said: Said {
            at: accepted,
            status,
            description: String::new(),
            percent: None,
        },
        runs: 0,
        misses: 0,
        request,
    }))
}
