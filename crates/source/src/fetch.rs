//! One commit, from a clone URL into a directory.

use std::fs;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;

use chela_contract::{CommitId, Source};
use chela_outbound::{Policy, Resolve, SystemResolver, Wire};

use crate::checkout;
use crate::error::{Error, TargetError};
use crate::http::Server;
use crate::limits::{Deadline, Limits};
use crate::note::Note;
use crate::store::Store;
use crate::workplace::Workplace;
use crate::{remote, stream};

/// Fetches commits. It holds no connection; its clones share the system's certificates.
#[derive(Clone)]
pub struct Fetcher {
    policy: Policy,
    limits: Limits,
    resolver: Arc<dyn Resolve>,
    wire: Wire,
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
            wire: Wire::new(),
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
    /// there, and is removed when anything fails; [`crate::sweep`] removes what a killed process
    /// left. Nothing is forced onto the disk: after the machine has lost its power, fetch again.
    pub fn fetch(&self, source: &Source, target: &Path) -> Result<Fetched, Error> {
        let deadline = Deadline::after(self.limits.time);
        let work = Workplace::beside(target)?;
        let server = Server::new(
            &source.clone_url,
            &self.policy,
            &self.resolver,
            &self.wire,
            &self.limits,
            deadline,
        )?;
        let (commit, packed) = remote::open(&server, &source.refname, source.commit.as_ref())?;
        let unpacking = Unpacking {
            host: server.host(),
            work: &work,
            limits: &self.limits,
            deadline,
        };
        unpacking.unpack(packed, commit, target)
    }
}

/// Makes `target` out of a pack that is there already, by the rules and within the limits of a
/// fetch, which is this after the network.
pub fn unpack(
    pack: impl BufRead,
    commit: CommitId,
    target: &Path,
    limits: &Limits,
) -> Result<Fetched, Error> {
    let work = Workplace::beside(target)?;
    let unpacking = Unpacking {
        host: "this machine",
        work: &work,
        limits,
        deadline: Deadline::after(limits.time),
    };
    unpacking.unpack(pack, commit, target)
}

/// What one fetch works with.
struct Unpacking<'a> {
    host: &'a str,
    work: &'a Workplace,
    limits: &'a Limits,
    deadline: Deadline,
}

impl Unpacking<'_> {
    fn unpack(
        &self,
        pack: impl BufRead,
        commit: CommitId,
        target: &Path,
    ) -> Result<Fetched, Error> {
        let &Self {
            host,
            work,
            limits,
            deadline,
        } = self;
        let objects = work.path().join("objects");
        let (spool, objects) = stream::receive(pack, &objects, host, limits, deadline)?;
        let mut store = Store::new(spool, objects, host);
        let tree = store.tree_of(&commit)?;
        let made = work.path().join("tree");
        let written = checkout::write(&mut store, tree, &made, limits, deadline)?;
        fs::rename(&made, target).map_err(|cause| TargetError::unwritable(target, cause))?;
        Ok(Fetched {
            commit,
            files: written.files,
            bytes: written.bytes,
            notes: written.notes,
        })
    }
}
