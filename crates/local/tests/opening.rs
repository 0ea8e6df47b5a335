//! A data folder is one process's, its user's alone, and never of a version that this one ruins.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use chela_local::{OpenError, Store};
use rusqlite::Connection;
use support::{Ground, Wanted};

#[test]
fn a_folder_in_use_is_refused_and_free_again_afterwards() {
    let ground = Ground::new();
    let second = Store::open(ground.folder.path());
    assert!(matches!(second, Err(OpenError::InUse(_))), "{second:?}");
    let clone = ground.store.clone();
    let Ground { folder, store } = ground;
    drop(store);
    assert!(
        Store::open(folder.path()).is_err(),
        "a clone is the same store"
    );
    drop(clone);
    Store::open(folder.path()).unwrap();
}

#[test]
fn what_is_kept_can_be_read_by_its_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("new/folder");
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("chela.db"), "").unwrap();
    fs::set_permissions(inner.join("chela.db"), Permissions::from_mode(0o644)).unwrap();
    let ground = Ground {
        store: Store::open(&inner).unwrap(),
        folder,
    };
    ground.new_build(&Wanted::new(1));
    let files: Vec<_> = fs::read_dir(&inner).unwrap().map(Result::unwrap).collect();
    assert!(
        files.len() >= 3,
        "the database, its log and the lock: {files:?}"
    );
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file:?} has the mode {mode:o}");
    }
}

#[test]
fn a_folder_that_is_made_lets_nobody_else_in() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("new/folder");
    Store::open(&inner).unwrap();
    let mode = fs::metadata(&inner).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_newer_database_is_left_alone() {
    let Ground { folder, store } = Ground::new();
    drop(store);
    let database = folder.path().join("chela.db");
    let newer = Connection::open(&database).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let before = fs::read(&database).unwrap();
    let error = Store::open(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("version 99") && error.contains("run the newer program"),
        "{error}"
    );
    assert_eq!(fs::read(&database).unwrap(), before);
}

#[test]
fn what_is_no_database_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("chela.db"),
        "neither empty nor a database, but text",
    )
    .unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Database { .. }), "{error}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let inner = folder.path().join("file/data");
    let error = Store::open(&inner).unwrap_err();
    assert!(
        matches!(&error, OpenError::Path { path, .. } if *path == inner),
        "{error}"
    );
}
