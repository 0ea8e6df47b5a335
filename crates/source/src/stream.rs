//! A pack on its way to the disk: every entry is inflated once to find its end, and judged before
//! anything is made of it. Memory holds one buffer, however large an entry is.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufWriter, Read, Write as _};

use gix_hash::{Hasher, ObjectId};
use gix_pack::data::entry::Header;
use gix_pack::data::input;
use gix_zlib::{Decompress, FlushDecompress, Status};

use crate::error::{Error, Excess};
use crate::limits::{self, Deadline, Limits, Tally};

/// gitformat-pack(5): `PACK`, the version, the number of objects.
const HEADER_BYTES: usize = 12;

/// pack.depth of git-config(1) is at most this.
const MAX_CHAIN: u16 = 4095;

/// Two numbers of ten bytes stand at the beginning of a delta.
const DELTA_HEADER: usize = 20;

/// Reads the entries of one pack and writes all of it to a file.
pub struct Entries<'a, R> {
    tee: Tee<R>,
    host: &'a str,
    limits: &'a Limits,
    deadline: Deadline,
    unpacked: Tally,
    left: u32,
    inflate: Decompress,
    buffer: Vec<u8>,
    /// How many deltas lead to the entry at an offset.
    chains: HashMap<u64, u16>,
}

impl<'a, R: BufRead> Entries<'a, R> {
    pub fn new(
        read: R,
        file: File,
        host: &'a str,
        limits: &'a Limits,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        let mut tee = Tee {
            read,
            file: BufWriter::new(file),
            hasher: gix_hash::hasher(gix_hash::Kind::Sha1),
            crc: crc32fast::Hasher::new(),
            offset: 0,
        };
        let mut header = [0; HEADER_BYTES];
        tee.read_exact(&mut header)
            .map_err(|error| Error::from_io(error, host))?;
        let (_, objects) =
            gix_pack::data::header::decode(&header).map_err(|_| bad(host, "it is no pack"))?;
        // Each object of one commit is a file or a directory, but for the commit and its tree.
        limits::check(
            Excess::Files,
            objects.into(),
            limits.files.saturating_add(2),
        )?;
        if objects == 0 {
            return Err(bad(host, "it is empty"));
        }
        Ok(Self {
            tee,
            host,
            limits,
            deadline,
            unpacked: Tally::new(Excess::Unpacked, limits.unpacked),
            left: objects,
            inflate: Decompress::new(),
            buffer: vec![0; 64 * 1024],
            chains: HashMap::new(),
        })
    }

    /// The next entry; `None` after the last one.
    pub fn next(&mut self) -> Result<Option<input::Entry>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.deadline.left()?;
        self.left -= 1;
        let host = self.host;
        let io = |error| Error::from_io(error, host);
        let pack_offset = self.tee.offset;
        self.tee.crc = crc32fast::Hasher::new();
        let entry = gix_pack::data::Entry::from_read(&mut self.tee, pack_offset, 20).map_err(io)?;
        let header_size = u16::try_from(self.tee.offset - pack_offset)
            .map_err(|_| bad(host, "an entry's header is too long"))?;
        self.admit(&entry.header, pack_offset)?;
        limits::check(Excess::File, entry.decompressed_size, self.limits.file)?;
        let start = self.tee.offset;
        let prefix = self.inflate(entry.decompressed_size)?;
        if entry.header.is_delta() {
            let size = result_size(&prefix).ok_or_else(|| bad(host, "a delta has no size"))?;
            limits::check(Excess::File, size, self.limits.file)?;
            self.unpacked.add(size)?;
        } else {
            self.unpacked.add(entry.decompressed_size)?;
        }
        let compressed_size = self.tee.offset - start;
        let crc32 = Some(self.tee.crc.clone().finalize());
        let trailer = if self.left == 0 {
            Some(self.trailer()?)
        } else {
            None
        };
        Ok(Some(input::Entry {
            header: entry.header,
            header_size,
            pack_offset,
            compressed: None,
            compressed_size,
            crc32,
            decompressed_size: entry.decompressed_size,
            trailer,
        }))
    }

    /// Deltas by name are refused: we ask for those by offset, and what comes first in the pack
    /// cannot be a circle.
    fn admit(&mut self, header: &Header, offset: u64) -> Result<(), Error> {
        match header {
            Header::OfsDelta { base_distance } => {
                let base = offset
                    .checked_sub(*base_distance)
                    .filter(|&base| base < offset);
                let base = base.ok_or_else(|| bad(self.host, "a delta has no base"))?;
                let depth = self.chains.get(&base).map_or(1, |depth| depth + 1);
                if depth > MAX_CHAIN {
                    return Err(bad(self.host, "its deltas stand on each other too high"));
                }
                self.chains.insert(offset, depth);
                Ok(())
            }
            Header::RefDelta { .. } => Err(bad(self.host, "a delta's base is not in it")),
            Header::Commit | Header::Tree | Header::Blob | Header::Tag => Ok(()),
        }
    }

    /// Inflates one entry, and returns its first bytes.
    fn inflate(&mut self, expected: u64) -> Result<Vec<u8>, Error> {
        let host = self.host;
        let mut prefix = Vec::new();
        self.inflate.reset();
        loop {
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let input = self.tee.read.fill_buf();
            let input = input.map_err(|error| Error::from_io(error, host))?;
            if input.is_empty() {
                let end = io::Error::from(io::ErrorKind::UnexpectedEof);
                return Err(Error::from_io(end, host));
            }
            let status = self
                .inflate
                .decompress(input, &mut self.buffer, FlushDecompress::None)
                .map_err(|_| bad(host, "an entry is not compressed as it should be"))?;
            let (total_in, total_out) = (self.inflate.total_in(), self.inflate.total_out());
            let taken = usize::try_from(total_in - before_in).unwrap_or(usize::MAX);
            let given = usize::try_from(total_out - before_out).unwrap_or(usize::MAX);
            if total_out > expected {
                return Err(bad(host, "an entry is longer than it says"));
            }
            let wanted = given.min(DELTA_HEADER.saturating_sub(prefix.len()));
            prefix.extend_from_slice(&self.buffer[..wanted]);
            self.tee
                .pass(taken)
                .map_err(|error| Error::from_io(error, host))?;
            match status {
                Status::StreamEnd if total_out == expected => return Ok(prefix),
                Status::StreamEnd => return Err(bad(host, "an entry is shorter than it says")),
                _ if taken == 0 && given == 0 => return Err(bad(host, "an entry does not end")),
                _ => {}
            }
        }
    }

    /// gitformat-pack(5): a hash of all of the above ends it.
    fn trailer(&mut self) -> Result<ObjectId, Error> {
        let host = self.host;
        let io = |error| Error::from_io(error, host);
        let sum = self.tee.hasher.clone().try_finalize();
        let sum = sum.map_err(|_| bad(host, "its checksum is an attack on SHA-1"))?;
        let mut told = [0; 20];
        self.tee.read_exact(&mut told).map_err(io)?;
        if sum.as_slice() != told {
            return Err(bad(host, "its checksum is wrong"));
        }
        self.tee.file.flush().map_err(io)?;
        Ok(sum)
    }
}

