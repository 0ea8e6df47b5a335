//! Where the pages find what they show.

use std::path::PathBuf;

use chela_contract::BuildId;
use tokio::sync::watch;

use crate::{BuildView, ListView, Outside, PageKey};

/// Gives the pages the builds. A key that leads nowhere is `Ok(None)`: the answer is the same page
/// for every address that is nothing.
///
/// Of a build in a final state the whole log is in its file: a page that shows the one shows the
/// other.
///
/// The methods run on the threads that serve everybody: what blocks goes to
/// `tokio::task::spawn_blocking`.
pub trait Shelf: Send + Sync + 'static {
    /// The build whose page this key names.
    fn build(&self, key: &PageKey) -> impl Future<Output = Found<BuildView>> + Send;

    /// One page of the list that this key names, the newest build first; with `before`, of the
    /// builds that are older than that one.
    fn list(
        &self,
        key: &PageKey,
        before: Option<BuildId>,
    ) -> impl Future<Output = Found<ListView>> + Send;

    /// The log of the build whose page this key names; of a build that waits, too.
    fn log(&self, key: &PageKey) -> impl Future<Output = Found<LogFile>> + Send;

    /// The `number`th artifact of [`BuildView::artifacts`], counted from 0.
    fn artifact(
        &self,
        key: &PageKey,
        number: usize,
    ) -> impl Future<Output = Found<ArtifactFile>> + Send;
}

/// What a look-up gives.
pub type Found<T> = Result<Option<T>, Unavailable>;

/// The shelf cannot be read just now. Whoever implements it has logged why.
#[derive(Debug, thiserror::Error)]
#[error("the builds cannot be read just now; try again in a moment")]
pub struct Unavailable;

/// A log on disk, and how it comes on.
#[derive(Clone, Debug)]
pub struct LogFile {
    /// The file; that there is none yet is no error. Only ever appended to.
    pub path: PathBuf,
    /// Tells that there is more to see. A live view ends for good after [`Progress::ended`]; if the
    /// sender is dropped before, as at a stop of the server, it ends so that the browser comes
    /// back. For a build that has ended, a receiver without a sender will do.
    pub progress: watch::Receiver<Progress>,
}

impl LogFile {
    /// The log of a build that has ended.
    #[must_use]
    pub fn ended(path: PathBuf) -> Self {
        let last = Progress {
            ended: true,
            ..Progress::default()
        };
        let (_, progress) = watch::channel(last);
        Self { path, progress }
    }
}

/// How far a build is, as far as a live view has to look again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the log that are in the file. Only that it changes counts: a view reads the file to
    /// its end.
    pub log_bytes: u64,
    /// Grows with each change of the build's state, description or phases.
    pub changes: u64,
    /// Nothing will change any more, and the log is whole.
    pub ended: bool,
}

/// An artifact on disk.
#[derive(Clone, Debug)]
pub struct ArtifactFile {
    /// The file. A link or anything else that is no regular file is not followed but missing.
    pub path: PathBuf,
    /// Its name below the folder of the build's artifacts.
    pub name: Outside,
}
