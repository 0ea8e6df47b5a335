//! What pages show.

use chela_contract::{BuildId, Micros};
use chela_receiver::{Build, Pending};
use rusqlite::{Connection, Params, Row};

use crate::{StoreError, record::Phase, table, table::Raw};

/// A build, with what its page shows beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The build.
    pub build: Build,
    /// The unguessable part of its page's address.
    pub key: String,
    /// The phases of its last run, in order.
    pub phases: Vec<Phase>,
    /// When its last run began.
    pub started: Option<Micros>,
    /// When it ended.
    pub ended: Option<Micros>,
    /// Whether the forge knows.
    pub report: Outgoing,
}

/// What became of a build's newest report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// The forge has it, or there was none yet.
    Settled,
    /// It is on its way.
    Waiting {
        /// Attempts that failed.
        attempts: u32,
        /// When it is tried next.
        not_before: Micros,
        /// Why the last attempt failed.
        trouble: Option<String>,
    },
    /// The forge will never have it, for this reason.
    Dropped(String),
}

/// The build with this page.
pub(crate) fn by_key(connection: &Connection, key: &str) -> Result<Option<Kept>, StoreError> {
    Ok(select(connection, "WHERE b.key = ?1", [key])?.pop())
}

/// The build with this id.
pub(crate) fn by_id(connection: &Connection, id: BuildId) -> Result<Option<Kept>, StoreError> {
    Ok(select(connection, "WHERE b.id = ?1", [id.to_string()])?.pop())
}

/// The newest builds before `before`, of one project or of all.
pub(crate) fn list(
    connection: &Connection,
    project: Option<&str>,
    before: Option<BuildId>,
    limit: usize,
) -> Result<Vec<Kept>, StoreError> {
    // After every id, as a letter follows the digits.
    let before = before.map_or_else(|| "z".to_owned(), |id| id.to_string());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    match project {
        Some(project) => select(
            connection,
            "WHERE b.project = ?1 AND b.id < ?2 ORDER BY b.id DESC LIMIT ?3",
            (project, before, limit),
        ),
        None => select(
            connection,
            "WHERE b.id < ?1 ORDER BY b.id DESC LIMIT ?2",
            (before, limit),
        ),
    }
}

/// The builds that run.
pub(crate) fn running(connection: &Connection) -> Result<Vec<Build>, StoreError> {
    let kept = select(connection, "WHERE b.stage = 'running'", [])?;
    Ok(kept.into_iter().map(|kept| kept.build).collect())
}

fn select(
    connection: &Connection,
    condition: &str,
    params: impl Params,
) -> Result<Vec<Kept>, StoreError> {
    let mut statement = connection.prepare_cached(&sql(condition))?;
    let rows = statement.query_map(params, |row| Ok((Raw::of(row)?, waiting(row)?)))?;
    rows.map(|row| row.map_err(StoreError::from).and_then(kept))
        .collect()
}

fn sql(condition: &str) -> String {
    let columns = table::COLUMNS;
    format!(
        "SELECT {columns}, o.pending, o.trouble
         FROM builds b LEFT JOIN outbox o ON o.build = b.seq {condition}"
    )
}

type Waiting = Option<(String, Option<String>)>;

fn waiting(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    let pending: Option<String> = row.get("pending")?;
    let trouble = row.get("trouble")?;
    Ok(pending.map(|pending| (pending, trouble)))
}

fn kept((raw, waiting): (Raw, Waiting)) -> Result<Kept, StoreError> {
    let (_, record) = raw.parse()?;
    let report = match (waiting, record.dropped) {
        (Some((pending, trouble)), _) => {
            let pending: Pending = table::from_json(&pending, &record.build.id().to_string())?;
            Outgoing::Waiting {
                attempts: pending.attempts,
                not_before: pending.not_before,
                trouble,
            }
        }
        (None, Some(reason)) => Outgoing::Dropped(reason),
        (None, None) => Outgoing::Settled,
    };
    Ok(Kept {
        build: record.build,
        key: record.key,
        phases: record.phases,
        started: record.started,
        ended: record.ended,
        report,
    })
}