/// The size of what a delta makes: its second number, seven bits a byte, the lowest first.
fn result_size(delta: &[u8]) -> Option<u64> {
    let mut rest = delta.iter();
    let mut number = || {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *rest.next()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    };
    number()?;
    number()
}

pub fn bad(host: &str, cause: &str) -> Error {
    Error::BadPack {
        host: host.to_owned(),
        cause: cause.to_owned(),
    }
}

/// What is read is written, hashed and counted.
struct Tee<R> {
    read: R,
    file: BufWriter<File>,
    hasher: Hasher,
    crc: crc32fast::Hasher,
    offset: u64,
}

impl<R: BufRead> Tee<R> {
    /// Takes bytes that [`BufRead::fill_buf`] has just shown.
    fn pass(&mut self, amount: usize) -> io::Result<()> {
        let bytes = &self.read.fill_buf()?[..amount];
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.crc.update(bytes);
        self.read.consume(amount);
        self.offset += amount as u64;
        Ok(())
    }
}

impl<R: BufRead> Read for Tee<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let shown = self.read.fill_buf()?;
        let amount = shown.len().min(bytes.len());
        bytes[..amount].copy_from_slice(&shown[..amount]);
        self.pass(amount)?;
        Ok(amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deltas_second_number_is_the_size_of_its_result() {
        assert_eq!(result_size(&[0x05, 0x0a, 0xff]), Some(10));
        assert_eq!(result_size(&[0x80, 0x01, 0xe5, 0x8e, 0x26]), Some(624_485));
        assert_eq!(result_size(&[0x80, 0x01, 0xe5, 0x8e]), None);
        assert_eq!(result_size(&[0xff; 20]), None);
        assert_eq!(result_size(&[]), None);
    }
}
