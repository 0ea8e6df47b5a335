//! One entry's compressed bytes, piece by piece: memory holds one buffer, however large it is.

use std::io;

use gix_zlib::{Decompress, FlushDecompress, Status};

use crate::error::Error;

/// What is handed on at once, but for the last piece.
pub const PIECE: usize = 64 * 1024;

/// Where compressed bytes come from.
pub trait Input {
    /// Some that come next; none at the end.
    fn look(&mut self) -> io::Result<&[u8]>;

    /// Takes so many of those that [`Input::look`] has just shown.
    fn pass(&mut self, amount: usize) -> io::Result<()>;
}

/// Inflates one entry after the other.
pub struct Inflater {
    state: Decompress,
    buffer: Vec<u8>,
}

impl Inflater {
    pub fn new() -> Self {
        Self {
            state: Decompress::new(),
            buffer: vec![0; PIECE],
        }
    }

    /// Hands `size` bytes to `each`, no more and no less.
    pub fn run(
        &mut self,
        input: &mut impl Input,
        size: u64,
        host: &str,
        mut each: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let io = |error| Error::from_io(error, host);
        let bad = |cause| Error::bad_pack(host, cause);
        self.state.reset();
        let mut filled = 0;
        loop {
            let (taken_before, given_before) = (self.state.total_in(), self.state.total_out());
            let shown = input.look().map_err(io)?;
            if shown.is_empty() {
                return Err(io(io::ErrorKind::UnexpectedEof.into()));
            }
            let into = &mut self.buffer[filled..];
            let status = self
                .state
                .decompress(shown, into, FlushDecompress::None)
                .map_err(|_| bad("an entry is not compressed as it should be"))?;
            let taken = short(self.state.total_in() - taken_before);
            let given = short(self.state.total_out() - given_before);
            input.pass(taken).map_err(io)?;
            filled += given;
            let (done, ended) = (self.state.total_out(), status == Status::StreamEnd);
            if done > size {
                return Err(bad("an entry is longer than it says"));
            }
            if ended && done < size {
                return Err(bad("an entry is shorter than it says"));
            }
            if filled == PIECE || (ended && filled > 0) {
                each(&self.buffer[..filled])?;
                filled = 0;
            }
            if ended {
                return Ok(());
            }
            if taken == 0 && given == 0 {
                return Err(bad("an entry does not end"));
            }
        }
    }
}

/// Of one call, which is given slices.
fn short(amount: u64) -> usize {
    usize::try_from(amount).expect("a slice is no longer than this")
}
