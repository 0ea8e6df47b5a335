//! What only the inside can show: the plans of all statements, and a disk that is full.

use std::collections::BTreeSet;
use std::sync::Mutex;

use chela_contract::{BuildId, Micros};
use chela_receiver::{After, End, Happened, Stage};
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use super::*;
use crate::tests::support::{Wanted, at, block_on};

#[path = "../tests/support/mod.rs"]
mod support;

static STATEMENTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn watch(connection: &mut Connection) {
    let note = |event: TraceEvent<'_>| {
        if let TraceEvent::Stmt(_, sql) = event {
            STATEMENTS.lock().unwrap().insert(sql.to_owned());
        }
    };
    let statements = TraceEventCodes::SQLITE_TRACE_STMT;
    connection.trace_v2(statements, Some(note)).unwrap();
}

/// Does everything that a store can do.
fn everything(store: &Store) {
    let accept = |wanted: &Wanted| block_on(store.accept(wanted.asked(wanted.by_at))).unwrap();
    accept(&Wanted::stranger(1));
    let now = at(100);
    settle_all(store, &After::Delivered, now);
    accept(&Wanted::rebuild(200));
    accept(&Wanted::new(3));
    let build = store.claim(at(201)).unwrap().unwrap();
    let phase = Happened::Phase {
        name: "build".to_owned(),
        percent: 5,
    };
    store.happened_at(build.id(), phase, now).unwrap();
    settle_all(
        store,
        &After::Dropped {
            reason: "no".to_owned(),
        },
        at(300),
    );
    store.recover(now, &|_| true).unwrap();
    store.stop(build.id(), now).unwrap();
    let due = store.due(at(300)).unwrap().unwrap();
    let again = After::Again {
        pending: due.pending.clone(),
        reason: "later".to_owned(),
    };
    store.settle(&due, &again, now, now).unwrap();
    drop(due);
    settle_all(store, &After::Delivered, at(300));
    store.next_at(now).unwrap();
    store.by_key("x").unwrap();
    store.standing(build.id()).unwrap();
    store.list(None, None, 9).unwrap();
    store.list(Some("x"), Some(build.id()), 9).unwrap();
    store.expire(now, now).unwrap();
    assert!(!store.forget(at(999), 0, at(400)).unwrap().is_empty());
}

fn settle_all(store: &Store, after: &After, now: Micros) {
    while let Some(due) = store.due(now).unwrap() {
        store.settle(&due, after, now, now).unwrap();
    }
}

/// Small however many builds there are: those that wait for a place, for a committer, or run; what
/// is forgotten goes by the age of its end.
const SMALL: &[&str] = &[
    "builds_queued",
    "builds_next",
    "builds_running",
    "builds_held",
    "builds_waiting",
    "SCAN tally",
    "SCAN projects",
    "SCAN p",
    "SCAN oldest",
    "SCAN o",
    "SCAN CONSTANT ROW",
    "SCAN (subquery",
    "SCAN (join",
];
/// The one that counts all ends to find those that are too many of their project; every ten minutes,
/// beside the requests, on the connection that reads.
const LONG: &str = "row_number() OVER";

#[test]
fn no_statement_reads_more_the_more_builds_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let mut opened = open::open(folder.path()).unwrap();
    watch(&mut opened.writer);
    watch(&mut opened.reader);
    let store = Store::start(opened).unwrap();
    everything(&store);
    drop(store);

    let connection = Connection::open(folder.path().join("chela.db")).unwrap();
    let statements = STATEMENTS.lock().unwrap();
    let reading = ["SELECT", "UPDATE", "DELETE", "WITH"];
    let mut looked = 0;
    for sql in statements.iter().filter(|sql| !sql.contains(LONG)) {
        if !reading
            .iter()
            .any(|word| sql.trim_start().starts_with(word))
        {
            continue;
        }
        looked += 1;
        for step in plan(&connection, sql) {
            let scan = step.contains("SCAN") && !SMALL.iter().any(|small| step.contains(small));
            assert!(!scan && !step.contains("AUTOMATIC"), "{step}\n{sql}");
            assert!(
                !step.contains("TEMP B-TREE") || sql.contains("oldest"),
                "{step}\n{sql}"
            );
        }
    }
    assert!(looked > 20, "all of them were seen: {statements:#?}");
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let nulls = vec![rusqlite::types::Null; statement.parameter_count()];
    let steps = statement
        .query_map(rusqlite::params_from_iter(nulls), |row| row.get(3))
        .unwrap();
    steps.map(Result::unwrap).collect()
}

/// How many pages the database may have; 0 asks only.
fn limit(store: &Store, pages: u32) -> u32 {
    let sql = format!("PRAGMA max_page_count = {pages}");
    store
        .on_writer(move |tx| Ok(tx.query_row(&sql, [], |row| row.get(0))?))
        .unwrap()
}

#[test]
fn a_full_disk_refuses_what_does_not_fit_and_keeps_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    limit(&store, 60);
    let asked = |second| Wanted {
        pull: Some(u32::try_from(second).unwrap()),
        ..Wanted::stranger(second)
    };
    let answers = block_on(async {
        let accepting = |second| {
            let (store, asked) = (store.clone(), asked(second).asked(at(second)));
            tokio::spawn(async move { (asked.request.build_id, store.accept(asked).await) })
        };
        let all: Vec<_> = (1..=200).map(accepting).collect();
        let mut answers: Vec<(BuildId, bool)> = Vec::new();
        for one in all {
            let (id, answer) = one.await.unwrap();
            answers.push((id, answer.is_ok()));
        }
        answers
    });
    let kept = |id| store.by_id(id).unwrap().is_some();
    for (id, answered) in &answers {
        assert_eq!(
            kept(*id),
            *answered,
            "{id} is kept if it was answered, and only then"
        );
    }
    let fitting = answers.iter().filter(|(_, answered)| *answered).count();
    assert!(fitting < 200, "the limit was meant to be met");

    limit(&store, 1_000_000);
    let wanted = asked(999);
    block_on(store.accept(wanted.asked(at(999)))).unwrap();
    let stage = store.by_id(wanted.id).unwrap().unwrap().build.stage;
    assert_eq!(stage, Stage::Held { acknowledged: None });
    let end = Happened::Ended(End::Stopped);
    store.happened_at(wanted.id, end, at(999)).unwrap();
}

#[test]
fn what_cannot_be_written_now_is_refused_and_can_be_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let at_once = |tx: &writer::Tx<'_>| Ok(tx.busy_timeout(std::time::Duration::ZERO)?);
    store.on_writer(at_once).unwrap();
    // Such as a backup that holds the database for too long.
    let other = Connection::open(folder.path().join("chela.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let wanted = Wanted::new(1);
    let refused = block_on(store.accept(wanted.asked(at(1))));
    assert!(
        matches!(refused, Err(StoreError::Database(_))),
        "{refused:?}"
    );
    assert!(store.by_id(wanted.id).unwrap().is_none());

    other.execute_batch("ROLLBACK").unwrap();
    let again = block_on(store.accept(wanted.asked(at(2)))).unwrap();
    assert!(matches!(again, Accepted::New { .. }), "{again:?}");
    assert!(store.is_open());
}
