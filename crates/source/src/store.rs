//! Objects by their names, and of the kind that is wanted.

use chela_contract::CommitId;
use gix_hash::{Kind, ObjectId};
use gix_object::CommitRefIter;

use crate::error::Error;
use crate::note::Place;
use crate::spool::Spool;
use crate::stream::Object;

/// The objects of one commit.
pub struct Store<'a> {
    spool: Spool,
    /// In the order of their names.
    objects: Vec<Object>,
    host: &'a str,
}

impl<'a> Store<'a> {
    pub fn new(spool: Spool, mut objects: Vec<Object>, host: &'a str) -> Self {
        objects.sort_unstable_by_key(|object| object.id);
        Self {
            spool,
            objects,
            host,
        }
    }

    /// The tree of this commit.
    pub fn tree_of(&mut self, commit: &CommitId) -> Result<ObjectId, Error> {
        let not = || Error::NotACommit {
            commit: commit.clone(),
        };
        let id = ObjectId::from_hex(commit.as_str().as_bytes()).map_err(|_| not())?;
        let object = self.find(&id, commit.as_str().as_bytes())?;
        if object.kind != gix_object::Kind::Commit {
            return Err(not());
        }
        let data = self.whole(object)?;
        CommitRefIter::from_bytes(&data, Kind::Sha1)
            .tree_id()
            .map_err(|_| self.bad("the commit has no tree"))
    }

    /// The tree that stands at `path`.
    pub fn tree(&mut self, id: &ObjectId, path: &[u8]) -> Result<Vec<u8>, Error> {
        let object = self.find(id, path)?;
        self.expect(object, gix_object::Kind::Tree)?;
        self.whole(object)
    }

    /// The bytes of the file or link that stands at `path`, piece by piece.
    pub fn blob(
        &mut self,
        id: &ObjectId,
        path: &[u8],
        each: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let object = self.find(id, path)?;
        self.expect(object, gix_object::Kind::Blob)?;
        self.spool.each_piece(object.offset, object.size, each)
    }

    pub fn bad(&self, cause: &str) -> Error {
        Error::bad_pack(self.host, cause)
    }

    fn expect(&self, object: Object, kind: gix_object::Kind) -> Result<(), Error> {
        if object.kind == kind {
            Ok(())
        } else {
            Err(self.bad("a tree has an entry of another kind"))
        }
    }

    fn whole(&mut self, object: Object) -> Result<Vec<u8>, Error> {
        let mut data = Vec::new();
        self.spool.each_piece(object.offset, object.size, |piece| {
            data.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(data)
    }

    fn find(&self, id: &ObjectId, path: &[u8]) -> Result<Object, Error> {
        let found = self.objects.binary_search_by(|object| object.id.cmp(id));
        let found = found.map(|at| self.objects[at]);
        found.map_err(|_| Error::Incomplete {
            place: Place::new(path),
        })
    }
}
