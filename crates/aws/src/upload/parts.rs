//! A writer on a blocking thread, and the parts that come out of it.

use std::io::{self, Write};
use std::sync::Arc;

use chela_contract::CommitId;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// S3 wants 5 MiB at least in each part but the last.
pub const PART: usize = 8 * 1024 * 1024;
/// How many parts are in memory: one is being written while two are on their way.
const PARTS: usize = 3;

/// A way for one source into its bucket.
#[derive(Debug)]
pub struct Parts {
    places: Arc<Semaphore>,
    sender: mpsc::Sender<Part>,
    runtime: Handle,
}

/// A part of a source.
#[derive(Debug)]
pub struct Part {
    /// The commit that the source is of.
    pub commit: CommitId,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Another part takes its place when this one is gone.
    pub place: Option<OwnedSemaphorePermit>,
}

/// Takes a source, in order.
#[derive(Debug)]
pub struct PartWriter {
    parts: Parts,
    commit: CommitId,
    bytes: Vec<u8>,
    place: Option<OwnedSemaphorePermit>,
}

/// The parts as they come.
#[derive(Debug)]
pub struct Received(mpsc::Receiver<Part>);

/// Both ends.
pub fn pipe() -> (Parts, Received) {
    // As wide as there are places: handing over never waits, taking a place does.
    let (sender, receiver) = mpsc::channel(PARTS);
    let parts = Parts {
        places: Arc::new(Semaphore::new(PARTS)),
        sender,
        runtime: Handle::current(),
    };
    (parts, Received(receiver))
}

impl Parts {
    /// Begins with the name of the commit. The end of the writer is the end of the source.
    pub fn begin(self, commit: &CommitId) -> io::Result<PartWriter> {
        let mut writer = PartWriter {
            parts: self,
            commit: commit.clone(),
            bytes: Vec::new(),
            place: None,
        };
        writer.make_room()?;
        Ok(writer)
    }
}

impl Write for PartWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() == PART {
            self.hand_over()?;
            self.make_room()?;
        }
        let room = PART - self.bytes.len();
        let taken = &bytes[..bytes.len().min(room)];
        self.bytes.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl PartWriter {
    /// Waits until there is a place for another part.
    fn make_room(&mut self) -> io::Result<()> {
        let place = Arc::clone(&self.parts.places).acquire_owned();
        let place = self.parts.runtime.block_on(place);
        self.place = Some(place.map_err(io::Error::other)?);
        // Memory that is not written to costs nothing; growing would move what is there.
        self.bytes = Vec::with_capacity(PART);
        Ok(())
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let part = Part {
            commit: self.commit.clone(),
            bytes: std::mem::take(&mut self.bytes),
            place: self.place.take(),
        };
        let sent = self.parts.sender.try_send(part);
        sent.map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the upload has ended"))
    }
}

impl Drop for PartWriter {
    fn drop(&mut self) {
        // Nobody waits for it if the upload has ended.
        drop(self.hand_over());
    }
}

impl Received {
    /// The next part, or `None` after the last.
    pub async fn next(&mut self) -> Option<Part> {
        self.0.recv().await
    }
}
