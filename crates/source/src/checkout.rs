//! A tree of objects becomes a tree of files.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use gix_hash::{Kind, ObjectId};
use gix_object::TreeRefIter;
use gix_object::tree::{EntryKind, EntryRef};

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
    };
    let root = Directory::root(target);
    let root = root.map_err(|cause| checkout.unwritable(cause))?;
    checkout.directory(tree, &root, &[], 0)?;
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
}

impl Checkout<'_, '_> {
    /// All of a directory is judged before anything in it is made: so what is held at once, up to
    /// the root, is within the limit of files.
    fn directory(
        &mut self,
        tree: ObjectId,
        into: &Directory,
        above: &[u8],
        depth: usize,
    ) -> Result<(), Error> {
        limits::check(Excess::Depth, depth as u64, self.limits.depth as u64)?;
        let listing = self.store.tree(&tree, above)?;
        let admitted = self.admitted(&listing, above)?;
        let above: Arc<[u8]> = above.into();
        for entry in admitted {
            self.deadline.left()?;
            self.entry(&entry, into, &above, depth)?;
        }
        Ok(())
    }

    fn admitted<'t>(
        &mut self,
        listing: &'t [u8],
        above: &[u8],
    ) -> Result<Vec<EntryRef<'t>>, Error> {
        let mut names = Names::default();
        let mut admitted = Vec::new();
        for entry in TreeRefIter::from_bytes(listing, Kind::Sha1) {
            let entry = entry.map_err(|_| self.store.bad("a tree cannot be read"))?;
            self.entries.add(1)?;
            let length = above.len() + 1 + entry.filename.len();
            let length = length - usize::from(above.is_empty());
            limits::check(Excess::Path, length as u64, self.limits.path as u64)?;
            let path = || Place::new(&joined(above, entry.filename));
            match names.judge(entry.filename, entry.mode.kind()) {
                Name::Good => admitted.push(entry),
                Name::Odd => self.notes.add(|| Note::OddName { path: path() }),
                Name::Collides => self.notes.add(|| Note::CaseCollision { path: path() }),
                Name::Bad(cause) => {
                    return Err(Error::BadName {
                        path: path(),
                        cause,
                    });
                }
            }
        }
        Ok(admitted)
    }

    fn entry(
        &mut self,
        entry: &EntryRef<'_>,
        into: &Directory,
        above: &Arc<[u8]>,
        depth: usize,
    ) -> Result<(), Error> {
        let (name, id) = (entry.filename, entry.oid.to_owned());
        match entry.mode.kind() {
            EntryKind::Tree => {
                let made = into.make(name).map_err(|cause| self.unwritable(cause))?;
                self.directory(id, &made, &joined(above, name), depth + 1)
            }
            EntryKind::Blob => self.file(id, into, above, name, Executable::No),
            EntryKind::BlobExecutable => self.file(id, into, above, name, Executable::Yes),
            EntryKind::Link => {
                self.links.push(Link {
                    above: Arc::clone(above),
                    name: name.to_vec(),
                    target: id,
                });
                Ok(())
            }
            EntryKind::Commit => {
                into.make(name).map_err(|cause| self.unwritable(cause))?;
                let path = || Place::new(&joined(above, name));
                self.notes.add(|| Note::Submodule { path: path() });
                Ok(())
            }
        }
    }

    fn file(
        &mut self,
        id: ObjectId,
        into: &Directory,
        above: &[u8],
        name: &[u8],
        executable: Executable,
    ) -> Result<(), Error> {
        let unwritable = |cause| Error::from(TargetError::unwritable(self.target, cause));
        let mut file = into.create(name, executable).map_err(unwritable)?;
        let mut written = 0;
        let mut is_pointer = false;
        self.store.blob(&id, &joined(above, name), |piece| {
            self.bytes.add(piece.len() as u64)?;
            is_pointer |= written == 0 && piece.len() < MAX_POINTER && piece.starts_with(LFS);
            written += piece.len();
            file.write_all(piece).map_err(unwritable)
        })?;
        if is_pointer {
            let path = || Place::new(&joined(above, name));
            self.notes.add(|| Note::LfsPointer { path: path() });
        }
        self.files += 1;
        Ok(())
    }

    fn make_links(&mut self, root: &Directory) -> Result<(), Error> {
        for link in std::mem::take(&mut self.links) {
            self.deadline.left()?;
            let path = joined(&link.above, &link.name);
            let mut target = Vec::new();
            self.store.blob(&link.target, &path, |piece| {
                self.bytes.add(piece.len() as u64)?;
                // One more than may be shows that it is too long.
                let wanted = (links::MAX_TARGET + 1).saturating_sub(target.len());
                target.extend_from_slice(&piece[..piece.len().min(wanted)]);
                Ok(())
            })?;
            match links::make(root, &link, &target).map_err(|cause| self.unwritable(cause))? {
                Made::Yes => self.files += 1,
                Made::LeavesTheTree => self.notes.add(|| Note::LinkLeft {
                    path: Place::new(&path),
                }),
            }
        }
        Ok(())
    }

    fn unwritable(&self, cause: io::Error) -> Error {
        TargetError::unwritable(self.target, cause).into()
    }
}

fn joined(above: &[u8], name: &[u8]) -> Vec<u8> {
    if above.is_empty() {
        name.to_vec()
    } else {
        [above, b"/", name].concat()
    }
}
