//! What the road needs of the world outside. Tests put another world below it, in which every call
//! may be the last one before a crash.

use std::time::Duration;

use chela_contract::{BuildId, CommitId, Micros};
use chela_receiver::{Origin, Strangers};
use url::Url;

use super::texts;
use crate::engine::{EngineFailure, Prepared, Stopped};
use crate::entry::Queued;
use crate::failure::Failure;
use crate::ledger::{Claimed, HeadKey};
use crate::message::Message;
use crate::objects::{Tag, Written};
use crate::record::{Execution, Head, Open, Record, Stored, Target};

/// What a job is by the settings of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// What runs it.
    pub target: Target,
    /// What runs it if it is a stranger's code.
    pub for_strangers: Target,
    /// What becomes of strangers' requests.
    pub strangers: Strangers,
}

impl Assigned {
    /// What runs this code.
    pub fn of(&self, origin: Origin) -> &Target {
        match origin {
            Origin::Committer => &self.target,
            Origin::Stranger => &self.for_strangers,
        }
    }
}

/// A source that lies where the engine finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// What it is.
    pub commit: CommitId,
    /// Where it lies; `None` for an engine that needs none.
    pub stored: Option<Stored>,
}

/// Why a step was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It may pass.
    Later(Wait),
    /// It will not, for this reason.
    Never(String),
    /// The queues themselves do not work: nothing can be put back or told.
    Mute(String),
}

/// For what a build waits that could not be started, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// For room.
    Capacity(String),
    /// For its source.
    Source(String),
    /// For something else.
    Service(String),
}

impl Wait {
    /// What the flag says meanwhile.
    pub fn text(&self) -> String {
        match self {
            Self::Capacity(why) => texts::capacity(why),
            Self::Source(why) => chela_receiver::texts::postponed(why),
            Self::Service(why) => texts::waits(why),
        }
    }

    /// Why.
    pub fn why(&self) -> &str {
        let (Self::Capacity(why) | Self::Source(why) | Self::Service(why)) = self;
        why
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        let why = failure.to_string();
        if failure.may_pass() {
            Self::Later(Wait::Service(why))
        } else {
            Self::Never(why)
        }
    }
}

impl From<EngineFailure> for Trouble {
    fn from(failure: EngineFailure) -> Self {
        match failure {
            EngineFailure::Capacity(why) => Self::Later(Wait::Capacity(why)),
            EngineFailure::Passing(failure) => failure.into(),
            EngineFailure::Never(why) => Self::Never(why),
        }
    }
}

/// The world outside.
pub trait World {
    /// The time.
    fn now(&self) -> Micros;
    /// What a job is by the settings, or why it is none any more for whoever asked.
    async fn job(&self, queued: &Queued) -> Result<Result<Assigned, String>, Wait>;
    /// Where people look before there is anything to see of a build itself.
    fn page(&self, target: &Target) -> Url;

    /// [`crate::Ledger::claim`]
    async fn claim(&self, record: &Record) -> Result<Claimed, Failure>;
    /// [`crate::Ledger::record`]
    async fn record(&self, id: BuildId) -> Result<Option<(Record, Tag)>, Failure>;
    /// [`crate::Ledger::update`]
    async fn update(&self, record: &Record, tag: &Tag) -> Result<Written, Failure>;
    /// [`crate::Ledger::open`]
    async fn open(&self, id: BuildId) -> Result<Option<Open>, Failure>;
    /// [`crate::Ledger::open_new`]
    async fn open_new(&self, id: BuildId) -> Result<(), Failure>;
    /// [`crate::Ledger::link`]
    async fn link(&self, target: &Target, execution: &str, build: BuildId) -> Result<(), Failure>;
    /// [`crate::Ledger::head`]
    async fn head(&self, key: &HeadKey) -> Result<Option<(Head, Tag)>, Failure>;
    /// [`crate::Ledger::head_put`]
    async fn head_put(
        &self,
        key: &HeadKey,
        head: &Head,
        tag: Option<&Tag>,
    ) -> Result<Written, Failure>;

    /// What the engine must tell before the source can be stored.
    async fn prepare(&self, record: &Record) -> Result<Prepared, EngineFailure>;
    /// Brings the source of a build to where its engine looks.
    async fn bring(&self, record: &Record, prepared: &Prepared) -> Result<Brought, Trouble>;
    /// Starts it.
    async fn start(&self, record: &Record, prepared: &Prepared)
    -> Result<Execution, EngineFailure>;
    /// Looks for what was started.
    async fn find(
        &self,
        record: &Record,
        prepared: &Prepared,
    ) -> Result<Option<Execution>, EngineFailure>;
    /// Stops it.
    async fn stop(&self, record: &Record) -> Result<Stopped, EngineFailure>;

    /// Puts a message into the queue `reports`.
    async fn tell(&self, message: &Message, delay: Duration) -> Result<(), Failure>;
    /// Puts a request into its queue again.
    async fn again(&self, queued: &Queued, delay: Duration) -> Result<(), Failure>;
}
