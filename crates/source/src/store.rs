//! Objects by their names, and of the kind that is wanted.

use std::sync::Arc;

use chela_contract::CommitId;
use gix_hash::{Kind, ObjectId};
use gix_object::CommitRefIter;

use crate::error::Error;
use crate::note::Place;
use crate::pack::{Object, Pack};

/// The objects of one commit.
pub struct Store<'a> {
    pack: Pack<'a>,
}

impl<'a> Store<'a> {
    pub fn new(pack: Pack<'a>) -> Self {
        Self { pack }
    }

    /// The tree of this commit.
    pub fn tree_of(&mut self, commit: &CommitId) -> Result<ObjectId, Error> {
        let not = || Error::NotACommit {
            commit: commit.clone(),
        };
        let id = ObjectId::from_hex(commit.as_str().as_bytes()).map_err(|_| not())?;
        let place = self.find(&id, commit.as_str().as_bytes())?;
        let object = self.pack.object(place)?;
        if object.kind != gix_object::Kind::Commit {
            return Err(not());
        }
        CommitRefIter::from_bytes(&object.data, Kind::Sha1)
            .tree_id()
            .map_err(|_| self.bad("the commit has no tree"))
    }

    /// The tree that stands at `path`.
    pub fn tree(&mut self, id: &ObjectId, path: &[u8]) -> Result<Arc<Object>, Error> {
        let place = self.find(id, path)?;
        let object = self.pack.object(place)?;
        if object.kind == gix_object::Kind::Tree {
            Ok(object)
        } else {
            Err(self.another_kind())
        }
    }

    /// The bytes of the file or link that stands at `path`, piece by piece.
    pub fn blob(
        &mut self,
        id: &ObjectId,
        path: &[u8],
        each: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let place = self.find(id, path)?;
        let found = self.pack.blob(place, each)?;
        found.ok_or_else(|| self.another_kind())
    }

    pub fn bad(&self, cause: &str) -> Error {
        Error::bad_pack(self.pack.host(), cause)
    }

    fn another_kind(&self) -> Error {
        self.bad("a tree has an entry of another kind")
    }

    fn find(&self, id: &ObjectId, path: &[u8]) -> Result<u32, Error> {
        self.pack.find(id).ok_or_else(|| Error::Incomplete {
            place: Place::new(path),
        })
    }
}
