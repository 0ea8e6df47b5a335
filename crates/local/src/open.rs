//! Opens the database of a folder: for one process only, readable by its user only.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use crate::{OpenError, schema};

/// A folder's database, opened.
pub(crate) struct Opened {
    /// The one connection that writes.
    pub writer: Connection,
    /// Another, for reading.
    pub reader: Connection,
    /// Held as long as the database is open.
    pub lock: File,
}

/// Opens it; makes the folder and the database where there are none.
pub(crate) fn open(folder: &Path) -> Result<Opened, OpenError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(at(folder))?;
    let lock = lock(folder)?;
    let file = folder.join("chela.db");
    private_file(&file)?;
    let database = |source| OpenError::Database {
        folder: folder.to_owned(),
        source,
    };
    let mut writer = connect(&file, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(database)?;
    let found = schema::version(&writer).map_err(database)?;
    if found > schema::newest() {
        return Err(OpenError::Newer {
            folder: folder.to_owned(),
            found,
            known: schema::newest(),
        });
    }
    if !set_up(&writer).map_err(database)? {
        return Err(OpenError::NoWal(folder.to_owned()));
    }
    schema::migrate(&mut writer).map_err(database)?;
    let reader = connect(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(database)?;
    Ok(Opened {
        writer,
        reader,
        lock,
    })
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path: PathBuf = path.to_owned();
    move |source| OpenError::Path { path, source }
}

fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join("lock");
    let file = private_file(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(at(&path)(error)),
    }
}

/// A file that its user alone may read, whatever it was before. The files that appear beside a
/// database get the database's own mode.
fn private_file(path: &Path) -> Result<File, OpenError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let file = options.mode(0o600).open(path).map_err(at(path))?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(at(path))?;
    Ok(file)
}

fn connect(file: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    // KiB, as SQLite wants it: what is read often is in the system's own cache anyway.
    connection.pragma_update(None, "cache_size", -2048)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // What a savepoint may have to put back is small, and a file for it costs more than the rest.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Else a statement that was prepared is planned again for each value that it is given.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Whether the write-ahead log can be had.
fn set_up(writer: &Connection) -> rusqlite::Result<bool> {
    let mode: String = writer.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    // NORMAL would lose what was answered already when the power fails.
    writer.pragma_update(None, "synchronous", "FULL")?;
    // Pages that many requests change are written to the database once for all of them.
    writer.pragma_update(None, "wal_autocheckpoint", 8000)?;
    // What a burst made of it is given back.
    writer.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    Ok(mode == "wal")
}
