//! The tables, and how an older database gets them.

use rusqlite::Connection;

/// The steps from an empty database to today's; `user_version` counts those that are done. A step
/// that was released is never changed.
const STEPS: &[&str] = &[FIRST];

/// The newest version that this program knows.
pub(crate) fn newest() -> i64 {
    i64::try_from(STEPS.len()).expect("a handful of steps")
}

/// The version of a database.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a database of an older version to today's, each step whole or not at all.
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let done = usize::try_from(version(connection)?).unwrap_or(0);
    for (step, version) in STEPS.iter().zip(1_i64..).skip(done) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}

/// A build is JSON (`build`), beside what the queries need. Every index that only some builds need
/// is partial, so that it stays as small as their number.
const FIRST: &str = "
CREATE TABLE builds (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    pull INTEGER,
    job TEXT NOT NULL,
    sha TEXT,
    stage TEXT NOT NULL CHECK (stage IN ('held', 'queued', 'running', 'ended')),
    acknowledged INTEGER,
    not_before INTEGER,
    cleared TEXT,
    accepted INTEGER NOT NULL,
    started INTEGER,
    ended INTEGER,
    dropped TEXT,
    phases TEXT NOT NULL,
    build TEXT NOT NULL
) STRICT;
CREATE INDEX builds_list ON builds (project, id);
CREATE INDEX builds_lane ON builds (project, pull, job, id) WHERE pull IS NOT NULL;
CREATE INDEX builds_lane_open ON builds (project, pull, job)
    WHERE stage <> 'ended' AND pull IS NOT NULL;
CREATE INDEX builds_cleared ON builds (project, sha, cleared) WHERE cleared IS NOT NULL;
CREATE INDEX builds_held ON builds (project) WHERE stage = 'held';
CREATE INDEX builds_waiting ON builds (accepted) WHERE stage = 'held';
CREATE INDEX builds_queued ON builds (project, seq, not_before) WHERE stage = 'queued';
CREATE INDEX builds_next ON builds (not_before) WHERE stage = 'queued';
CREATE INDEX builds_running ON builds (project) WHERE stage = 'running';
CREATE INDEX builds_ended ON builds (ended) WHERE stage = 'ended';

-- How many builds are queued: counting them for each request would take longer the more there are.
CREATE TABLE tally (one INTEGER PRIMARY KEY CHECK (one = 1), queued INTEGER NOT NULL) STRICT;
INSERT INTO tally VALUES (1, 0);
CREATE TRIGGER queued_new AFTER INSERT ON builds WHEN new.stage = 'queued' BEGIN
    UPDATE tally SET queued = queued + 1;
END;
CREATE TRIGGER queued_changed AFTER UPDATE OF stage ON builds
WHEN (new.stage = 'queued') <> (old.stage = 'queued') BEGIN
    UPDATE tally SET queued = queued + (new.stage = 'queued') - (old.stage = 'queued');
END;

-- The newest report of a build that the forge does not have yet; `seq` is the report's moment.
CREATE TABLE outbox (
    build INTEGER PRIMARY KEY REFERENCES builds (seq),
    seq INTEGER NOT NULL,
    holds INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    trouble TEXT,
    pending TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_due ON outbox (not_before);

-- What a repeated delivery of a build that is forgotten is answered with.
CREATE TABLE forgotten (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    pull INTEGER,
    job TEXT NOT NULL,
    page TEXT NOT NULL,
    status TEXT NOT NULL,
    accepted INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX forgotten_accepted ON forgotten (accepted);
CREATE INDEX forgotten_lane ON forgotten (project, pull, job, id) WHERE pull IS NOT NULL;
";
