//! The objects of a pack that lies on the disk.

use std::cmp::Reverse;
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use clru::{CLruCache, CLruCacheConfig, WeightScale};
use gix_hash::ObjectId;
use gix_object::Kind;

use crate::delta;
use crate::entry::{self, Form};
use crate::error::{Error, TargetError};
use crate::inflate::Inflater;
use crate::limits::{Deadline, Limits};
use crate::stream::Entry;
use crate::window::Window;

/// For the bases of deltas: those of one file's neighbours are often the same.
const CACHE_BYTES: NonZeroUsize = NonZeroUsize::new(16 << 20).expect("it is more than nothing");

/// One object, in memory.
#[derive(Debug)]
pub struct Object {
    pub kind: Kind,
    pub data: Vec<u8>,
}

/// A pack in which every object has its name.
pub struct Pack<'a> {
    window: Window,
    inflater: Inflater,
    entries: Vec<Entry>,
    /// Places in `entries`, in the order of names.
    by_id: Vec<u32>,
    bases: CLruCache<u32, Arc<Object>, std::hash::RandomState, Bytes>,
    host: &'a str,
    file_limit: u64,
    deadline: Deadline,
}

struct Bytes;

impl WeightScale<u32, Arc<Object>> for Bytes {
    fn weight(&self, _: &u32, object: &Arc<Object>) -> usize {
        object.data.len()
    }
}

impl<'a> Pack<'a> {
    /// Names all objects; deltas must be resolved for that.
    pub fn open(
        path: &Path,
        entries: Vec<Entry>,
        host: &'a str,
        limits: &Limits,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let file = File::open(path).map_err(|cause| TargetError::unwritable(path, cause))?;
        let mut pack = Self {
            window: Window::new(file),
            inflater: Inflater::new(),
            entries,
            by_id: Vec::new(),
            bases: CLruCache::with_config(CLruCacheConfig::new(CACHE_BYTES).with_scale(Bytes)),
            host,
            file_limit: limits.file,
            deadline,
        };
        pack.name_deltas()?;
        let mut by_id: Vec<u32> = (0..).take(pack.entries.len()).collect();
        by_id.sort_unstable_by_key(|&place| pack.entry(place).id);
        pack.by_id = by_id;
        Ok(pack)
    }

    pub fn host(&self) -> &'a str {
        self.host
    }

    /// Where an object stands in the pack.
    pub fn find(&self, id: &ObjectId) -> Option<u32> {
        let order = |&place: &u32| self.entry(place).id.cmp(id);
        let found = self.by_id.binary_search_by(order);
        found.ok().map(|at| self.by_id[at])
    }

    /// A whole object in memory.
    pub fn object(&mut self, place: u32) -> Result<Arc<Object>, Error> {
        let mut chain = Vec::new();
        let mut at = place;
        let mut object = loop {
            if let Some(kept) = self.bases.get(&at) {
                break Arc::clone(kept);
            }
            let Some(base) = self.entry(at).base else {
                break self.whole(at)?;
            };
            chain.push(at);
            at = base;
        };
        while let Some(at) = chain.pop() {
            object = self.resolved(&object, at)?;
        }
        Ok(object)
    }

    /// The bytes of a blob, piece by piece; `None` if it is none.
    pub fn blob(
        &mut self,
        place: u32,
        mut each: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<Option<()>, Error> {
        let entry = self.entry(place);
        if entry.base.is_none() && !entry.is_base {
            return match self.header(place)? {
                (Form::Whole(Kind::Blob), size) => {
                    let input = &mut self.window;
                    self.inflater.run(input, size, self.host, each).map(Some)
                }
                _ => Ok(None),
            };
        }
        let object = self.object(place)?;
        match object.kind {
            Kind::Blob => each(&object.data).map(Some),
            _ => Ok(None),
        }
    }

    /// From each base to what stands on it, while the base is in the cache. Of two that stand on one
    /// base the one that is itself none comes first, so that few bases are made twice.
    fn name_deltas(&mut self) -> Result<(), Error> {
        let mut deltas: Vec<u32> = (0..)
            .zip(&self.entries)
            .filter_map(|(place, entry)| entry.base.map(|_| place))
            .collect();
        deltas.sort_unstable_by_key(|&place| {
            let entry = self.entry(place);
            (entry.base, Reverse(entry.is_base), place)
        });
        let mut waiting = Vec::new();
        for &lowest in &deltas {
            let base = self.entry(lowest).base;
            if base.is_some_and(|base| self.entry(base).base.is_none()) {
                waiting.push(lowest);
            }
            while let Some(place) = waiting.pop() {
                let object = self.object(place)?;
                let id = gix_object::compute_hash(gix_hash::Kind::Sha1, object.kind, &object.data)
                    .map_err(|_| Error::bad_pack(self.host, "it holds an attack on SHA-1"))?;
                self.entries[place as usize].id = id;
                let begin = deltas.partition_point(|&delta| self.entry(delta).base < Some(place));
                let upon = deltas[begin..].iter();
                waiting.extend(upon.take_while(|&&delta| self.entry(delta).base == Some(place)));
            }
        }
        Ok(())
    }

    fn whole(&mut self, place: u32) -> Result<Arc<Object>, Error> {
        let (form, size) = self.header(place)?;
        let Form::Whole(kind) = form else {
            return Err(Error::bad_pack(self.host, "a delta has no base"));
        };
        let data = self.inflated(size)?;
        Ok(self.keep(place, Object { kind, data }))
    }

    fn resolved(&mut self, base: &Object, place: u32) -> Result<Arc<Object>, Error> {
        let (_, size) = self.header(place)?;
        let delta = self.inflated(size)?;
        let data = delta::apply(&base.data, &delta, self.file_limit)
            .ok_or_else(|| Error::bad_pack(self.host, "a delta does not fit its base"))?;
        let kind = base.kind;
        Ok(self.keep(place, Object { kind, data }))
    }

    fn keep(&mut self, place: u32, object: Object) -> Arc<Object> {
        let object = Arc::new(object);
        if self.entry(place).is_base {
            // What is larger than the cache is made again.
            let _ = self.bases.put_with_weight(place, Arc::clone(&object));
        }
        object
    }

    fn header(&mut self, place: u32) -> Result<(Form, u64), Error> {
        self.deadline.left()?;
        self.window.seek(self.entry(place).offset);
        let header = entry::header(&mut self.window, self.host)?;
        Ok((header.form, header.size))
    }

    /// `size` has been within the limit when the pack arrived.
    fn inflated(&mut self, size: u64) -> Result<Vec<u8>, Error> {
        let mut data = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        self.inflater
            .run(&mut self.window, size, self.host, |piece| {
                data.extend_from_slice(piece);
                Ok(())
            })?;
        Ok(data)
    }

    fn entry(&self, place: u32) -> &Entry {
        &self.entries[place as usize]
    }
}
