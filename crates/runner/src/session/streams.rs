//! The two pipes out of the walls: what the build prints, and what its shell says.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::Errno,
};

use super::status::Reader;
use crate::log::Output;

/// How much of a pipe is read at once.
const PIECE: usize = 64 * 1024;
/// A process that outlives its command may print without end; this much of it comes before the next
/// command. It is the most that a pipe can hold by default, so that nothing of the command's is
/// missed.
const DRAINED: usize = 1 << 20;

#[derive(Debug)]
pub(crate) struct Streams {
    output: Option<OwnedFd>,
    status_pipe: Option<OwnedFd>,
    pub(crate) status: Reader,
    buffer: Vec<u8>,
}

impl Streams {
    pub(crate) fn new(output: OwnedFd, status: OwnedFd) -> io::Result<Self> {
        nonblocking(&output)?;
        nonblocking(&status)?;
        Ok(Self {
            output: Some(output),
            status_pipe: Some(status),
            status: Reader::default(),
            buffer: vec![0; PIECE],
        })
    }

    /// Those that have not ended.
    pub(crate) fn open(&self) -> impl Iterator<Item = &OwnedFd> {
        self.output.iter().chain(&self.status_pipe)
    }

    /// Reads a piece of what is there, if something is. The status comes first: what is printed
    /// after a command's end was printed before it was read here.
    pub(crate) fn read(&mut self, output: &mut Output<'_>) -> io::Result<()> {
        let said = piece(&mut self.status_pipe, &mut self.buffer)?;
        self.status.feed(&self.buffer[..said]);
        let printed = piece(&mut self.output, &mut self.buffer)?;
        output.of_build(&self.buffer[..printed]);
        Ok(())
    }

    /// Reads what is there to its end.
    pub(crate) fn drain(&mut self, output: &mut Output<'_>) -> io::Result<()> {
        let mut left = DRAINED;
        while left > 0 {
            let printed = piece(&mut self.output, &mut self.buffer)?;
            if printed == 0 {
                return Ok(());
            }
            output.of_build(&self.buffer[..printed]);
            left = left.saturating_sub(printed);
        }
        Ok(())
    }

    pub(crate) fn close_status(&mut self) {
        self.status_pipe = None;
    }
}

/// Reads once; nothing, if nothing is there. A pipe that has ended is closed.
fn piece(pipe: &mut Option<OwnedFd>, buffer: &mut [u8]) -> io::Result<usize> {
    let Some(open) = pipe else {
        return Ok(0);
    };
    match rustix::io::read(open, buffer) {
        Ok(0) => {
            *pipe = None;
            Ok(0)
        }
        Ok(length) => Ok(length),
        Err(Errno::AGAIN | Errno::INTR) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn nonblocking(pipe: impl AsFd) -> io::Result<()> {
    let flags = fcntl_getfl(&pipe)?;
    Ok(fcntl_setfl(&pipe, flags | OFlags::NONBLOCK)?)
}
