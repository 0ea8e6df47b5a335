//! Where the things of a build lie on the disk.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use chela_contract::BuildId;
use rustix::process::geteuid;

/// The folder of all builds.
#[derive(Clone, Debug)]
pub struct Folders(PathBuf);

/// One build's folder.
#[derive(Clone, Debug)]
pub struct BuildFolder(PathBuf);

impl Folders {
    /// Below the data folder, readable by nobody else.
    pub fn open(data: &Path) -> io::Result<Self> {
        make(data)?;
        let all = data.join("builds");
        make(&all)?;
        Ok(Self(all))
    }

    /// This build's.
    pub fn of(&self, id: BuildId) -> BuildFolder {
        BuildFolder(self.0.join(id.to_string()))
    }

    /// Removes what builds needed while they ran, wherever it can; the first trouble if it cannot. To
    /// be called while none runs.
    pub fn clear(&self) -> io::Result<()> {
        let mut done = Ok(());
        for entry in fs::read_dir(&self.0)? {
            let folder = entry?.path();
            let named = |error: io::Error| {
                io::Error::new(error.kind(), format!("{}: {error}", folder.display()))
            };
            done = done.and(BuildFolder(folder.clone()).clear().map_err(named));
        }
        done
    }
}

impl BuildFolder {
    /// Makes it if it is not there.
    pub fn make(&self) -> io::Result<()> {
        make(&self.0)
    }

    /// Makes the folders that a running build needs.
    pub fn make_inner(&self) -> io::Result<()> {
        make(&self.scratch())?;
        make(&self.artifacts())
    }

    /// The commit's files.
    pub fn source(&self) -> PathBuf {
        self.0.join("source")
    }

    /// The target branch's files, of which only the buildspec is read.
    pub fn pinned(&self) -> PathBuf {
        self.0.join("pinned")
    }

    /// Where the runner keeps what a build needs while it runs.
    pub fn scratch(&self) -> PathBuf {
        self.0.join("scratch")
    }

    /// What the build left behind.
    pub fn artifacts(&self) -> PathBuf {
        self.0.join("artifacts")
    }

    /// What it printed.
    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// Removes what only a running build needs.
    pub fn clear(&self) -> io::Result<()> {
        [self.source(), self.pinned(), self.scratch()]
            .iter()
            .try_for_each(|folder| remove(folder))?;
        // What a fetch leaves that was killed.
        chela_source::sweep(&self.0)
            .map(drop)
            .map_err(io::Error::other)
    }

    /// Removes everything.
    pub fn remove(&self) -> io::Result<()> {
        remove(&self.0)
    }
}

/// Removes a folder that a build could write to. What is not there is removed already.
pub fn remove(folder: &Path) -> io::Result<()> {
    chela_runner::remove(folder)
}

/// Nobody else may enter; but where the program runs as root, builds have a user of their own, who
/// may pass, whatever the umask says. What is inside they cannot list.
fn make(folder: &Path) -> io::Result<()> {
    let mode = if geteuid().is_root() { 0o711 } else { 0o700 };
    if !folder.exists() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(mode).create(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}
