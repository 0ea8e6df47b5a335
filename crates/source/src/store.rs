//! Objects by their names.

use gix_hash::{Kind, ObjectId};
use gix_object::CommitRefIter;
use gix_pack::Bundle;
use gix_pack::cache::lru::MemoryCappedHashmap;
use gix_zlib::Inflate;

use chela_contract::CommitId;

use crate::error::Error;
use crate::note::Place;
use crate::stream;

/// For the bases of deltas: those of one file's neighbours are often the same.
const CACHE_BYTES: usize = 16 << 20;

/// The objects of one pack.
pub struct Store<'a> {
    bundle: Bundle,
    inflate: Inflate,
    cache: MemoryCappedHashmap,
    host: &'a str,
}

impl<'a> Store<'a> {
    pub fn new(bundle: Bundle, host: &'a str) -> Self {
        Self {
            bundle,
            inflate: Inflate::default(),
            cache: MemoryCappedHashmap::new(CACHE_BYTES),
            host,
        }
    }

    /// The tree of this commit.
    pub fn tree_of(&mut self, commit: &CommitId) -> Result<ObjectId, Error> {
        let not = || Error::NotACommit {
            commit: commit.clone(),
        };
        let id = ObjectId::from_hex(commit.as_str().as_bytes()).map_err(|_| not())?;
        let mut data = Vec::new();
        let kind = self.read(id, &mut data, commit.as_str().as_bytes())?;
        if kind != gix_object::Kind::Commit {
            return Err(not());
        }
        CommitRefIter::from_bytes(&data, Kind::Sha1)
            .tree_id()
            .map_err(|_| stream::bad(self.host, "the commit has no tree"))
    }

    /// The object that stands at `path`, which must be of this kind.
    pub fn get(
        &mut self,
        id: ObjectId,
        kind: gix_object::Kind,
        data: &mut Vec<u8>,
        path: &[u8],
    ) -> Result<(), Error> {
        if self.read(id, data, path)? == kind {
            Ok(())
        } else {
            Err(stream::bad(
                self.host,
                "a tree has an entry of another kind",
            ))
        }
    }

    pub fn bad(&self, cause: &str) -> Error {
        stream::bad(self.host, cause)
    }

    fn read(
        &mut self,
        id: ObjectId,
        data: &mut Vec<u8>,
        path: &[u8],
    ) -> Result<gix_object::Kind, Error> {
        let found = self
            .bundle
            .find(&id, data, &mut self.inflate, &mut self.cache)
            .map_err(|error| stream::bad(self.host, &error.to_string()))?;
        let place = || Error::Incomplete {
            place: Place::new(path),
        };
        found.map(|(object, _)| object.kind).ok_or_else(place)
    }
}
