//! Why a source is not stored.

use chela_source::Error;

use crate::failure::Failure;

/// Why a source is not stored.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// There is nothing to store.
    #[error(transparent)]
    Source(#[from] Error),
    /// S3 does not take it.
    #[error("{0}")]
    Failed(Failure),
    /// The bucket keeps no versions.
    #[error(
        "the bucket {bucket} keeps no versions, and so nothing says which source a build gets: \
         turn its versioning on"
    )]
    Unversioned {
        /// The bucket.
        bucket: String,
    },
    /// Something else lies there.
    #[error("{bucket}/{key} holds something that Chela has not stored there: remove it")]
    Foreign {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
    },
    /// Other uploads came between, again and again.
    #[error("other uploads to {bucket}/{key} came between again and again; try again later")]
    Contended {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
    },
}

impl UploadError {
    /// Whether the same upload may work later although nobody changes anything.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Source(error) => error.may_pass(),
            Self::Failed(failure) => failure.may_pass(),
            Self::Unversioned { .. } | Self::Foreign { .. } => false,
            Self::Contended { .. } => true,
        }
    }
}
