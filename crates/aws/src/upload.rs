//! A source on its way into the bucket of sources, while it is still being made.

use std::sync::Arc;

use aws_sdk_s3::Client;
use chela_contract::CommitId;
use chela_source::{Error, Fetched};
use tokio::task::JoinHandle;

use crate::failure::Failure;
use crate::jitter;

mod error;
mod metadata;
mod multipart;
mod parts;
mod requests;

pub use error::UploadError;
pub use parts::{PartWriter, Parts};

use parts::{Part, Received};
use requests::{Attempt, Requests, Sent};

/// How often an upload begins that meets another one.
const TRIES: u32 = 4;

/// Where a source goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The bucket; it keeps versions.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// Whose key it is.
    pub sharing: Sharing,
    /// What was asked for, if it was a certain commit: no other one that lies there is taken.
    pub commit: Option<CommitId>,
}

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// One build's: what is there already is that build's source, and is taken.
    Exclusive,
    /// A pipeline's own: each upload is a new version.
    Overwrite,
}

/// What is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// The object's version.
    pub version: String,
    /// The commit in it.
    pub commit: CommitId,
    /// What is not there as the commit has it, one sentence each.
    pub notes: Vec<String>,
}

/// Stores what `fill` makes.
///
/// `fill` runs on a thread of its own and is called again where the upload has to begin again. It
/// writes at the pace of the upload: three parts of 8 MiB are in memory, and no more.
pub async fn upload<F>(s3: Client, place: &Place, fill: F) -> Result<Uploaded, UploadError>
where
    F: Fn(Parts) -> Result<Fetched, Error> + Send + Sync + 'static,
{
    let requests = Requests::new(s3, place.clone());
    let fill = Arc::new(fill);
    for tried in 1..=TRIES {
        let (parts, received) = parts::pipe();
        let made = Arc::clone(&fill);
        let filling = Filling::new(tokio::task::spawn_blocking(move || made(parts)));
        match once(&requests, received, filling).await? {
            Attempt::Stored(uploaded) => return Ok(uploaded),
            Attempt::Conflict => tokio::time::sleep(jitter::pause(tried)).await,
        }
    }
    Err(UploadError::Contended {
        bucket: place.bucket.clone(),
        key: place.key.clone(),
    })
}

/// One upload from its beginning to its end, and the end of what fills it.
async fn once(
    requests: &Requests,
    received: Received,
    mut filling: Filling,
) -> Result<Attempt, UploadError> {
    let done = store(requests, received, &mut filling).await;
    // Its work on the disk is gone when it returns.
    filling.settle().await;
    let (fetched, sent) = done?;
    match sent {
        Sent::Version(version) => Ok(Attempt::Stored(Uploaded {
            version,
            notes: sentences(&fetched),
            commit: fetched.commit,
        })),
        Sent::Occupied => requests.there(&fetched).await,
        Sent::Conflict => Ok(Attempt::Conflict),
    }
}

/// What fits into one part is one request; more is an upload in parts.
async fn store(
    requests: &Requests,
    mut received: Received,
    filling: &mut Filling,
) -> Result<(Fetched, Sent), UploadError> {
    let first = received.next().await;
    match (first, received.next().await) {
        (Some(first), Some(second)) => in_parts(requests, [first, second], received, filling).await,
        (only, _) => {
            let fetched = filling.end().await?;
            let bytes = only.map(|part| part.bytes).unwrap_or_default();
            let sent = requests.put(bytes, &fetched).await?;
            Ok((fetched, sent))
        }
    }
}

/// What is not completed is given up, so that nobody pays for its parts.
async fn in_parts(
    requests: &Requests,
    begun: [Part; 2],
    received: Received,
    filling: &mut Filling,
) -> Result<(Fetched, Sent), UploadError> {
    let upload = requests.begin(&begun[0].commit).await?;
    let done = async {
        let parts = upload.send(begun, received).await?;
        let fetched = filling.end().await?;
        let sent = upload.complete(parts).await?;
        Ok((fetched, sent))
    }
    .await;
    if !matches!(done, Ok((_, Sent::Version(_)))) {
        upload.abort().await;
    }
    done
}

fn sentences(fetched: &Fetched) -> Vec<String> {
    fetched.notes.iter().map(ToString::to_string).collect()
}

/// The thread that fills.
struct Filling(Option<JoinHandle<Result<Fetched, Error>>>);

impl Filling {
    fn new(handle: JoinHandle<Result<Fetched, Error>>) -> Self {
        Self(Some(handle))
    }

    /// What it came to.
    async fn end(&mut self) -> Result<Fetched, UploadError> {
        let handle = self.0.take().expect("an upload asks once");
        match handle.await {
            Ok(done) => Ok(done?),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Waits until it has come to an end, whatever that is: the upload has failed.
    async fn settle(&mut self) {
        if let Some(handle) = self.0.take() {
            drop(handle.await);
        }
    }
}

impl From<Failure> for UploadError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

#[cfg(test)]
mod tests;
