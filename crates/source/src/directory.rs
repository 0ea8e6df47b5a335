//! Files, directories and links below directories that we made and hold open: no path is ever
//! looked up again, and no link is ever followed.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use crate::walk::Executable;

/// An open directory.
#[derive(Debug)]
pub struct Directory {
    fd: OwnedFd,
    modes: Modes,
}

/// What becomes of the modes that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Modes {
    /// They stay.
    Kept,
    /// The umask, or what the directory above hands down, makes others of them: they are set again.
    Changed,
}

const OPEN: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

const NEW: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

const EVERYBODY_ENTERS: Mode = Mode::from_raw_mode(0o755);

impl Directory {
    /// Makes the root of a tree.
    pub fn root(path: &Path) -> io::Result<Self> {
        rustix::fs::mkdir(path, EVERYBODY_ENTERS)?;
        let fd = rustix::fs::open(path, OPEN, Mode::empty())?;
        let became = Mode::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode);
        let modes = if became == EVERYBODY_ENTERS {
            Modes::Kept
        } else {
            Modes::Changed
        };
        let root = Self { fd, modes };
        root.set(&root.fd, EVERYBODY_ENTERS)?;
        Ok(root)
    }

    /// Makes a directory in this one.
    pub fn make(&self, name: &[u8]) -> io::Result<Self> {
        rustix::fs::mkdirat(&self.fd, name, EVERYBODY_ENTERS)?;
        let made = self.enter(name)?;
        self.set(&made.fd, EVERYBODY_ENTERS)?;
        Ok(made)
    }

    /// Opens a directory in this one; a link to one is none.
    pub fn enter(&self, name: &[u8]) -> io::Result<Self> {
        Ok(Self {
            fd: rustix::fs::openat(&self.fd, name, OPEN, Mode::empty())?,
            modes: self.modes,
        })
    }

    /// Makes a file in this one.
    pub fn create(&self, name: &[u8], executable: Executable) -> io::Result<File> {
        let mode = Mode::from_raw_mode(match executable {
            Executable::Yes => 0o755,
            Executable::No => 0o644,
        });
        let file = rustix::fs::openat(&self.fd, name, NEW, mode)?;
        self.set(&file, mode)?;
        Ok(File::from(file))
    }

    /// Makes a symbolic link in this one.
    pub fn link(&self, name: &[u8], target: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, &self.fd, name)?)
    }

    /// Another handle of the same directory.
    pub fn again(&self) -> io::Result<Self> {
        Ok(Self {
            fd: self.fd.try_clone()?,
            modes: self.modes,
        })
    }

    /// Sets a mode where it has not stayed: on many files that costs as much as making them.
    fn set(&self, fd: &OwnedFd, mode: Mode) -> io::Result<()> {
        match self.modes {
            Modes::Kept => Ok(()),
            Modes::Changed => Ok(rustix::fs::fchmod(fd, mode)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A set-group-ID directory hands its bit down, as a umask takes bits away.
    #[test]
    fn modes_are_the_same_whatever_the_directory_above_hands_down() {
        let above = tempfile::TempDir::new().unwrap();
        for mode in [0o700, 0o2700] {
            let inherits = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(above.path(), inherits).unwrap();
            let path = above.path().join(format!("{mode:o}"));
            let root = Directory::root(&path).unwrap();
            let made = root.make(b"directory").unwrap();
            made.create(b"file", Executable::No).unwrap();
            made.create(b"program", Executable::Yes).unwrap();
            for (name, expected) in [
                ("", 0o755),
                ("directory", 0o755),
                ("directory/file", 0o644),
                ("directory/program", 0o755),
            ] {
                let meta = std::fs::metadata(path.join(name)).unwrap();
                let became = meta.permissions().mode() & 0o7777;
                assert_eq!(became, expected, "{name} below {mode:o}: {became:o}");
            }
        }
    }
}
