//! One commit, from a clone URL into a directory.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use chela_contract::{CommitId, Source};
use chela_outbound::{Policy, Resolve, SystemResolver};
use tempfile::TempDir;

use crate::checkout;
use crate::error::{Error, TargetError};
use crate::http::{Server, Tls};
use crate::limits::{Deadline, Limits};
use crate::note::Note;
use crate::store::Store;
use crate::{pack, remote};

/// Fetches commits. It holds no connection; its clones share the system's certificates.
#[derive(Clone)]
pub struct Fetcher {
    policy: Policy,
    limits: Limits,
    resolver: Arc<dyn Resolve>,
    tls: Tls,
}

/// What is in the directory now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The commit that was asked for, or the one that the branch or tag pointed to.
    pub commit: CommitId,
    /// Regular files and symbolic links.
    pub files: u64,
    /// Bytes of all files, and of the targets of links.
    pub bytes: u64,
    /// What is not there as the commit has it.
    pub notes: Vec<Note>,
}

impl Fetcher {
    /// A fetcher that may reach what `policy` allows and take what `limits` allow.
    #[must_use]
    pub fn new(policy: Policy, limits: Limits) -> Self {
        Self {
            policy,
            limits,
            resolver: Arc::new(SystemResolver),
            tls: Tls::default(),
        }
    }

    /// The same with another resolver of names.
    #[must_use]
    pub fn with_resolver(self, resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver, ..self }
    }

    /// Fetches one commit into `target`, which must be absent or an empty directory.
    ///
    /// It blocks. A directory beside `target` holds the work; it becomes `target` when all is
    /// there, and is removed when anything fails.
    pub fn fetch(&self, source: &Source, target: &Path) -> Result<Fetched, Error> {
        let deadline = Deadline::after(self.limits.time);
        let work = workplace(target)?;
        let server = Server::new(
            &source.clone_url,
            &self.policy,
            &self.resolver,
            &self.tls,
            &self.limits,
            deadline,
        )?;
        let (commit, stream) = remote::open(&server, &source.refname, source.commit.as_ref())?;
        let bundle = pack::receive(stream, work.path(), server.host(), &self.limits, deadline)?;
        let mut store = Store::new(bundle, server.host());
        let tree = store.tree_of(&commit)?;
        let made = work.path().join("tree");
        let written = checkout::write(&mut store, tree, &made, &self.limits, deadline)?;
        fs::rename(&made, target).map_err(|cause| unwritable(target, cause))?;
        Ok(Fetched {
            commit,
            files: written.files,
            bytes: written.bytes,
            notes: written.notes,
        })
    }
}

/// A directory beside the target, so that the end is one rename.
fn workplace(target: &Path) -> Result<TempDir, TargetError> {
    let occupied = || TargetError::Occupied {
        path: target.to_owned(),
    };
    match fs::symlink_metadata(target) {
        Ok(there) if there.is_dir() => {
            let mut inside = fs::read_dir(target).map_err(|cause| unwritable(target, cause))?;
            if inside.next().is_some() {
                return Err(occupied());
            }
        }
        Ok(_) => return Err(occupied()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(unwritable(target, cause)),
    }
    let beside = match target.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Err(occupied()),
    };
    tempfile::Builder::new()
        .prefix(".chela-source-")
        .tempdir_in(beside)
        .map_err(|cause| unwritable(target, cause))
}

fn unwritable(target: &Path, cause: io::Error) -> TargetError {
    TargetError::Unwritable {
        path: target.to_owned(),
        cause,
    }
}
