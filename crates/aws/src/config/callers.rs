//! The map of callers as it is now: an operator who changes the object in S3 need not deploy.

use std::{sync::Arc, time::Duration};

use aws_sdk_s3::{Client, operation::get_object::GetObjectOutput};
use chela_contract::Micros;
use tokio::sync::Mutex;

use super::{flaw::BadConfig, map::Map, trigger::MapPlace};
use crate::failure::{Call, Failure, status_of};

/// A map that was read is used for so long. Seconds.
const FRESH: i64 = 60;
/// The forge waits 15 s for its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than any map. Bytes.
const MAX_BYTES: i64 = 1024 * 1024;

/// The map of callers, wherever it is.
pub struct Callers(Place);

enum Place {
    Here(Arc<Map>),
    Object(Object),
}

struct Object {
    s3: Client,
    bucket: String,
    key: String,
    seen: Mutex<Option<Seen>>,
}

/// What was read last.
#[derive(Clone)]
struct Seen {
    map: Arc<Map>,
    etag: Option<String>,
    at: Micros,
}

/// Why there is no map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// S3 does not give it.
    #[error("{place} (CHELA_CONFIG) cannot be read: {failure}")]
    Failed {
        /// `s3://bucket/key`
        place: String,
        /// Why.
        failure: Failure,
    },
    /// It takes too long.
    #[error("{place} (CHELA_CONFIG) did not come within 5 seconds; try again later")]
    Slow {
        /// `s3://bucket/key`
        place: String,
    },
    /// It is no text, or more than one needs.
    #[error("{place} (CHELA_CONFIG) is no text in UTF-8 of at most 1 MiB; put the map there")]
    NoText {
        /// `s3://bucket/key`
        place: String,
    },
    /// It is no map.
    #[error("{place} (CHELA_CONFIG): {bad}")]
    Bad {
        /// `s3://bucket/key`
        place: String,
        /// What is wrong with it.
        bad: BadConfig,
    },
}

impl Callers {
    /// The map in this place.
    #[must_use]
    pub fn new(place: MapPlace, s3: Client) -> Self {
        Self(match place {
            MapPlace::Here(map) => Place::Here(Arc::new(map)),
            MapPlace::Object { bucket, key } => Place::Object(Object {
                s3,
                bucket,
                key,
                seen: Mutex::new(None),
            }),
        })
    }

    /// The map. One that cannot be read any more leaves the one of before in force.
    pub async fn map(&self, now: Micros) -> Result<Arc<Map>, Unreadable> {
        match &self.0 {
            Place::Here(map) => Ok(Arc::clone(map)),
            Place::Object(object) => object.map(now).await,
        }
    }
}

impl Object {
    async fn map(&self, now: Micros) -> Result<Arc<Map>, Unreadable> {
        let mut seen = self.seen.lock().await;
        if let Some(fresh) = seen.as_ref().filter(|seen| seen.is_fresh(now)) {
            return Ok(Arc::clone(&fresh.map));
        }
        let renewed = match (self.renewed(seen.as_ref(), now).await, seen.as_ref()) {
            (Ok(renewed), _) => renewed,
            (Err(why), Some(before)) => {
                tracing::error!(%why, "the map of callers is used as it was before");
                before.still(now)
            }
            (Err(why), None) => return Err(why),
        };
        let map = Arc::clone(&renewed.map);
        *seen = Some(renewed);
        Ok(map)
    }

    async fn renewed(&self, before: Option<&Seen>, now: Micros) -> Result<Seen, Unreadable> {
        let read = tokio::time::timeout(PATIENCE, self.read(before, now)).await;
        let place = self.place();
        read.unwrap_or(Err(Unreadable::Slow { place }))
    }

    async fn read(&self, before: Option<&Seen>, now: Micros) -> Result<Seen, Unreadable> {
        let request = self
            .s3
            .get_object()
            .bucket(&self.bucket)
            .key(&self.key)
            .set_if_none_match(before.and_then(|seen| seen.etag.clone()));
        match (request.send().await, before) {
            (Ok(answer), _) => self.whole(answer, now).await,
            (Err(error), Some(before)) if status_of(&error) == Some(304) => Ok(before.still(now)),
            (Err(error), _) => Err(self.failed(Failure::of(self.call(), error))),
        }
    }

    async fn whole(&self, answer: GetObjectOutput, now: Micros) -> Result<Seen, Unreadable> {
        let place = || self.place();
        let no_text = || Unreadable::NoText { place: place() };
        let etag = answer.e_tag().map(str::to_owned);
        if answer
            .content_length()
            .is_some_and(|length| length > MAX_BYTES)
        {
            return Err(no_text());
        }
        let body = answer.body.collect().await.map_err(|error| {
            let why = format!("the answer broke off: {error}");
            let call = self.call();
            self.failed(Failure::Passing { call, why })
        })?;
        let text = String::from_utf8(body.to_vec()).map_err(|_| no_text())?;
        let map = Map::parse(&text).map_err(|bad| Unreadable::Bad {
            place: place(),
            bad,
        })?;
        let map = Arc::new(map);
        Ok(Seen { map, etag, at: now })
    }

    fn failed(&self, failure: Failure) -> Unreadable {
        let place = self.place();
        Unreadable::Failed { place, failure }
    }

    fn call(&self) -> Call {
        Call::new("s3:GetObject", format!("{}/{}", self.bucket, self.key))
    }

    fn place(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

impl Seen {
    /// The same, as of `now`.
    fn still(&self, now: Micros) -> Self {
        Self {
            at: now,
            ..self.clone()
        }
    }

    /// A clock that was set back makes nothing fresh.
    fn is_fresh(&self, now: Micros) -> bool {
        now >= self.at && now < self.at.plus_seconds(FRESH)
    }
}

#[cfg(test)]
mod tests;
