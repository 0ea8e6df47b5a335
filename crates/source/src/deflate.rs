//! Compresses one file after the other, with the same state and the same result for the same bytes.

use std::io::{self, Write};

use zlib_rs::{Deflate, DeflateFlush, Status};

use crate::inflate::PIECE;

/// Of zlib's nine. Measured on program text: its usual one, 6, takes half as long again and saves a
/// thirtieth; the first takes two thirds of the time and half as much space again.
const LEVEL: i32 = 3;

/// RFC 1951: the largest window.
const WINDOW_BITS: u8 = 15;

/// Deflates.
pub struct Deflater {
    state: Deflate,
    buffer: Vec<u8>,
}

impl Deflater {
    pub fn new() -> Self {
        Self {
            state: Deflate::new(LEVEL, false, WINDOW_BITS),
            buffer: vec![0; PIECE],
        }
    }

    /// Writes what is done of `bytes` and of what came before.
    pub fn add(&mut self, bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
        self.run(bytes, DeflateFlush::NoFlush, out)
    }

    /// Writes the rest, and is ready for the next file.
    pub fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.run(&[], DeflateFlush::Finish, out)?;
        self.state.reset();
        Ok(())
    }

    fn run(
        &mut self,
        mut bytes: &[u8],
        flush: DeflateFlush,
        out: &mut impl Write,
    ) -> io::Result<()> {
        loop {
            let (taken_before, given_before) = (self.state.total_in(), self.state.total_out());
            let status = self.state.compress(bytes, &mut self.buffer, flush);
            let status = status.map_err(|error| io::Error::other(error.as_str()))?;
            let taken = short(self.state.total_in() - taken_before);
            let given = short(self.state.total_out() - given_before);
            bytes = &bytes[taken..];
            out.write_all(&self.buffer[..given])?;
            // What leaves room in the buffer has nothing more to say.
            let is_done = bytes.is_empty() && given < self.buffer.len();
            if status == Status::StreamEnd || (is_done && flush == DeflateFlush::NoFlush) {
                return Ok(());
            }
        }
    }
}

/// Of one call, which is given slices.
fn short(amount: u64) -> usize {
    usize::try_from(amount).expect("a slice is no longer than this")
}
