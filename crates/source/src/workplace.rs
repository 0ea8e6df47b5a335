//! A directory for the work, beside the target so that the end is one rename; and what is left of those whose
//! process was killed.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use tempfile::TempDir;

use crate::error::TargetError;

const PREFIX: &str = ".chela-source-";

/// A directory for the work, removed when dropped. Its lock is held as long as its process lives.
pub struct Workplace {
    directory: TempDir,
    _lock: File,
}

impl Workplace {
    /// Makes one, if `target` may become a new directory.
    pub fn beside(target: &Path) -> Result<Self, TargetError> {
        let unwritable = |cause| TargetError::unwritable(target, cause);
        if is_occupied(target).map_err(unwritable)? {
            let path = target.to_owned();
            return Err(TargetError::Occupied { path });
        }
        let beside = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        Self::make(beside).map_err(unwritable)
    }

    /// Makes one in `scratch`, and that too if it is not there.
    pub fn inside(scratch: &Path) -> Result<Self, TargetError> {
        let made = fs::create_dir_all(scratch).and_then(|()| Self::make(scratch));
        made.map_err(|cause| TargetError::unwritable(scratch, cause))
    }

    fn make(beside: &Path) -> io::Result<Self> {
        // A sweep may take it between its making and its locking.
        for _ in 0..100 {
            let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(beside)?;
            let Ok(lock) = File::open(directory.path()) else {
                continue;
            };
            if lock.try_lock().is_ok() && directory.path().exists() {
                return Ok(Self {
                    directory,
                    _lock: lock,
                });
            }
        }
        Err(io::Error::other("another process keeps sweeping it away"))
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

fn is_occupied(target: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(target) {
        Ok(there) if there.is_dir() => Ok(fs::read_dir(target)?.next().is_some()),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes what fetches into `directory` left there when their process was killed, and says how
/// many it were. Those that are still running are left alone, also those of other processes.
pub fn sweep(directory: &Path) -> Result<usize, TargetError> {
    let unwritable = |cause| TargetError::unwritable(directory, cause);
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries.map_err(unwritable)?,
    };
    let mut swept = 0;
    for entry in entries {
        let entry = entry.map_err(unwritable)?;
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        // A link is none.
        if ours && entry.file_type().map_err(unwritable)?.is_dir() {
            swept += usize::from(removed(&entry.path()).map_err(unwritable)?);
        }
    }
    Ok(swept)
}

/// Whether it was there and nobody's.
fn removed(path: &Path) -> io::Result<bool> {
    let gone = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Ok(false),
        _ => Err(error),
    };
    let lock = match File::open(path) {
        Ok(lock) => lock,
        Err(error) => return gone(error),
    };
    match lock.try_lock() {
        Ok(()) => fs::remove_dir_all(path).map_or_else(gone, |()| Ok(true)),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_what_a_dead_process_left_is_swept() {
        let parent = TempDir::new().unwrap();
        let at = |name: &str| parent.path().join(name);
        fs::create_dir_all(at(".chela-source-abc/tree/deep")).unwrap();
        fs::write(at(".chela-source-abc/tree/deep/file"), "").unwrap();
        fs::create_dir(at("build")).unwrap();
        fs::write(at(".chela-source-file"), "").unwrap();
        symlink(at("build"), at(".chela-source-link")).unwrap();
        let alive = Workplace::beside(&at("target")).unwrap();

        assert_eq!(sweep(parent.path()).unwrap(), 1);
        assert!(!at(".chela-source-abc").exists());
        for name in ["build", ".chela-source-file", ".chela-source-link"] {
            assert!(at(name).exists(), "{name} was swept");
        }
        assert!(alive.path().exists(), "a running fetch was swept");
        assert_eq!(sweep(parent.path()).unwrap(), 0);
    }

    #[test]
    fn where_nothing_was_fetched_nothing_is_swept() {
        let parent = TempDir::new().unwrap();
        assert_eq!(sweep(&parent.path().join("never made")).unwrap(), 0);
    }
}
