//! A file that is read here and there: what was read around the last place is kept.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;

use crate::inflate::Input;

const BYTES: usize = 64 * 1024;

/// A view of a file.
pub struct Window {
    file: File,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins, and where the next byte is.
    begin: u64,
    at: u64,
}

impl Window {
    pub fn new(file: File) -> Self {
        Self {
            file,
            buffer: Vec::with_capacity(BYTES),
            begin: 0,
            at: 0,
        }
    }

    /// The next byte is the one at `offset`.
    pub fn seek(&mut self, offset: u64) {
        self.at = offset;
    }

    fn shown(&self) -> &[u8] {
        let skip = self.at.checked_sub(self.begin);
        skip.and_then(|skip| usize::try_from(skip).ok())
            .and_then(|skip| self.buffer.get(skip..))
            .unwrap_or_default()
    }
}

impl Input for Window {
    fn look(&mut self) -> io::Result<&[u8]> {
        if self.shown().is_empty() {
            self.buffer.resize(BYTES, 0);
            let got = self.file.read_at(&mut self.buffer, self.at);
            self.buffer.truncate(*got.as_ref().unwrap_or(&0));
            self.begin = self.at;
            got?;
        }
        Ok(self.shown())
    }

    fn pass(&mut self, amount: usize) -> io::Result<()> {
        self.at += amount as u64;
        Ok(())
    }
}

impl Read for Window {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let got = self.look()?.read(bytes)?;
        self.pass(got)?;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn each_place_shows_what_stands_there() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        file.write_all(&bytes).unwrap();
        let mut window = Window::new(file);
        for place in [0, 4, 700_000, 699_996, 65_534, 131_070, 3, 799_996] {
            window.seek(place as u64);
            let mut got = [0; 4];
            window.read_exact(&mut got).unwrap();
            assert_eq!(got, bytes[place..place + 4], "at {place}");
        }
        window.seek(800_000);
        assert!(window.look().unwrap().is_empty());
    }
}
