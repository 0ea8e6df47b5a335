//! One commit, from a clone URL into a directory or a zip.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chela_contract::{CommitId, Source};
use chela_outbound::{Policy, Resolve, SystemResolver, Wire};
use gix_hash::ObjectId;

use crate::archive::Archive;
use crate::checkout::Checkout;
use crate::error::{Error, TargetError};
use crate::http::Server;
use crate::limits::{Deadline, Limits};
use crate::note::Note;
use crate::store::Store;
use crate::walk::{Sink, Written, walk};
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

/// What is in the directory or the zip now.
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

    /// The same with another limit of time.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.limits.time = time;
        self
    }

    /// Fetches one commit into `target`, which must be absent or an empty directory.
    ///
    /// It blocks. A directory beside `target` holds the work; it becomes `target` when all is
    /// there, and is removed when anything fails; [`crate::sweep`] removes what a killed process
    /// left. Nothing is forced onto the disk: after the machine has lost its power, fetch again.
    pub fn fetch(&self, source: &Source, target: &Path) -> Result<Fetched, Error> {
        let deadline = Deadline::after(self.limits.time);
        let work = Workplace::beside(target)?;
        let server = self.server(source, deadline)?;
        let (commit, pack) = remote::open(&server, &source.refname, source.commit.as_ref())?;
        let arriving = Arriving {
            host: server.host(),
            work: &work,
            limits: &self.limits,
            deadline,
        };
        arriving.unpack(pack, commit, target)
    }

    /// Fetches one commit as a zip, by the rules and within the limits of [`Fetcher::fetch`].
    ///
    /// When all has arrived, `begin` is told which commit it is, and gives what the zip is written
    /// to, from its beginning to its end. After an error what was written is no zip;
    /// [`Error::Output`] is the receiver's own. A directory in `scratch`, which is made if it is
    /// not there, holds the work and is removed at the end.
    pub fn zip<W: Write>(
        &self,
        source: &Source,
        scratch: &Path,
        begin: impl FnOnce(&CommitId) -> io::Result<W>,
    ) -> Result<Fetched, Error> {
        let deadline = Deadline::after(self.limits.time);
        let work = Workplace::inside(scratch)?;
        let server = self.server(source, deadline)?;
        let (commit, pack) = remote::open(&server, &source.refname, source.commit.as_ref())?;
        let arriving = Arriving {
            host: server.host(),
            work: &work,
            limits: &self.limits,
            deadline,
        };
        arriving.zip(pack, commit, begin)
    }

    fn server(&self, source: &Source, deadline: Deadline) -> Result<Server, Error> {
        Server::new(
            &source.clone_url,
            &self.policy,
            &self.resolver,
            &self.wire,
            &self.limits,
            deadline,
        )
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
    Arriving::here(&work, limits).unpack(pack, commit, target)
}

/// Makes a zip out of a pack that is there already: [`Fetcher::zip`] after the network.
pub fn zip<W: Write>(
    pack: impl BufRead,
    commit: CommitId,
    scratch: &Path,
    limits: &Limits,
    begin: impl FnOnce(&CommitId) -> io::Result<W>,
) -> Result<Fetched, Error> {
    let work = Workplace::inside(scratch)?;
    Arriving::here(&work, limits).zip(pack, commit, begin)
}

/// What one fetch works with.
struct Arriving<'a> {
    host: &'a str,
    work: &'a Workplace,
    limits: &'a Limits,
    deadline: Deadline,
}

impl<'a> Arriving<'a> {
    fn here(work: &'a Workplace, limits: &'a Limits) -> Self {
        Self {
            host: "this machine",
            work,
            limits,
            deadline: Deadline::after(limits.time),
        }
    }

    fn unpack(
        &self,
        pack: impl BufRead,
        commit: CommitId,
        target: &Path,
    ) -> Result<Fetched, Error> {
        let (mut store, tree) = self.receive(pack, &commit)?;
        let made = self.work.path().join("tree");
        let written = self.walk(&mut store, tree, &mut Checkout::new(&made)?)?;
        fs::rename(&made, target).map_err(|cause| TargetError::unwritable(target, cause))?;
        Ok(Fetched::new(commit, written))
    }

    fn zip<W: Write>(
        &self,
        pack: impl BufRead,
        commit: CommitId,
        begin: impl FnOnce(&CommitId) -> io::Result<W>,
    ) -> Result<Fetched, Error> {
        let (mut store, tree) = self.receive(pack, &commit)?;
        let mut archive = Archive::new(begin(&commit).map_err(Error::Output)?);
        let written = self.walk(&mut store, tree, &mut archive)?;
        archive.finish()?;
        Ok(Fetched::new(commit, written))
    }

    fn receive(
        &self,
        pack: impl BufRead,
        commit: &CommitId,
    ) -> Result<(Store<'a>, ObjectId), Error> {
        let path = self.work.path().join("objects");
        let (spool, objects) = stream::receive(pack, &path, self.host, self.limits, self.deadline)?;
        let mut store = Store::new(spool, objects, self.host);
        let tree = store.tree_of(commit)?;
        Ok((store, tree))
    }

    fn walk(
        &self,
        store: &mut Store<'_>,
        tree: ObjectId,
        sink: &mut impl Sink,
    ) -> Result<Written, Error> {
        walk(store, tree, sink, self.limits, self.deadline)
    }
}

impl Fetched {
    fn new(commit: CommitId, written: Written) -> Self {
        Self {
            commit,
            files: written.files,
            bytes: written.bytes,
            notes: written.notes,
        }
    }
}
