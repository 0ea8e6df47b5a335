//! Objects on the disk, one after the other, as they are: what a file holds can be read at once.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, TargetError};
use crate::inflate::PIECE;

/// A file that grows at its end and is read anywhere.
pub struct Spool {
    file: File,
    path: PathBuf,
    /// How much of it is in the file; the rest waits.
    written: u64,
    waiting: Vec<u8>,
    /// What was read around the last place: files stand in the order in which they are wanted.
    window: Vec<u8>,
    begin: u64,
}

impl Spool {
    pub fn create(path: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create_new(true);
        let file = options.open(path);
        Ok(Self {
            file: file.map_err(|cause| TargetError::unwritable(path, cause))?,
            path: path.to_owned(),
            written: 0,
            waiting: Vec::with_capacity(PIECE),
            window: Vec::with_capacity(PIECE),
            begin: 0,
        })
    }

    /// Where the next byte will stand.
    pub fn end(&self) -> u64 {
        self.written + self.waiting.len() as u64
    }

    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.waiting.len() + bytes.len() > PIECE {
            self.flush()?;
        }
        if bytes.len() > PIECE {
            self.write(bytes)
        } else {
            self.waiting.extend_from_slice(bytes);
            Ok(())
        }
    }

    /// Fills `bytes` with what stands at `offset`.
    pub fn read(&mut self, offset: u64, bytes: &mut [u8]) -> Result<(), Error> {
        if offset + bytes.len() as u64 > self.written {
            self.flush()?;
        }
        let read = self.file.read_exact_at(bytes, offset);
        read.map_err(|cause| self.failed(cause))
    }

    /// Hands on what stands there piece by piece; nothing at all of no bytes.
    pub fn each_piece(
        &mut self,
        offset: u64,
        size: u64,
        mut each: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut at, end) = (offset, offset + size);
        if end > self.written {
            self.flush()?;
        }
        while at < end {
            let length = usize::try_from(end - at).map_or(PIECE, |left| left.min(PIECE));
            each(self.shown(at, length)?)?;
            at += length as u64;
        }
        Ok(())
    }

    fn shown(&mut self, at: u64, length: usize) -> Result<&[u8], Error> {
        let kept = self.begin..self.begin + self.window.len() as u64;
        if !kept.contains(&at) || at + length as u64 > kept.end {
            self.refill(at, length)
                .map_err(|cause| self.failed(cause))?;
        }
        let skip = usize::try_from(at - self.begin).expect("it is within the window");
        Ok(&self.window[skip..skip + length])
    }

    fn refill(&mut self, at: u64, least: usize) -> io::Result<()> {
        self.window.resize(PIECE, 0);
        self.begin = at;
        let mut got = 0;
        while got < least {
            match self.file.read_at(&mut self.window[got..], at + got as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(more) => got += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.window.truncate(got);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.write(&waiting)?;
        waiting.clear();
        self.waiting = waiting;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.file.write_all_at(bytes, self.written);
        written.map_err(|cause| self.failed(cause))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn failed(&self, cause: io::Error) -> Error {
        TargetError::unwritable(&self.path, cause).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_appended_is_read_wherever_it_stands() {
        let directory = tempfile::TempDir::new().unwrap();
        let mut spool = Spool::create(&directory.path().join("spool")).unwrap();
        let mut expected: Vec<u8> = Vec::new();
        let mut places = Vec::new();
        for size in [0, 1, 10, 70_000, 3, PIECE, PIECE + 1, 200_000, 5, 0, 60_000] {
            let bytes: Vec<u8> = (0..size)
                .map(|at| (at * 31 + size).to_le_bytes()[0])
                .collect();
            places.push((spool.end(), size));
            spool.append(&bytes).unwrap();
            expected.extend_from_slice(&bytes);
            // Also what only waits to be written.
            for &(offset, size) in &places {
                let from = usize::try_from(offset).unwrap();
                let mut pieces = Vec::new();
                let each = |piece: &[u8]| {
                    assert!(!piece.is_empty() && piece.len() <= PIECE);
                    pieces.extend_from_slice(piece);
                    Ok(())
                };
                spool.each_piece(offset, size as u64, each).unwrap();
                assert!(pieces == expected[from..from + size], "{size} at {offset}");
                let mut read = vec![0; size];
                spool.read(offset, &mut read).unwrap();
                assert!(read == pieces, "{size} at {offset}");
            }
        }
        assert_eq!(spool.end(), expected.len() as u64);
    }
}
