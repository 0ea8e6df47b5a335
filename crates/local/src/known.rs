//! What the ledger knows that matters to a new request.

use chela_contract::{BuildId, BuildRequest, CommitId, Micros};
use chela_receiver::{Bounds, Known, Origin, Other, Stage};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{StoreError, table};

/// Loads it; nothing here takes longer the more builds there are.
pub(crate) fn known(
    connection: &Connection,
    request: &BuildRequest,
    bounds: Bounds,
) -> Result<Known, StoreError> {
    let others = others(connection, request)?;
    Ok(Known {
        acknowledged: acknowledged(&others, request),
        newest: newest(connection, request)?,
        cleared: cleared(connection, request)?,
        queued: queued(connection)?,
        held: held(connection, request, bounds)?,
        others,
    })
}

/// The builds of the same pull request and job that are not over.
fn others(connection: &Connection, request: &BuildRequest) -> Result<Vec<Other>, StoreError> {
    let Some(pull) = &request.pull_request else {
        return Ok(Vec::new());
    };
    let mut statement = connection.prepare_cached(
        "SELECT id, sha, stage, acknowledged, not_before FROM builds
         WHERE project = ?1 AND pull = ?2 AND job = ?3 AND stage <> 'ended'",
    )?;
    let lane = params![request.project.fullname, pull.id, request.job.as_str()];
    let mut others = Vec::new();
    let mut rows = statement.query(lane)?;
    while let Some(row) = rows.next()? {
        let (id, commit) = name(row)?;
        let stage = stage(row)?;
        others.push(Other { id, commit, stage });
    }
    Ok(others)
}

fn name(row: &Row<'_>) -> Result<(BuildId, Option<CommitId>), StoreError> {
    let id = table::id(row.get(0)?)?;
    let commit: Option<String> = row.get(1)?;
    let commit = commit.map(CommitId::try_from).transpose();
    let commit = commit.map_err(|error| StoreError::Damaged {
        id: id.to_string(),
        why: error.to_string(),
    })?;
    Ok((id, commit))
}

fn stage(row: &Row<'_>) -> rusqlite::Result<Stage> {
    let word: String = row.get(2)?;
    let acknowledged: Option<i64> = row.get(3)?;
    let not_before: Option<i64> = row.get(4)?;
    Ok(match (word.as_str(), not_before) {
        ("queued", Some(at)) => Stage::Queued {
            not_before: Micros::new(at),
        },
        ("held", _) => Stage::Held {
            acknowledged: acknowledged.map(Micros::new),
        },
        _ => Stage::Running,
    })
}

/// When the forge acknowledged the hold that the request may release. One of before does not count:
/// the pull request has shown another commit since, and a committer who looked at that one has not
/// seen this.
fn acknowledged(others: &[Other], request: &BuildRequest) -> Option<Micros> {
    let same = others
        .iter()
        .filter(|other| other.commit == request.source.commit);
    same.filter_map(|other| match other.stage {
        Stage::Held { acknowledged } => acknowledged,
        Stage::Queued { .. } | Stage::Running | Stage::Ended(_) => None,
    })
    .min()
}

/// The greatest build of the same pull request and job, over or not, forgotten or not.
fn newest(
    connection: &Connection,
    request: &BuildRequest,
) -> Result<Option<(BuildId, Option<CommitId>)>, StoreError> {
    let Some(pull) = &request.pull_request else {
        return Ok(None);
    };
    let mut newest = None;
    for sql in [
        "SELECT id, sha FROM builds
         WHERE project = ?1 AND pull = ?2 AND job = ?3 ORDER BY id DESC LIMIT 1",
        "SELECT id, NULL FROM forgotten
         WHERE project = ?1 AND pull = ?2 AND job = ?3 ORDER BY id DESC LIMIT 1",
    ] {
        let lane = params![request.project.fullname, pull.id, request.job.as_str()];
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(lane)?;
        let found = rows.next()?.map(name).transpose()?;
        newest = newest.max(found);
    }
    Ok(newest)
}

/// As whose code this commit of this project was let through before.
fn cleared(connection: &Connection, request: &BuildRequest) -> Result<Option<Origin>, StoreError> {
    let Some(commit) = &request.source.commit else {
        return Ok(None);
    };
    let mut statement = connection.prepare_cached(
        "SELECT max(cleared) FROM builds
         WHERE project = ?1 AND sha = ?2 AND cleared IS NOT NULL",
    )?;
    let of = params![request.project.fullname, commit.as_str()];
    let word: Option<Option<String>> = statement.query_row(of, |row| row.get(0)).optional()?;
    Ok(word.flatten().as_deref().map(table::origin))
}

fn queued(connection: &Connection) -> Result<usize, StoreError> {
    let mut statement = connection.prepare_cached("SELECT queued FROM tally")?;
    let queued: i64 = statement.query_row([], |row| row.get(0))?;
    Ok(usize::try_from(queued).unwrap_or(0))
}

/// How many builds of this project wait for a committer; not counted beyond what matters.
fn held(
    connection: &Connection,
    request: &BuildRequest,
    bounds: Bounds,
) -> Result<usize, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT count(*) FROM (
             SELECT 1 FROM builds WHERE project = ?1 AND stage = 'held' LIMIT ?2)",
    )?;
    let limit = i64::try_from(bounds.held).unwrap_or(i64::MAX);
    let of = params![request.project.fullname, limit];
    let held: i64 = statement.query_row(of, |row| row.get(0))?;
    Ok(usize::try_from(held).unwrap_or(0))
}
