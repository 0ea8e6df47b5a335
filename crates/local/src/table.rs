//! Records as rows.

use chela_contract::{BuildId, CommitId, Micros};
use chela_receiver::{Build, Origin, Stage};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde::{Serialize, de::DeserializeOwned};

use crate::{StoreError, record::Record};

/// What [`Raw::of`] reads, in this order, of a table `b`.
pub(crate) const COLUMNS: &str =
    "b.seq, b.id, b.key, b.cleared, b.started, b.ended, b.dropped, b.phases, b.build";

/// A row, not yet parsed.
pub(crate) struct Raw {
    seq: i64,
    id: String,
    key: String,
    cleared: Option<String>,
    started: Option<i64>,
    ended: Option<i64>,
    dropped: Option<String>,
    phases: String,
    build: String,
}

impl Raw {
    pub(crate) fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            id: row.get(1)?,
            key: row.get(2)?,
            cleared: row.get(3)?,
            started: row.get(4)?,
            ended: row.get(5)?,
            dropped: row.get(6)?,
            phases: row.get(7)?,
            build: row.get(8)?,
        })
    }

    /// The record, and the number of its row.
    pub(crate) fn parse(self) -> Result<(i64, Record), StoreError> {
        let record = Record {
            build: from_json(&self.build, &self.id)?,
            key: self.key,
            cleared: self.cleared.is_some(),
            started: self.started.map(Micros::new),
            ended: self.ended.map(Micros::new),
            dropped: self.dropped,
            phases: from_json(&self.phases, &self.id)?,
        };
        Ok((self.seq, record))
    }
}

/// The record of a build, and the number of its row.
pub(crate) fn load(
    connection: &Connection,
    id: BuildId,
) -> Result<Option<(i64, Record)>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM builds b WHERE b.id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let raw = statement.query_row([id.to_string()], Raw::of).optional()?;
    raw.map(Raw::parse).transpose()
}

/// The id that a row holds.
pub(crate) fn id(text: String) -> Result<BuildId, StoreError> {
    text.parse().map_err(|_| StoreError::Damaged {
        id: text,
        why: "no build has such an id".to_owned(),
    })
}

/// Adds a record; the number of its row.
pub(crate) fn insert(connection: &Connection, record: &Record) -> Result<i64, StoreError> {
    let Build {
        request, accepted, ..
    } = &record.build;
    let mut statement = connection.prepare_cached(
        "INSERT INTO builds (id, key, project, pull, job, sha, stage, acknowledged, not_before,
             cleared, accepted, ended, phases, build)
         VALUES (:id, :key, :project, :pull, :job, :sha, :stage, :acknowledged, :not_before,
             :cleared, :accepted, :ended, :phases, :build)",
    )?;
    statement.execute(named_params! {
        ":id": request.build_id.to_string(),
        ":key": record.key,
        ":project": request.project.fullname,
        ":pull": request.pull_request.as_ref().map(|pull| pull.id),
        ":job": request.job.as_str(),
        ":sha": record.build.commit.as_ref().map(CommitId::as_str),
        ":stage": stage_word(record.build.stage),
        ":acknowledged": acknowledged(record.build.stage),
        ":not_before": not_before(record.build.stage),
        ":cleared": cleared_as(record),
        ":accepted": accepted.get(),
        ":ended": record.ended.map(Micros::get),
        ":phases": to_json(&record.phases),
        ":build": to_json(&record.build),
    })?;
    Ok(connection.last_insert_rowid())
}

/// Writes what may have changed of a record.
pub(crate) fn update(connection: &Connection, seq: i64, record: &Record) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "UPDATE builds SET sha = :sha, stage = :stage, acknowledged = :acknowledged,
             not_before = :not_before, started = :started, ended = :ended, dropped = :dropped,
             phases = :phases, build = :build
         WHERE seq = :seq",
    )?;
    statement.execute(named_params! {
        ":seq": seq,
        ":sha": record.build.commit.as_ref().map(CommitId::as_str),
        ":stage": stage_word(record.build.stage),
        ":acknowledged": acknowledged(record.build.stage),
        ":not_before": not_before(record.build.stage),
        ":started": record.started.map(Micros::get),
        ":ended": record.ended.map(Micros::get),
        ":dropped": record.dropped,
        ":phases": to_json(&record.phases),
        ":build": to_json(&record.build),
    })?;
    Ok(())
}

/// Whose code was let through; of two words for one commit the greater is the more careful.
fn cleared_as(record: &Record) -> Option<&'static str> {
    let word = match record.build.origin {
        Origin::Committer => "committer",
        Origin::Stranger => "stranger",
    };
    record.cleared.then_some(word)
}

/// The origin that [`cleared_as`] wrote.
pub(crate) fn origin(word: &str) -> Origin {
    if word == "committer" {
        Origin::Committer
    } else {
        Origin::Stranger
    }
}

fn stage_word(stage: Stage) -> &'static str {
    match stage {
        Stage::Held { .. } => "held",
        Stage::Queued { .. } => "queued",
        Stage::Running => "running",
        Stage::Ended(_) => "ended",
    }
}

fn acknowledged(stage: Stage) -> Option<i64> {
    match stage {
        Stage::Held { acknowledged } => acknowledged.map(Micros::get),
        Stage::Queued { .. } | Stage::Running | Stage::Ended(_) => None,
    }
}

fn not_before(stage: Stage) -> Option<i64> {
    match stage {
        Stage::Queued { not_before } => Some(not_before.get()),
        Stage::Held { .. } | Stage::Running | Stage::Ended(_) => None,
    }
}

pub(crate) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a record holds strings and numbers only")
}

/// Parses what [`to_json`] wrote of the build with this id.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str, id: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Damaged {
        id: id.to_owned(),
        why: error.to_string(),
    })
}
