//! The requests of an upload.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use chela_contract::CommitId;
use chela_source::Fetched;

use super::multipart::Upload;
use super::{Place, Sharing, UploadError, Uploaded, metadata, sentences};
use crate::failure::{Call, Failure, status_of};

/// What became of an upload from its beginning to its end.
#[derive(Debug)]
pub enum Attempt {
    Stored(Uploaded),
    /// Another one came between: begin again.
    Conflict,
}

/// How S3 took what was sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is there, as this version.
    Version(String),
    /// Something is there already.
    Occupied,
    /// Another upload came between.
    Conflict,
}

/// The requests for one place.
#[derive(Clone, Debug)]
pub struct Requests {
    pub s3: Client,
    pub place: Place,
}

impl Requests {
    pub fn new(s3: Client, place: Place) -> Self {
        Self { s3, place }
    }

    pub fn call(&self, action: &'static str) -> Call {
        Call::new(action, format!("{}/{}", self.place.bucket, self.place.key))
    }

    /// The condition of a write here.
    pub fn none_match(&self) -> Option<String> {
        match self.place.sharing {
            Sharing::Exclusive => Some("*".to_owned()),
            Sharing::Overwrite => None,
        }
    }

    /// All of it in one request.
    pub async fn put(&self, bytes: Vec<u8>, fetched: &Fetched) -> Result<Sent, UploadError> {
        let request = self
            .s3
            .put_object()
            .bucket(&self.place.bucket)
            .key(&self.place.key)
            .content_type(metadata::TYPE)
            .set_metadata(Some(metadata::of(&fetched.commit, &sentences(fetched))))
            .set_if_none_match(self.none_match())
            .body(ByteStream::from(bytes));
        match request.send().await {
            Ok(answer) => Ok(Sent::Version(self.version(answer.version_id())?)),
            Err(error) => self.not_sent(error),
        }
    }

    /// An upload in parts.
    pub async fn begin(&self, commit: &CommitId) -> Result<Upload, UploadError> {
        Ok(Upload::begin(self.clone(), commit).await?)
    }

    /// What lies there already: another delivery of the same build has stored it.
    pub async fn there(&self, made: &Fetched) -> Result<Attempt, UploadError> {
        let request = self
            .s3
            .head_object()
            .bucket(&self.place.bucket)
            .key(&self.place.key);
        let answer = match request.send().await {
            Ok(answer) => answer,
            // Removed in between.
            Err(error) if status_of(&error) == Some(404) => return Ok(Attempt::Conflict),
            Err(error) => return Err(Failure::of(self.call("s3:GetObject"), error).into()),
        };
        let commit = self.commit_of(&answer)?;
        // The same commit lacks the same things; the parts of an upload come before its notes.
        let notes = if commit == made.commit {
            sentences(made)
        } else {
            metadata::notes(answer.metadata())
        };
        Ok(Attempt::Stored(Uploaded {
            version: self.version(answer.version_id())?,
            commit,
            notes,
        }))
    }

    fn commit_of(&self, answer: &HeadObjectOutput) -> Result<CommitId, UploadError> {
        let asked = self.place.commit.as_ref();
        metadata::commit(answer.metadata())
            .filter(|commit| asked.is_none_or(|asked| asked == commit))
            .ok_or_else(|| UploadError::Foreign {
                bucket: self.place.bucket.clone(),
                key: self.place.key.clone(),
            })
    }

    /// Objects that were written while versioning was off, or suspended, have the version "null".
    pub fn version(&self, version: Option<&str>) -> Result<String, UploadError> {
        match version {
            Some(version) if !matches!(version, "" | "null") => Ok(version.to_owned()),
            _ => Err(UploadError::Unversioned {
                bucket: self.place.bucket.clone(),
            }),
        }
    }

    /// What an error of the last request means; an upload in parts that is gone has met another.
    pub fn not_sent<E>(&self, error: SdkError<E>) -> Result<Sent, UploadError>
    where
        E: aws_sdk_s3::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match status_of(&error) {
            Some(412) => Ok(Sent::Occupied),
            Some(409) => Ok(Sent::Conflict),
            _ if error.code() == Some("NoSuchUpload") => Ok(Sent::Conflict),
            _ => Err(Failure::of(self.call("s3:PutObject"), error).into()),
        }
    }
}
