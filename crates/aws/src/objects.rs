//! Small objects in one bucket, written on conditions.

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::primitives::ByteStream;
use chela_contract::Micros;

use crate::failure::{Call, Failure, status_of};
use crate::jitter;

/// More than any of ours. Bytes.
const MAX_BYTES: i64 = 1024 * 1024;
/// How often a write is tried that met another one.
const TRIES: u32 = 5;

/// Which state of an object somebody has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(String);

impl Tag {
    /// An `ETag`, as S3 spells it.
    pub fn new(etag: impl Into<String>) -> Self {
        Self(etag.into())
    }
}

/// What became of a write on a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is there now.
    Done(Tag),
    /// Somebody else has written meanwhile: read again.
    Changed,
}

/// What became of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It is gone.
    Gone,
    /// Somebody else has written meanwhile: read again.
    Changed,
}

/// One bucket.
#[derive(Clone, Debug)]
pub struct Objects {
    s3: Client,
    bucket: String,
}

/// What a write asks for.
#[derive(Clone, Copy, Debug)]
pub enum Condition<'a> {
    /// There is no such object.
    New,
    /// It is still the one that was seen.
    Still(&'a Tag),
}

/// An object that a listing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// When it was written last.
    pub written: Micros,
}

impl Objects {
    /// The objects of `bucket`.
    pub fn new(s3: Client, bucket: impl Into<String>) -> Self {
        Self {
            s3,
            bucket: bucket.into(),
        }
    }

    /// The object's content and its state; `None` if it is not there.
    pub async fn get(&self, key: &str) -> Result<Option<(Vec<u8>, Tag)>, Failure> {
        let call = self.call("s3:GetObject", key);
        let request = self.s3.get_object().bucket(&self.bucket).key(key);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(Failure::of(call, error)),
        };
        if answer.content_length().unwrap_or(0) > MAX_BYTES {
            return Err(unreadable(call, "it is larger than 1 MiB"));
        }
        let tag = tag(answer.e_tag());
        match answer.body.collect().await {
            Ok(body) => Ok(Some((body.to_vec(), tag))),
            Err(error) => Err(Failure::Passing {
                call,
                why: format!("the answer broke off: {error}"),
            }),
        }
    }

    /// Writes on a condition. What meets another write at the same time is tried again.
    pub async fn put(
        &self,
        key: &str,
        body: &[u8],
        condition: Condition<'_>,
    ) -> Result<Written, Failure> {
        let mut tries = 1;
        loop {
            match self.put_once(key, body, condition).await {
                Err(error) if is_conflict(&error) && tries < TRIES => {
                    tokio::time::sleep(jitter::pause(tries)).await;
                    tries += 1;
                }
                Err(error) if is_changed(&error) => return Ok(Written::Changed),
                Err(error) => return Err(Failure::of(self.call("s3:PutObject", key), error)),
                Ok(tag) => return Ok(Written::Done(tag)),
            }
        }
    }

    async fn put_once(
        &self,
        key: &str,
        body: &[u8],
        condition: Condition<'_>,
    ) -> Result<Tag, SdkError<PutObjectError>> {
        let request = self
            .s3
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .body(ByteStream::from(body.to_vec()));
        let request = match condition {
            Condition::New => request.if_none_match("*"),
            Condition::Still(Tag(tag)) => request.if_match(tag),
        };
        let answer = request.send().await?;
        Ok(tag(answer.e_tag()))
    }

    /// Removes an object if it is still the one that was seen; one that is gone already is fine.
    pub async fn remove(&self, key: &str, Tag(tag): &Tag) -> Result<Removed, Failure> {
        let mut tries = 1;
        loop {
            let request = self.s3.delete_object().bucket(&self.bucket).key(key);
            match request.if_match(tag).send().await {
                Err(error) if is_conflict(&error) && tries < TRIES => {
                    tokio::time::sleep(jitter::pause(tries)).await;
                    tries += 1;
                }
                Err(error) if status_of(&error) == Some(412) => return Ok(Removed::Changed),
                Err(error) if error.code() != Some("NoSuchKey") => {
                    return Err(Failure::of(self.call("s3:DeleteObject", key), error));
                }
                _ => return Ok(Removed::Gone),
            }
        }
    }

    /// One page of the objects under `prefix` whose keys come after `after`, and where the next
    /// page begins.
    pub async fn list(
        &self,
        prefix: &str,
        after: Option<String>,
    ) -> Result<(Vec<Listed>, Option<String>), Failure> {
        let request = self
            .s3
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(prefix)
            .set_start_after(after);
        let answer = request
            .send()
            .await
            .map_err(|error| Failure::of(Call::new("s3:ListBucket", &self.bucket), error))?;
        let page: Vec<Listed> = answer.contents().iter().filter_map(listed).collect();
        let more = answer.is_truncated() == Some(true);
        let next = page.last().filter(|_| more).map(|last| last.key.clone());
        Ok((page, next))
    }

    pub(crate) fn call(&self, action: &'static str, key: &str) -> Call {
        Call::new(action, format!("{}/{key}", self.bucket))
    }
}

/// What is there is none of ours.
pub(crate) fn unreadable(call: Call, why: impl Into<String>) -> Failure {
    Failure::Final {
        call,
        code: "Unreadable".to_owned(),
        why: why.into(),
    }
}

fn tag(etag: Option<&str>) -> Tag {
    Tag(etag.unwrap_or_default().to_owned())
}

fn listed(object: &aws_sdk_s3::types::Object) -> Option<Listed> {
    let nanos = object.last_modified()?.as_nanos();
    Some(Listed {
        key: object.key()?.to_owned(),
        written: Micros::new(i64::try_from(nanos / 1000).ok()?),
    })
}

/// Without the right to list the bucket, an absent key answers 403 as well; where S3 names the
/// right that is missing, only that one means it.
fn is_absent(error: &SdkError<GetObjectError>) -> bool {
    match (status_of(error), error.code()) {
        (_, Some("NoSuchKey")) => true,
        (Some(403), Some("AccessDenied")) => !error
            .message()
            .is_some_and(|said| said.contains("to perform: ") && !said.contains("s3:ListBucket")),
        _ => false,
    }
}

fn is_conflict<E>(error: &SdkError<E>) -> bool {
    status_of(error) == Some(409)
}

/// 404 is the answer to a write over an object that is gone.
fn is_changed(error: &SdkError<PutObjectError>) -> bool {
    status_of(error) == Some(412) || error.code() == Some("NoSuchKey")
}
