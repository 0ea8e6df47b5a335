//! Files, directories and links below directories that we made and hold open: no path is ever
//! looked up again, and no link is ever followed.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// Whether a file may be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executable {
    /// 0755
    Yes,
    /// 0644
    No,
}

/// An open directory.
#[derive(Debug)]
pub struct Directory(OwnedFd);

const OPEN: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

const EVERYBODY_ENTERS: Mode = Mode::from_raw_mode(0o755);

impl Directory {
    /// Makes the root of a tree.
    pub fn root(path: &Path) -> io::Result<Self> {
        rustix::fs::mkdir(path, EVERYBODY_ENTERS)?;
        Self::opened(rustix::fs::open(path, OPEN, Mode::empty())?)
    }

    /// Makes a directory in this one.
    pub fn make(&self, name: &[u8]) -> io::Result<Self> {
        rustix::fs::mkdirat(&self.0, name, EVERYBODY_ENTERS)?;
        Self::opened(rustix::fs::openat(&self.0, name, OPEN, Mode::empty())?)
    }

    /// Opens a directory in this one; a link to one is none.
    pub fn enter(&self, name: &[u8]) -> io::Result<Self> {
        Ok(Self(rustix::fs::openat(
            &self.0,
            name,
            OPEN,
            Mode::empty(),
        )?))
    }

    /// Makes a file in this one.
    pub fn file(&self, name: &[u8], executable: Executable, data: &[u8]) -> io::Result<()> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = match executable {
            Executable::Yes => 0o755,
            Executable::No => 0o644,
        };
        let owner_only = Mode::from_raw_mode(0o600);
        let mut file = File::from(rustix::fs::openat(&self.0, name, flags, owner_only)?);
        file.write_all(data)?;
        // After the umask, whatever it is.
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        Ok(())
    }

    /// Makes a symbolic link in this one.
    pub fn link(&self, name: &[u8], target: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, &self.0, name)?)
    }

    fn opened(fd: OwnedFd) -> io::Result<Self> {
        rustix::fs::fchmod(&fd, EVERYBODY_ENTERS)?;
        Ok(Self(fd))
    }

    /// Another handle of the same directory.
    pub fn again(&self) -> io::Result<Self> {
        Ok(Self(self.0.try_clone()?))
    }
}
