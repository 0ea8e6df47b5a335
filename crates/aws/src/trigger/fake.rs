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

use chela_contract::{BuildId, Micros};
use chela_receiver::Strangers;
use url::Url;

use super::testing::at;
use super::world::{Assigned, World as _};
use crate::engine::{EngineFailure, Prepared};
use crate::entry::Queued;
use crate::failure::{Call, Failure};
use crate::ledger::HeadKey;
use crate::message::Message;
use crate::record::{Execution, Head, Open, Record, Service, Target};

mod calls;

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
    /// How many more heads somebody else writes first.
    pub contended: Cell<u32>,
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
            contended: Cell::new(0),
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
