//! A pack on its way to the disk: every entry is inflated once, which names those that are stored
//! whole, and judged before anything is made of it.

use std::fs::File;
use std::io::{self, BufRead, BufWriter, Read, Write as _};
use std::path::Path;

use gix_hash::{Hasher, Kind, ObjectId};

use crate::delta;
use crate::entry::{self, Form, Header};
use crate::error::{Error, Excess, TargetError};
use crate::inflate::{Inflater, Input};
use crate::limits::{self, Deadline, Limits, Tally};

/// pack.depth of git-config(1) is at most this.
const MAX_CHAIN: u16 = 4095;

/// One object of the pack.
#[derive(Clone, Debug)]
pub struct Entry {
    pub offset: u64,
    /// Null as long as a delta is not resolved.
    pub id: ObjectId,
    /// Which entry before this one it is a difference from.
    pub base: Option<u32>,
    /// Whether another one is a difference from it.
    pub is_base: bool,
    /// How many deltas lead to it.
    chain: u16,
}

/// Writes the pack to the new file `path`, and says what is in it, in the pack's order.
pub fn receive<R: BufRead>(
    read: R,
    path: &Path,
    host: &str,
    limits: &Limits,
    deadline: Deadline,
) -> Result<Vec<Entry>, Error> {
    let file = File::create_new(path).map_err(|cause| TargetError::unwritable(path, cause))?;
    let mut tee = Tee {
        read,
        path,
        file: BufWriter::with_capacity(1 << 16, file),
        hasher: gix_hash::hasher(Kind::Sha1),
        offset: 0,
    };
    let count = entry::count(&mut tee, host)?;
    // Each object of one commit is a file or a directory, but for the commit and its tree.
    limits::check(Excess::Files, count.into(), limits.files.saturating_add(2))?;
    if count == 0 {
        return Err(Error::bad_pack(host, "it is empty"));
    }
    let mut arriving = Arriving {
        tee,
        host,
        limits,
        unpacked: Tally::new(Excess::Unpacked, limits.unpacked),
        inflater: Inflater::new(),
        entries: Vec::new(),
    };
    for _ in 0..count {
        deadline.left()?;
        arriving.entry()?;
    }
    arriving.trailer()?;
    Ok(arriving.entries)
}

struct Arriving<'a, R> {
    tee: Tee<'a, R>,
    host: &'a str,
    limits: &'a Limits,
    unpacked: Tally,
    inflater: Inflater,
    entries: Vec<Entry>,
}

impl<R: BufRead> Arriving<'_, R> {
    fn entry(&mut self) -> Result<(), Error> {
        let offset = self.tee.offset;
        let Header { form, size } = entry::header(&mut self.tee, self.host)?;
        limits::check(Excess::File, size, self.limits.file)?;
        self.unpacked.add(size)?;
        let entry = match form {
            Form::Whole(kind) => Entry {
                offset,
                id: self.whole(kind, size)?,
                base: None,
                is_base: false,
                chain: 0,
            },
            Form::Delta { distance } => {
                let base = self.base(offset, distance)?;
                self.delta(size)?;
                let base_entry = &mut self.entries[base];
                base_entry.is_base = true;
                let chain = base_entry.chain + 1;
                if chain > MAX_CHAIN {
                    return Err(self.bad("its deltas stand on each other too high"));
                }
                Entry {
                    offset,
                    id: ObjectId::null(Kind::Sha1),
                    base: u32::try_from(base).ok(),
                    is_base: false,
                    chain,
                }
            }
        };
        self.entries.push(entry);
        Ok(())
    }

    /// An offset at which no entry begins would make one out of any bytes.
    fn base(&self, offset: u64, distance: u64) -> Result<usize, Error> {
        offset
            .checked_sub(distance)
            .and_then(|base| {
                let found = self
                    .entries
                    .binary_search_by_key(&base, |entry| entry.offset);
                found.ok()
            })
            .ok_or_else(|| self.bad("a delta has no base"))
    }

    fn whole(&mut self, kind: gix_object::Kind, size: u64) -> Result<ObjectId, Error> {
        let mut hasher = gix_hash::hasher(Kind::Sha1);
        hasher.update(&gix_object::encode::loose_header(kind, size));
        self.inflater.run(&mut self.tee, size, self.host, |piece| {
            hasher.update(piece);
            Ok(())
        })?;
        finish(hasher, self.host)
    }

    fn delta(&mut self, size: u64) -> Result<(), Error> {
        let mut header = Vec::new();
        self.inflater.run(&mut self.tee, size, self.host, |piece| {
            let wanted = delta::HEADER_BYTES.saturating_sub(header.len());
            header.extend_from_slice(&piece[..piece.len().min(wanted)]);
            Ok(())
        })?;
        let result = delta::result_size(&header).ok_or_else(|| self.bad("a delta has no size"))?;
        limits::check(Excess::File, result, self.limits.file)?;
        self.unpacked.add(result)
    }

    /// A hash of all of the above ends it.
    fn trailer(&mut self) -> Result<(), Error> {
        let sum = finish(self.tee.hasher.clone(), self.host)?;
        let io = |error| Error::from_io(error, self.host);
        let mut told = [0; 20];
        self.tee.read_exact(&mut told).map_err(io)?;
        if sum.as_slice() != told {
            return Err(self.bad("its checksum is wrong"));
        }
        let flushed = self.tee.file.flush();
        flushed.map_err(|cause| TargetError::unwritable(self.tee.path, cause).into())
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

/// What is read is written, hashed and counted.
struct Tee<'a, R> {
    read: R,
    path: &'a Path,
    file: BufWriter<File>,
    hasher: Hasher,
    offset: u64,
}

impl<R: BufRead> Input for Tee<'_, R> {
    fn look(&mut self) -> io::Result<&[u8]> {
        self.read.fill_buf()
    }

    fn pass(&mut self, amount: usize) -> io::Result<()> {
        let bytes = &self.read.fill_buf()?[..amount];
        self.file
            .write_all(bytes)
            .map_err(|cause| Error::from(TargetError::unwritable(self.path, cause)).into_io())?;
        self.hasher.update(bytes);
        self.read.consume(amount);
        self.offset += amount as u64;
        Ok(())
    }
}

impl<R: BufRead> Read for Tee<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let shown = self.look()?;
        let amount = shown.len().min(bytes.len());
        bytes[..amount].copy_from_slice(&shown[..amount]);
        self.pass(amount)?;
        Ok(amount)
    }
}
