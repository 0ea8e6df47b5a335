//! A world in memory, with the conditions of S3 and the tokens of the engines, in which every call
//! may be the last one before a crash.
//!
//! Each call waits once before it takes effect: whoever polls a visit decides with each poll who
//! goes on, and where a process ends. Between its effect and the next call nothing is done that
//! anybody else could see.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use chela_contract::{BuildId, BuildRequest, Micros};
use chela_receiver::Strangers;
use url::Url;

use super::testing::at;
use super::world::{Assigned, Brought, Trouble, Wait, World};
use crate::engine::{EngineFailure, Prepared, Stopped};
use crate::entry::Queued;
use crate::failure::{Call, Failure};
use crate::ledger::{Claimed, HeadKey};
use crate::message::Message;
use crate::objects::{Tag, Written};
use crate::record::{Execution, Head, Open, Record, Service, Stored, Target};

/// The world.
pub(crate) struct Fake {
    pub records: RefCell<BTreeMap<BuildId, Versioned<Record>>>,
    pub open: RefCell<BTreeMap<BuildId, Open>>,
    pub links: RefCell<BTreeMap<String, BuildId>>,
    pub heads: RefCell<HashMap<HeadKey, Versioned<Head>>>,
    pub runs: RefCell<BTreeMap<String, Run>>,
    /// What the engine answers to a token that it knows.
    pub tokens: RefCell<BTreeMap<BuildId, (String, Record)>>,
    pub objects: RefCell<BTreeMap<BuildId, String>>,
    pub reports: RefCell<Vec<Message>>,
    pub requests: RefCell<Vec<(Queued, Duration)>>,
    pub assigned: RefCell<Result<Assigned, String>>,
    pub prepared: RefCell<Prepared>,
    /// How many more starts find no room.
    pub full: Cell<u32>,
    pub clock: Cell<i64>,
    pub calls: RefCell<Vec<&'static str>>,
    pub faults: RefCell<Vec<Fault>>,
}

/// What lies in S3.
#[derive(Clone, Debug)]
pub(crate) struct Versioned<T> {
    pub value: T,
    version: u64,
}

/// What an engine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub build: BuildId,
    pub target: Target,
    pub state: RunState,
    at: Micros,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunState {
    Runs,
    Stopped,
    Succeeded,
}

/// A call that fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    /// Which one, counted from the beginning.
    pub call: usize,
    pub effect: Effect,
    pub kind: Kind,
}

/// Whether a call that fails has its effect all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    None,
    Hidden,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Passing,
    Denied,
}

impl Fake {
    pub fn new() -> Self {
        let target = |name: &str| Target {
            service: Service::CodeBuild,
            name: name.to_owned(),
        };
        Self {
            records: RefCell::default(),
            open: RefCell::default(),
            links: RefCell::default(),
            heads: RefCell::default(),
            runs: RefCell::default(),
            tokens: RefCell::default(),
            objects: RefCell::default(),
            reports: RefCell::default(),
            requests: RefCell::default(),
            assigned: RefCell::new(Ok(Assigned {
                target: target("hello"),
                for_strangers: target("hello-untrusted"),
                strangers: Strangers::Hold,
            })),
            prepared: RefCell::new(Prepared::CodeBuild {
                takes_source: true,
                public: None,
            }),
            full: Cell::new(0),
            clock: Cell::new(at(1000).get()),
            calls: RefCell::default(),
            faults: RefCell::default(),
        }
    }

    /// Time passes; the engines remember a token for five minutes.
    pub fn pass(&self, seconds: i64) {
        self.clock.set(self.clock.get() + seconds * 1_000_000);
        if seconds >= 300 {
            self.tokens.borrow_mut().clear();
        }
    }

    async fn call<T>(
        &self,
        action: &'static str,
        effect: impl FnOnce() -> T,
    ) -> Result<T, Failure> {
        once().await;
        let number = self.calls.borrow().len();
        self.calls.borrow_mut().push(action);
        let faults = self.faults.borrow().clone();
        let fault = faults.iter().find(|fault| fault.call == number);
        if let Some(fault) = fault.filter(|fault| fault.effect == Effect::None) {
            return Err(failure(action, fault.kind));
        }
        let done = effect();
        fault.map_or(Ok(done), |fault| Err(failure(action, fault.kind)))
    }

    fn begin(&self, record: &Record) -> Result<Execution, EngineFailure> {
        let id = record.id();
        if let Some((run, with)) = self.tokens.borrow().get(&id) {
            assert_eq!(
                (&with.stored, &with.target, &with.commit),
                (&record.stored, &record.target, &record.commit),
                "the same token with other parameters"
            );
            return Ok(self.execution(run));
        }
        if self.full.get() > 0 {
            self.full.set(self.full.get() - 1);
            return Err(EngineFailure::Capacity("no place is free".to_owned()));
        }
        let name = format!("{}:{}", record.target.name, self.runs.borrow().len());
        let run = Run {
            build: id,
            target: record.target.clone(),
            state: RunState::Runs,
            at: self.now(),
        };
        self.runs.borrow_mut().insert(name.clone(), run);
        let kept = (name.clone(), record.clone());
        self.tokens.borrow_mut().insert(id, kept);
        Ok(self.execution(&name))
    }

    fn execution(&self, run: &str) -> Execution {
        Execution {
            id: run.to_owned(),
            link: page(&format!("runs/{run}")),
            at: self.runs.borrow()[run].at,
        }
    }
}

fn failure(action: &'static str, kind: Kind) -> Failure {
    let call = Call::new(action, "something");
    let why = "a test says so".to_owned();
    match kind {
        Kind::Passing => Failure::Passing { call, why },
        Kind::Denied => Failure::Denied { call, why },
    }
}

/// Waits until somebody polls again.
async fn once() {
    let mut waited = false;
    poll_fn(move |_| {
        if std::mem::replace(&mut waited, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

fn page(path: &str) -> Url {
    let text = format!("https://console.example.org/{path}");
    text.parse().expect("an address")
}

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

    async fn job(&self, _: &BuildRequest) -> Result<Result<Assigned, String>, Wait> {
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
