//! The ledger: what is known of every build, in a bucket of its own.

use aws_sdk_s3::Client;
use chela_contract::{BuildId, Micros};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::{Call, Failure};
use crate::objects::{Condition, Objects, Removed, Tag, Written, unreadable};
use crate::record::{Head, Open, Record, Service, Target};

mod keys;

pub use keys::HeadKey;

/// How often a claim is tried that meets a record which is gone again.
const TRIES: u32 = 3;

/// The ledger.
#[derive(Clone, Debug)]
pub struct Ledger {
    objects: Objects,
}

/// Who has a build.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of it in an invocation, and it is taken apart at once"
)]
pub enum Claimed {
    /// Whoever asked: the record is written.
    New(Tag),
    /// Somebody had it before: what is there.
    Before(Record, Tag),
}

impl Ledger {
    /// The ledger in `bucket`.
    #[must_use]
    pub fn new(s3: Client, bucket: String) -> Self {
        Self {
            objects: Objects::new(s3, bucket),
        }
    }

    /// Writes the record of a build, or tells what is there already.
    pub async fn claim(&self, record: &Record) -> Result<Claimed, Failure> {
        let key = keys::build(record.id());
        for _ in 0..TRIES {
            if let Written::Done(tag) = self.put(&key, record, Condition::New).await? {
                return Ok(Claimed::New(tag));
            }
            if let Some((before, tag)) = self.get(&key).await? {
                return Ok(Claimed::Before(before, tag));
            }
        }
        Err(Failure::Passing {
            call: self.objects.call("s3:PutObject", &key),
            why: "the record appears and vanishes".to_owned(),
        })
    }

    /// The record of a build.
    pub async fn record(&self, id: BuildId) -> Result<Option<(Record, Tag)>, Failure> {
        self.get(&keys::build(id)).await
    }

    /// Writes the record over the one that was seen.
    pub async fn update(&self, record: &Record, tag: &Tag) -> Result<Written, Failure> {
        let key = keys::build(record.id());
        self.put(&key, record, Condition::Still(tag)).await
    }

    /// Whether a build is open, and what is known of that.
    pub async fn open(&self, id: BuildId) -> Result<Option<(Open, Tag)>, Failure> {
        self.get(&keys::open(id)).await
    }

    /// Opens a build; one that is open already stays as it is.
    pub async fn open_new(&self, id: BuildId) -> Result<(), Failure> {
        self.open_put(id, &Open::default(), None).await.map(drop)
    }

    /// Writes over what was seen, or a new one.
    pub async fn open_put(
        &self,
        id: BuildId,
        open: &Open,
        tag: Option<&Tag>,
    ) -> Result<Written, Failure> {
        self.put(&keys::open(id), open, condition(tag)).await
    }

    /// Closes a build, unless somebody has written since that was seen: it may have been opened
    /// again.
    pub async fn close(&self, id: BuildId, tag: &Tag) -> Result<Removed, Failure> {
        self.objects.remove(&keys::open(id), tag).await
    }

    /// A page of the open builds with the time of their last write, and where the next begins.
    pub async fn opened(
        &self,
        after: Option<String>,
    ) -> Result<(Vec<(BuildId, Micros)>, Option<String>), Failure> {
        let (page, next) = self.objects.list(keys::OPEN, after).await?;
        let builds = page
            .iter()
            .filter_map(|found| Some((keys::opened(&found.key)?, found.written)))
            .collect();
        Ok((builds, next))
    }

    /// Remembers which build an execution belongs to.
    pub async fn link(
        &self,
        target: &Target,
        execution: &str,
        build: BuildId,
    ) -> Result<(), Failure> {
        let key = keys::execution(target.service, execution);
        let body = build.to_string();
        // One that is there was written by whoever started the same execution: the same build.
        self.objects
            .put(&key, body.as_bytes(), Condition::New)
            .await
            .map(drop)
    }

    /// The build that an execution belongs to.
    pub async fn build_of(
        &self,
        service: Service,
        execution: &str,
    ) -> Result<Option<BuildId>, Failure> {
        let key = keys::execution(service, execution);
        let Some((body, _)) = self.objects.get(&key).await? else {
            return Ok(None);
        };
        match std::str::from_utf8(&body)
            .ok()
            .and_then(|id| id.trim().parse().ok())
        {
            Some(id) => Ok(Some(id)),
            None => Err(unreadable(self.reading(&key), "it is no build's name")),
        }
    }

    /// The greatest build of a pull request and job.
    pub async fn head(&self, key: &HeadKey) -> Result<Option<(Head, Tag)>, Failure> {
        self.get(key.as_str()).await
    }

    /// Writes over the head that was seen, or a new one.
    pub async fn head_put(
        &self,
        key: &HeadKey,
        head: &Head,
        tag: Option<&Tag>,
    ) -> Result<Written, Failure> {
        self.put(key.as_str(), head, condition(tag)).await
    }

    async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<(T, Tag)>, Failure> {
        let Some((body, tag)) = self.objects.get(key).await? else {
            return Ok(None);
        };
        match serde_json::from_slice(&body) {
            Ok(value) => Ok(Some((value, tag))),
            Err(error) => Err(unreadable(self.reading(key), error.to_string())),
        }
    }

    async fn put<T: Serialize>(
        &self,
        key: &str,
        value: &T,
        condition: Condition<'_>,
    ) -> Result<Written, Failure> {
        let body = serde_json::to_vec(value).expect("no key of a record is anything but text");
        self.objects.put(key, &body, condition).await
    }

    fn reading(&self, key: &str) -> Call {
        self.objects.call("s3:GetObject", key)
    }
}

fn condition(tag: Option<&Tag>) -> Condition<'_> {
    tag.map_or(Condition::New, Condition::Still)
}

#[cfg(test)]
mod tests;
