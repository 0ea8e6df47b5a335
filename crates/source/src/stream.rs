//! A pack becomes objects on the disk while it arrives: each is inflated once, named, and judged
//! before anything is made of it. What a delta stands on has come before it, and is there.

use std::io::{self, BufRead, Read};
use std::path::Path;

use gix_hash::{Hasher, Kind, ObjectId};

use crate::delta;
use crate::entry::{self, Form, Header};
use crate::error::{Error, Excess};
use crate::inflate::{Inflater, Input};
use crate::limits::{self, Deadline, Limits, Tally};
use crate::spool::Spool;

/// A base that is no longer is read as a whole; of a longer one only what is copied.
const SHORT: u64 = 1 << 20;

/// One object in the spool.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    pub id: ObjectId,
    pub kind: gix_object::Kind,
    pub offset: u64,
    pub size: u64,
}

/// Writes the objects into the new file `path`, and says what they are.
pub fn receive<R: BufRead>(
    read: R,
    path: &Path,
    host: &str,
    limits: &Limits,
    deadline: Deadline,
) -> Result<(Spool, Vec<Object>), Error> {
    let mut counted = Counted {
        read,
        hasher: gix_hash::hasher(Kind::Sha1),
        offset: 0,
    };
    let count = entry::count(&mut counted, host)?;
    // Each object of one commit is a file or a directory, but for the commit and its tree.
    limits::check(Excess::Files, count.into(), limits.files.saturating_add(2))?;
    if count == 0 {
        return Err(Error::bad_pack(host, "it is empty"));
    }
    let mut arriving = Arriving {
        counted,
        host,
        limits,
        unpacked: Tally::new(Excess::Unpacked, limits.unpacked),
        inflater: Inflater::new(),
        spool: Spool::create(path)?,
        offsets: Vec::new(),
        objects: Vec::new(),
    };
    for _ in 0..count {
        deadline.left()?;
        arriving.entry()?;
    }
    arriving.trailer()?;
    Ok((arriving.spool, arriving.objects))
}

struct Arriving<'a, R> {
    counted: Counted<R>,
    host: &'a str,
    limits: &'a Limits,
    unpacked: Tally,
    inflater: Inflater,
    spool: Spool,
    /// Where in the pack each object begins.
    offsets: Vec<u64>,
    objects: Vec<Object>,
}

impl<R: BufRead> Arriving<'_, R> {
    fn entry(&mut self) -> Result<(), Error> {
        let offset = self.counted.offset;
        let Header { form, size } = entry::header(&mut self.counted, self.host)?;
        limits::check(Excess::File, size, self.limits.file)?;
        self.unpacked.add(size)?;
        let object = match form {
            Form::Whole(kind) => self.whole(kind, size)?,
            Form::Delta { distance } => {
                let base = self.base(offset, distance)?;
                self.resolved(base, size)?
            }
        };
        self.offsets.push(offset);
        self.objects.push(object);
        Ok(())
    }

    fn whole(&mut self, kind: gix_object::Kind, size: u64) -> Result<Object, Error> {
        let offset = self.spool.end();
        let mut hasher = gix_hash::hasher(Kind::Sha1);
        hasher.update(&gix_object::encode::loose_header(kind, size));
        self.inflater
            .run(&mut self.counted, size, self.host, |piece| {
                hasher.update(piece);
                self.spool.append(piece)
            })?;
        Ok(Object {
            id: finish(hasher, self.host)?,
            kind,
            offset,
            size,
        })
    }

    /// An offset at which no entry begins would make one out of any bytes.
    fn base(&self, offset: u64, distance: u64) -> Result<Object, Error> {
        let found = offset
            .checked_sub(distance)
            .and_then(|base| self.offsets.binary_search(&base).ok());
        found
            .map(|at| self.objects[at])
            .ok_or_else(|| self.bad("a delta has no base"))
    }

    fn resolved(&mut self, base: Object, delta_size: u64) -> Result<Object, Error> {
        let mut delta = Vec::with_capacity(usize::try_from(delta_size).unwrap_or_default());
        self.inflater
            .run(&mut self.counted, delta_size, self.host, |piece| {
                delta.extend_from_slice(piece);
                Ok(())
            })?;
        let size = delta::result_size(&delta).ok_or_else(|| self.bad("a delta has no size"))?;
        limits::check(Excess::File, size, self.limits.file)?;
        self.unpacked.add(size)?;
        let data = self
            .applied(base, &delta)?
            .ok_or_else(|| self.bad("a delta does not fit its base"))?;
        let mut hasher = gix_hash::hasher(Kind::Sha1);
        hasher.update(&gix_object::encode::loose_header(base.kind, size));
        hasher.update(&data);
        let offset = self.spool.end();
        self.spool.append(&data)?;
        Ok(Object {
            id: finish(hasher, self.host)?,
            kind: base.kind,
            offset,
            size,
        })
    }

    fn applied(&mut self, base: Object, delta: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let (limit, spool) = (self.limits.file, &mut self.spool);
        if base.size > SHORT {
            return delta::apply(base.size, delta, limit, |at, bytes| {
                spool.read(base.offset + at, bytes)
            });
        }
        let mut whole = vec![0; usize::try_from(base.size).unwrap_or_default()];
        spool.read(base.offset, &mut whole)?;
        delta::apply(base.size, delta, limit, |at, bytes| {
            let from = usize::try_from(at).unwrap_or(usize::MAX);
            bytes.copy_from_slice(&whole[from..from + bytes.len()]);
            Ok(())
        })
    }

    /// A hash of all of the above ends it.
    fn trailer(&mut self) -> Result<(), Error> {
        let sum = finish(self.counted.hasher.clone(), self.host)?;
        let io = |error| Error::from_io(error, self.host);
        let mut told = [0; 20];
        self.counted.read_exact(&mut told).map_err(io)?;
        if sum.as_slice() == told {
            Ok(())
        } else {
            Err(self.bad("its checksum is wrong"))
        }
    }

    fn bad(&self, cause: &str) -> Error {
        Error::bad_pack(self.host, cause)
    }
}

fn finish(hasher: Hasher, host: &str) -> Result<ObjectId, Error> {
    hasher
        .try_finalize()
        .map_err(|_| Error::bad_pack(host, "it holds an attack on SHA-1"))
}

/// What is read is hashed and counted.
struct Counted<R> {
    read: R,
    hasher: Hasher,
    offset: u64,
}

impl<R: BufRead> Input for Counted<R> {
    fn look(&mut self) -> io::Result<&[u8]> {
        self.read.fill_buf()
    }

    fn pass(&mut self, amount: usize) -> io::Result<()> {
        let bytes = &self.read.fill_buf()?[..amount];
        self.hasher.update(bytes);
        self.read.consume(amount);
        self.offset += amount as u64;
        Ok(())
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let shown = self.look()?;
        let amount = shown.len().min(bytes.len());
        bytes[..amount].copy_from_slice(&shown[..amount]);
        self.pass(amount)?;
        Ok(amount)
    }
}
