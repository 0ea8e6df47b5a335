//! A tree of objects becomes a tree of files.

use std::io;
use std::path::Path;

use gix_hash::{Kind, ObjectId};
use gix_object::TreeRefIter;
use gix_object::tree::{EntryKind, EntryRef};
use gix_validate::path::component::Mode;

use crate::error::{Error, Excess, TargetError};
use crate::limits::{self, Deadline, Limits, Tally};
use crate::links::{self, Link, Made};
use crate::name::{Name, Names};
use crate::note::{Note, Notes, Place};
use crate::sink::{Directory, Executable};
use crate::store::Store;

/// The first line of a pointer: git-lfs, docs/spec.md.
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// git-lfs, docs/spec.md: a pointer is shorter than this.
const MAX_POINTER: usize = 1024;

/// What was written.
#[derive(Debug)]
pub struct Written {
    pub files: u64,
    pub bytes: u64,
    pub notes: Vec<Note>,
}

/// Writes a tree into the new directory `target`.
pub fn write(
    store: &mut Store<'_>,
    tree: ObjectId,
    target: &Path,
    limits: &Limits,
    deadline: Deadline,
) -> Result<Written, Error> {
    let mut checkout = Checkout {
        store,
        target,
        limits,
        deadline,
        entries: Tally::new(Excess::Files, limits.files),
        bytes: Tally::new(Excess::Unpacked, limits.unpacked),
        files: 0,
        notes: Notes::default(),
        links: Vec::new(),
        path: Vec::new(),
        content: Vec::new(),
    };
    let root = Directory::root(target);
    let root = root.map_err(|cause| checkout.unwritable(cause))?;
    checkout.directory(tree, &root, 0)?;
    checkout.make_links(&root)?;
    Ok(Written {
        files: checkout.files,
        bytes: checkout.bytes.used,
        notes: checkout.notes.done(),
    })
}

struct Checkout<'a, 'b> {
    store: &'a mut Store<'b>,
    target: &'a Path,
    limits: &'a Limits,
    deadline: Deadline,
    entries: Tally,
    bytes: Tally,
    files: u64,
    notes: Notes,
    links: Vec<Link>,
    /// Of the entry that is being written.
    path: Vec<u8>,
    content: Vec<u8>,
}

impl Checkout<'_, '_> {
    fn directory(&mut self, tree: ObjectId, into: &Directory, depth: usize) -> Result<(), Error> {
        limits::check(Excess::Depth, depth as u64, self.limits.depth as u64)?;
        let mut listing = Vec::new();
        let kind = gix_object::Kind::Tree;
        self.store.get(tree, kind, &mut listing, &self.path)?;
        let mut names = Names::default();
        for entry in TreeRefIter::from_bytes(&listing, Kind::Sha1) {
            let entry = entry.map_err(|_| self.store.bad("a tree cannot be read"))?;
            self.deadline.left()?;
            self.entries.add(1)?;
            let parent = self.path.len();
            if parent > 0 {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(entry.filename);
            let (length, limit) = (self.path.len() as u64, self.limits.path as u64);
            limits::check(Excess::Path, length, limit)?;
            if self.admit(&mut names, &entry)? {
                self.entry(&entry, into, depth)?;
            }
            self.path.truncate(parent);
        }
        Ok(())
    }

    fn admit(&mut self, names: &mut Names, entry: &EntryRef<'_>) -> Result<bool, Error> {
        let mode = entry.mode.is_link().then_some(Mode::Symlink);
        let path = Place::new(&self.path);
        match names.judge(entry.filename, mode) {
            Name::Good => return Ok(true),
            Name::Odd => self.notes.add(Note::OddName { path }),
            Name::Collides => self.notes.add(Note::CaseCollision { path }),
            Name::Bad(cause) => return Err(Error::BadName { path, cause }),
        }
        Ok(false)
    }

    fn entry(&mut self, entry: &EntryRef<'_>, into: &Directory, depth: usize) -> Result<(), Error> {
        let (name, id) = (entry.filename, entry.oid.to_owned());
        match entry.mode.kind() {
            EntryKind::Tree => {
                let made = into.make(name).map_err(|cause| self.unwritable(cause))?;
                self.directory(id, &made, depth + 1)
            }
            EntryKind::Blob => self.file(id, into, name, Executable::No),
            EntryKind::BlobExecutable => self.file(id, into, name, Executable::Yes),
            EntryKind::Link => self.link(id),
            EntryKind::Commit => {
                into.make(name).map_err(|cause| self.unwritable(cause))?;
                let path = Place::new(&self.path);
                self.notes.add(Note::Submodule { path });
                Ok(())
            }
        }
    }

    fn file(
        &mut self,
        id: ObjectId,
        into: &Directory,
        name: &[u8],
        executable: Executable,
    ) -> Result<(), Error> {
        self.read(id)?;
        if self.content.len() < MAX_POINTER && self.content.starts_with(LFS) {
            let path = Place::new(&self.path);
            self.notes.add(Note::LfsPointer { path });
        }
        into.file(name, executable, &self.content)
            .map_err(|cause| self.unwritable(cause))?;
        self.files += 1;
        Ok(())
    }

    fn link(&mut self, id: ObjectId) -> Result<(), Error> {
        self.read(id)?;
        if self.content.len() > links::MAX_TARGET {
            let path = Place::new(&self.path);
            self.notes.add(Note::LinkLeft { path });
        } else {
            self.links.push(Link {
                path: self.path.clone(),
                target: self.content.clone(),
            });
        }
        Ok(())
    }

    fn make_links(&mut self, root: &Directory) -> Result<(), Error> {
        for link in std::mem::take(&mut self.links) {
            self.deadline.left()?;
            match links::make(root, &link).map_err(|cause| self.unwritable(cause))? {
                Made::Yes => self.files += 1,
                Made::LeavesTheTree => self.notes.add(Note::LinkLeft {
                    path: Place::new(&link.path),
                }),
            }
        }
        Ok(())
    }

    fn read(&mut self, id: ObjectId) -> Result<(), Error> {
        let kind = gix_object::Kind::Blob;
        self.store.get(id, kind, &mut self.content, &self.path)?;
        self.bytes.add(self.content.len() as u64)
    }

    fn unwritable(&self, cause: io::Error) -> Error {
        let path = self.target.to_owned();
        TargetError::Unwritable { path, cause }.into()
    }
}
