//! Why the store cannot be opened, or cannot do what it is asked.

use std::{io, path::PathBuf, sync::Arc};

use chela_contract::BuildId;

/// Why the store of a folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or a file in it.
    #[error("{path} cannot be used ({source}); the receiver's user must own it and may write it")]
    Path {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Two receivers on one folder would undo each other's work.
    #[error("{0} is in use by another process; give every receiver a data folder of its own")]
    InUse(PathBuf),
    /// A later version was here.
    #[error(
        "the database in {folder} is of version {found}, and this program knows up to {known}; run \
         the newer program that wrote it, or restore a backup from before"
    )]
    Newer {
        /// Where.
        folder: PathBuf,
        /// Its version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// A network's file system, most likely.
    #[error(
        "the file system of {0} cannot hold the database (it has no shared memory between \
         processes); use a folder on a local disk"
    )]
    NoWal(PathBuf),
    /// It is broken, or no database.
    #[error(
        "the database in {folder} cannot be opened ({source}); restore a backup if it is broken"
    )]
    Database {
        /// Where.
        folder: PathBuf,
        /// What it says.
        source: rusqlite::Error,
    },
    /// No thread to be had.
    #[error("no thread for the database could be started ({0}); raise the limit on processes")]
    Thread(io::Error),
}

/// Why the store did not do what it was asked. Nothing of what was asked has been kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The database could not.
    #[error(
        "the database failed ({0}), and nothing of this was kept; see that its disk has room and \
         works, then try again"
    )]
    Database(Arc<rusqlite::Error>),
    /// A record that this program does not understand.
    #[error("the record of build {id} cannot be read ({why}); restore a backup of the database")]
    Damaged {
        /// Whose.
        id: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no such build, or there is none any more.
    #[error("there is no build {0}")]
    Unknown(BuildId),
    /// The thread that writes has ended.
    #[error("the store is closed; restart the receiver")]
    Closed,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}
