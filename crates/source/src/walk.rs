//! A tree of objects, judged entry by entry, on its way to where its files go.

use std::sync::Arc;

use gix_hash::{Kind, ObjectId};
use gix_object::TreeRefIter;
use gix_object::tree::{EntryKind, EntryRef};

use crate::error::{Error, Excess};
use crate::limits::{self, Deadline, Limits, Tally};
use crate::links::{self, Link};
use crate::name::{Name, Names};
use crate::note::{Note, Notes, Place};
use crate::store::Store;

/// The first line of a pointer: git-lfs, docs/spec.md.
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// git-lfs, docs/spec.md: a pointer is shorter than this.
const MAX_POINTER: usize = 1024;

/// Where the files of a tree go. It is told nothing that was not judged, and judges nothing.
pub trait Sink {
    /// A directory that was made and is being filled.
    type Directory;

    /// The one that all others are in.
    fn root(&mut self) -> Result<Self::Directory, Error>;

    /// Makes a directory.
    fn open(&mut self, at: &At<'_, Self::Directory>) -> Result<Self::Directory, Error>;

    /// Nothing but links will come into it any more.
    fn close(&mut self, directory: Self::Directory, path: &[u8]) -> Result<(), Error>;

    /// Makes a file of what `content` hands over piece by piece.
    fn file(
        &mut self,
        at: &At<'_, Self::Directory>,
        executable: Executable,
        content: impl FnOnce(&mut Pieces<'_>) -> Result<(), Error>,
    ) -> Result<(), Error>;

    /// Makes a symbolic link in a directory that is closed.
    fn link(&mut self, link: &Link, target: &[u8]) -> Result<(), Error>;

    /// Whether the names lead to a directory that was made, one in the other.
    fn is_directory(&self, names: &[&[u8]]) -> bool;
}

/// Takes the next bytes of a file.
pub type Pieces<'a> = dyn FnMut(&[u8]) -> Result<(), Error> + 'a;

/// Where an entry belongs.
pub struct At<'a, D> {
    pub directory: &'a D,
    pub name: &'a [u8],
    /// From the root of the tree.
    pub path: &'a [u8],
}

/// Whether a file may be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executable {
    /// 0755
    Yes,
    /// 0644
    No,
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    pub files: u64,
    pub bytes: u64,
    pub notes: Vec<Note>,
}

/// Hands a tree to `sink`: directories and files in git's order, then the links.
pub fn walk(
    store: &mut Store<'_>,
    tree: ObjectId,
    sink: &mut impl Sink,
    limits: &Limits,
    deadline: Deadline,
) -> Result<Written, Error> {
    let mut walk = Walk {
        store,
        sink,
        limits,
        deadline,
        entries: Tally::new(Excess::Files, limits.files),
        bytes: Tally::new(Excess::Unpacked, limits.unpacked),
        files: 0,
        notes: Notes::default(),
        links: Vec::new(),
    };
    let root = walk.sink.root()?;
    walk.directory(tree, root, &[], 0)?;
    walk.links()?;
    Ok(Written {
        files: walk.files,
        bytes: walk.bytes.used,
        notes: walk.notes.done(),
    })
}

struct Walk<'a, 'b, S> {
    store: &'a mut Store<'b>,
    sink: &'a mut S,
    limits: &'a Limits,
    deadline: Deadline,
    entries: Tally,
    bytes: Tally,
    files: u64,
    notes: Notes,
    links: Vec<Link>,
}

impl<S: Sink> Walk<'_, '_, S> {
    /// All of a directory is judged before anything in it is made: so what is held at once, up to
    /// the root, is within the limit of files.
    fn directory(
        &mut self,
        tree: ObjectId,
        into: S::Directory,
        above: &[u8],
        depth: usize,
    ) -> Result<(), Error> {
        limits::check(Excess::Depth, depth as u64, self.limits.depth as u64)?;
        let listing = self.store.tree(&tree, above)?;
        let admitted = self.admitted(&listing, above)?;
        let shared: Arc<[u8]> = above.into();
        for entry in admitted {
            self.deadline.left()?;
            self.entry(&entry, &into, &shared, depth)?;
        }
        self.sink.close(into, above)
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
        into: &S::Directory,
        above: &Arc<[u8]>,
        depth: usize,
    ) -> Result<(), Error> {
        let (name, id) = (entry.filename, entry.oid.to_owned());
        let path = joined(above, name);
        let at = At {
            directory: into,
            name,
            path: &path,
        };
        match entry.mode.kind() {
            EntryKind::Tree => {
                let made = self.sink.open(&at)?;
                self.directory(id, made, &path, depth + 1)
            }
            EntryKind::Blob => self.file(&id, &at, Executable::No),
            EntryKind::BlobExecutable => self.file(&id, &at, Executable::Yes),
            EntryKind::Link => {
                self.links.push(Link {
                    above: Arc::clone(above),
                    name: name.to_vec(),
                    target: id,
                });
                Ok(())
            }
            EntryKind::Commit => {
                let made = self.sink.open(&at)?;
                self.sink.close(made, &path)?;
                let path = || Place::new(&path);
                self.notes.add(|| Note::Submodule { path: path() });
                Ok(())
            }
        }
    }

    fn file(
        &mut self,
        id: &ObjectId,
        at: &At<'_, S::Directory>,
        executable: Executable,
    ) -> Result<(), Error> {
        let (store, bytes) = (&mut *self.store, &mut self.bytes);
        let mut is_first = true;
        let mut is_pointer = false;
        self.sink.file(at, executable, |take| {
            store.blob(id, at.path, |piece| {
                bytes.add(piece.len() as u64)?;
                is_pointer |= is_first && piece.len() < MAX_POINTER && piece.starts_with(LFS);
                is_first = false;
                take(piece)
            })
        })?;
        if is_pointer {
            let path = || Place::new(at.path);
            self.notes.add(|| Note::LfsPointer { path: path() });
        }
        self.files += 1;
        Ok(())
    }

    fn links(&mut self) -> Result<(), Error> {
        for link in std::mem::take(&mut self.links) {
            self.deadline.left()?;
            let path = joined(&link.above, &link.name);
            let target = self.target(&link, &path)?;
            let is_directory = |names: &[&[u8]]| self.sink.is_directory(names);
            if links::stays_inside(&link.parents(), &target, is_directory) {
                self.sink.link(&link, &target)?;
                self.files += 1;
            } else {
                let path = || Place::new(&path);
                self.notes.add(|| Note::LinkLeft { path: path() });
            }
        }
        Ok(())
    }

    fn target(&mut self, link: &Link, path: &[u8]) -> Result<Vec<u8>, Error> {
        let mut target = Vec::new();
        self.store.blob(&link.target, path, |piece| {
            self.bytes.add(piece.len() as u64)?;
            // One more than may be shows that it is too long.
            let wanted = (links::MAX_TARGET + 1).saturating_sub(target.len());
            target.extend_from_slice(&piece[..piece.len().min(wanted)]);
            Ok(())
        })?;
        Ok(target)
    }
}

/// The path of what is called `name` in the directory `above`.
pub fn joined(above: &[u8], name: &[u8]) -> Vec<u8> {
    if above.is_empty() {
        name.to_vec()
    } else {
        [above, b"/", name].concat()
    }
}
