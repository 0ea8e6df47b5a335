//! The calls of the fake world.

use std::time::Duration;

use chela_contract::{BuildId, Micros};
use url::Url;

use super::{Fake, RunState, Versioned, page};
use crate::engine::{EngineFailure, Prepared, Stopped};
use crate::entry::Queued;
use crate::failure::Failure;
use crate::ledger::{Claimed, HeadKey};
use crate::message::Message;
use crate::objects::{Tag, Written};
use crate::record::{Execution, Head, Open, Record, Stored, Target};
use crate::trigger::world::{Assigned, Brought, Trouble, Wait, World};

fn tag(version: u64) -> Tag {
    Tag::new(version.to_string())
}

enum Put<T> {
    New(Versioned<T>),
    Over(Tag),
    Changed,
}

/// `If-None-Match` without a tag, `If-Match` with one.
fn put<T: Clone>(there: Option<&mut Versioned<T>>, value: &T, seen: Option<&Tag>) -> Put<T> {
    match (there, seen) {
        (None, None) => Put::New(Versioned {
            value: value.clone(),
            version: 1,
        }),
        (Some(there), Some(seen)) if tag(there.version) == *seen => {
            there.version += 1;
            there.value = value.clone();
            Put::Over(tag(there.version))
        }
        _ => Put::Changed,
    }
}

impl World for Fake {
    fn now(&self) -> Micros {
        self.clock.set(self.clock.get() + 1);
        Micros::new(self.clock.get())
    }

    fn page(&self, target: &Target) -> Url {
        page(&target.name)
    }

    async fn job(&self, _: &Queued) -> Result<Result<Assigned, String>, Wait> {
        let assigned = self.call("job", || self.assigned.borrow().clone()).await;
        assigned.map_err(|failure| Wait::Service(failure.to_string()))
    }

    async fn claim(&self, record: &Record) -> Result<Claimed, Failure> {
        let claim = || {
            let mut records = self.records.borrow_mut();
            if let Some(before) = records.get(&record.id()) {
                return Claimed::Before(before.value.clone(), tag(before.version));
            }
            let value = record.clone();
            records.insert(record.id(), Versioned { value, version: 1 });
            Claimed::New(tag(1))
        };
        self.call("claim", claim).await
    }

    async fn record(&self, id: BuildId) -> Result<Option<(Record, Tag)>, Failure> {
        let read = || {
            let records = self.records.borrow();
            let there = records.get(&id)?;
            Some((there.value.clone(), tag(there.version)))
        };
        self.call("record", read).await
    }

    async fn update(&self, record: &Record, seen: &Tag) -> Result<Written, Failure> {
        let write = || {
            let mut records = self.records.borrow_mut();
            match put(records.get_mut(&record.id()), record, Some(seen)) {
                Put::Over(tag) => Written::Done(tag),
                Put::New(_) | Put::Changed => Written::Changed,
            }
        };
        self.call("update", write).await
    }

    async fn open(&self, id: BuildId) -> Result<Option<Open>, Failure> {
        let read = || self.open.borrow().get(&id).cloned();
        self.call("open", read).await
    }

    async fn open_new(&self, id: BuildId) -> Result<(), Failure> {
        let write = || {
            self.open.borrow_mut().entry(id).or_default();
        };
        self.call("open_new", write).await
    }

    async fn link(&self, _: &Target, execution: &str, build: BuildId) -> Result<(), Failure> {
        let write = || {
            let before = self.links.borrow_mut().insert(execution.to_owned(), build);
            assert!(
                before.is_none_or(|before| before == build),
                "linked to two builds"
            );
        };
        self.call("link", write).await
    }

    async fn head(&self, key: &HeadKey) -> Result<Option<(Head, Tag)>, Failure> {
        let read = || {
            let heads = self.heads.borrow();
            let there = heads.get(key)?;
            Some((there.value.clone(), tag(there.version)))
        };
        self.call("head", read).await
    }

    async fn head_put(
        &self,
        key: &HeadKey,
        head: &Head,
        seen: Option<&Tag>,
    ) -> Result<Written, Failure> {
        let write = || {
            if self.contended.get() > 0 {
                self.contended.set(self.contended.get() - 1);
                return Written::Changed;
            }
            let mut heads = self.heads.borrow_mut();
            match put(heads.get_mut(key), head, seen) {
                Put::New(new) => {
                    heads.insert(key.clone(), new);
                    Written::Done(tag(1))
                }
                Put::Over(tag) => Written::Done(tag),
                Put::Changed => Written::Changed,
            }
        };
        self.call("head_put", write).await
    }

    async fn prepare(&self, _: &Record) -> Result<Prepared, EngineFailure> {
        let read = || self.prepared.borrow().clone();
        Ok(self.call("prepare", read).await?)
    }

    async fn bring(&self, record: &Record, _: &Prepared) -> Result<Brought, Trouble> {
        let store = || {
            let mut objects = self.objects.borrow_mut();
            let next = format!("version {}", objects.len());
            objects.entry(record.id()).or_insert(next).clone()
        };
        let version = self.call("bring", store).await?;
        let commit = record.request.source.commit.clone();
        Ok(Brought {
            commit: commit.expect("a test's commit"),
            stored: Some(Stored {
                bucket: "sources".to_owned(),
                key: format!("{}.zip", record.id()),
                version,
                notes: Vec::new(),
            }),
        })
    }

    async fn start(&self, record: &Record, _: &Prepared) -> Result<Execution, EngineFailure> {
        self.call("start", || self.begin(record)).await?
    }

    async fn find(
        &self,
        record: &Record,
        _: &Prepared,
    ) -> Result<Option<Execution>, EngineFailure> {
        let look = || {
            let runs = self.runs.borrow();
            let ours = runs.iter().find(|(_, run)| run.build == record.id());
            ours.map(|(id, _)| id.clone())
        };
        let found = self.call("find", look).await?;
        Ok(found.map(|id| self.execution(&id)))
    }

    async fn stop(&self, record: &Record) -> Result<Stopped, EngineFailure> {
        let stop = || {
            let id = record.execution.as_ref().map(|execution| &execution.id);
            let mut runs = self.runs.borrow_mut();
            match id.and_then(|id| runs.get_mut(id)) {
                Some(run) if run.state == RunState::Runs => {
                    run.state = RunState::Stopped;
                    Stopped::Stopping
                }
                _ => Stopped::WasOver,
            }
        };
        Ok(self.call("stop", stop).await?)
    }

    async fn tell(&self, message: &Message, _: Duration) -> Result<(), Failure> {
        let send = || self.reports.borrow_mut().push(message.clone());
        self.call("tell", send).await
    }

    async fn again(&self, queued: &Queued, delay: Duration) -> Result<(), Failure> {
        let send = || self.requests.borrow_mut().push((queued.clone(), delay));
        self.call("again", send).await
    }
}
