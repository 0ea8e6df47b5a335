//! Compresses one file after the other, with the same state and the same result for the same bytes.

use std::io::{self, Write};

use zlib_rs::{Deflate, DeflateFlush, Status};

use crate::inflate::PIECE;

/// Of zlib's nine. Measured on program text: its usual one, 6, takes half as long again and saves a
/// thirtieth; the first takes two thirds of the time and half as much space again.
const LEVEL: i32 = 3;

/// For what is compressed already: there the other one only takes time, ten times as much.
const AS_IT_IS: i32 = 0;

/// RFC 1951: the largest window.
const WINDOW_BITS: u8 = 15;

/// Deflates. A file has to come in pieces that depend on nothing but the file.
pub struct Deflater {
    smaller: Stream,
    as_it_is: Stream,
    is_smaller: bool,
}

impl Deflater {
    pub fn new() -> Self {
        Self {
            smaller: Stream::new(LEVEL),
            as_it_is: Stream::new(AS_IT_IS),
            is_smaller: true,
        }
    }

    /// Writes what is done of `bytes` and of what came before.
    pub fn add(&mut self, bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
        let is_first_of_many = self.smaller.state.total_in() == 0 && bytes.len() >= PIECE;
        if !is_first_of_many {
            return self.stream().run(bytes, DeflateFlush::NoFlush, out);
        }
        // Then the other one can go on where this one ends.
        self.smaller.run(bytes, DeflateFlush::SyncFlush, out)?;
        let state = &self.smaller.state;
        let (before, after) = (state.total_in(), state.total_out());
        self.is_smaller = after <= before - before / 32;
        Ok(())
    }

    /// Writes the rest, and is ready for the next file.
    pub fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.stream().run(&[], DeflateFlush::Finish, out)?;
        self.smaller.state.reset();
        self.as_it_is.state.reset();
        self.is_smaller = true;
        Ok(())
    }

    fn stream(&mut self) -> &mut Stream {
        if self.is_smaller {
            &mut self.smaller
        } else {
            &mut self.as_it_is
        }
    }
}

struct Stream {
    state: Deflate,
    buffer: Vec<u8>,
}

impl Stream {
    fn new(level: i32) -> Self {
        Self {
            state: Deflate::new(level, false, WINDOW_BITS),
            buffer: vec![0; PIECE],
        }
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
            if status == Status::StreamEnd || (is_done && flush != DeflateFlush::Finish) {
                return Ok(());
            }
        }
    }
}

/// Of one call, which is given slices.
fn short(amount: u64) -> usize {
    usize::try_from(amount).expect("a slice is no longer than this")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zlib_rs::{Inflate, InflateFlush};

    use super::*;

    fn deflated(deflater: &mut Deflater, file: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in file.chunks(PIECE) {
            deflater.add(piece, &mut out).unwrap();
        }
        deflater.finish(&mut out).unwrap();
        out
    }

    fn inflated(bytes: &[u8], size: usize) -> Vec<u8> {
        let mut file = vec![0; size + 1];
        let mut state = Inflate::new(false, WINDOW_BITS);
        let status = state.decompress(bytes, &mut file, InflateFlush::Finish);
        assert_eq!(status, Ok(Status::StreamEnd));
        file.truncate(short(state.total_out()));
        file
    }

    fn noise(size: usize) -> Vec<u8> {
        let mut state = 7_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..size).map(|_| next()).collect()
    }

    #[test]
    fn what_cannot_be_made_smaller_is_left_as_it_is_and_the_next_file_is_not() {
        let mut deflater = Deflater::new();
        let (noise, text) = (noise(1_000_000), b"the same words ".repeat(60_000));
        let first = deflated(&mut deflater, &[&noise[..], &text].concat());
        assert!(first.len() > noise.len() + text.len());
        let text_alone = deflated(&mut deflater, &text);
        assert!(text_alone.len() < text.len() / 50, "{}", text_alone.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_file_comes_out_as_it_was_and_whatever_came_before_it_the_bytes_are_the_same(
            files in proptest::collection::vec((0..300_000_usize, any::<bool>()), 1..6),
        ) {
            let mut deflater = Deflater::new();
            let noise = noise(300_000);
            for (size, is_text) in files {
                let text = b"some words\n".repeat(30_000);
                let file = if is_text { &text[..size] } else { &noise[..size] };
                let bytes = deflated(&mut deflater, file);
                prop_assert!(inflated(&bytes, size) == file);
                prop_assert!(bytes == deflated(&mut Deflater::new(), file));
            }
        }
    }
}
