//! The world as it is: the ledger, the queues and the engines on AWS, and git.

use std::path::PathBuf;
use std::time::Duration;

use chela_contract::{BuildId, Micros};
use chela_source::{Fetcher, Limits};
use url::Url;

use super::source::{Shelf, TimeLimit, trouble};
use super::texts;
use super::world::{Assigned, Brought, Trouble, Wait, World};
use crate::clock;
use crate::config::Callers;
use crate::engine::{EngineFailure, Engines, Prepared, Stopped};
use crate::entry::Queued;
use crate::failure::Failure;
use crate::ledger::{Claimed, HeadKey, Ledger};
use crate::links;
use crate::message::Message;
use crate::objects::{Tag, Written};
use crate::queue::Queue;
use crate::record::{Execution, Head, Open, Record, Stored, Target};
use crate::upload::{Place, upload};

/// What lives as long as the process.
pub struct Tools {
    /// The ledger.
    pub ledger: Ledger,
    /// The engines.
    pub engines: Engines,
    /// The queue of requests.
    pub requests: Queue,
    /// The queue of reports.
    pub reports: Queue,
    /// Where sources are put.
    pub s3: aws_sdk_s3::Client,
    /// Where there.
    pub shelf: Shelf,
    /// Git, through the egress guard.
    pub fetcher: Fetcher,
    /// What a repository may cost.
    pub limits: Limits,
    /// Where a fetch works.
    pub scratch: PathBuf,
    /// The region whose console the links lead to.
    pub region: String,
}

/// The world during one invocation.
pub struct Outside<'a> {
    /// What there is.
    pub tools: &'a Tools,
    /// The map of callers.
    pub callers: &'a Callers,
    /// When Lambda ends the process.
    pub deadline: Micros,
}

impl World for Outside<'_> {
    fn now(&self) -> Micros {
        clock::now()
    }

    fn page(&self, target: &Target) -> Url {
        links::project_page(&self.tools.region, target)
    }

    async fn job(&self, queued: &Queued) -> Result<Result<Assigned, String>, Wait> {
        // An operator who has broken the map can mend it: that ends nobody's build.
        let map = self.callers.map(self.now()).await;
        let map = map.map_err(|why| Wait::Service(why.to_string()))?;
        let request = &queued.request;
        let project = &request.project.fullname;
        // Who was taken off the map after the request was accepted gets nothing started any more.
        // The refusal names the caller, and everybody reads the flag.
        let Ok(jobs) = map.project(&queued.caller, project) else {
            return Ok(Err(texts::no_project(project)));
        };
        let assigned = jobs.job(project, &request.job).map(|job| Assigned {
            target: job.target.clone(),
            for_strangers: job.untrusted.as_ref().unwrap_or(&job.target).clone(),
            strangers: jobs.strangers,
        });
        Ok(assigned.map_err(|refusal| refusal.to_string()))
    }

    async fn claim(&self, record: &Record) -> Result<Claimed, Failure> {
        self.tools.ledger.claim(record).await
    }

    async fn record(&self, id: BuildId) -> Result<Option<(Record, Tag)>, Failure> {
        self.tools.ledger.record(id).await
    }

    async fn update(&self, record: &Record, tag: &Tag) -> Result<Written, Failure> {
        self.tools.ledger.update(record, tag).await
    }

    async fn open(&self, id: BuildId) -> Result<Option<Open>, Failure> {
        let open = self.tools.ledger.open(id).await?;
        Ok(open.map(|(open, _)| open))
    }

    async fn open_new(&self, id: BuildId) -> Result<(), Failure> {
        self.tools.ledger.open_new(id).await
    }

    async fn link(&self, target: &Target, execution: &str, build: BuildId) -> Result<(), Failure> {
        self.tools.ledger.link(target, execution, build).await
    }

    async fn head(&self, key: &HeadKey) -> Result<Option<(Head, Tag)>, Failure> {
        self.tools.ledger.head(key).await
    }

    async fn head_put(
        &self,
        key: &HeadKey,
        head: &Head,
        tag: Option<&Tag>,
    ) -> Result<Written, Failure> {
        self.tools.ledger.head_put(key, head, tag).await
    }

    async fn prepare(&self, record: &Record) -> Result<Prepared, EngineFailure> {
        self.tools.engines.prepare(record).await
    }

    async fn bring(&self, record: &Record, prepared: &Prepared) -> Result<Brought, Trouble> {
        if let Some(place) = self.tools.shelf.place(record, prepared) {
            return self.store(record, place).await;
        }
        let commit = record.request.source.commit.clone();
        Ok(Brought {
            commit: commit.ok_or_else(|| Trouble::Never(texts::NO_COMMIT.to_owned()))?,
            stored: None,
        })
    }

    async fn start(
        &self,
        record: &Record,
        prepared: &Prepared,
    ) -> Result<Execution, EngineFailure> {
        self.tools.engines.start(record, prepared).await
    }

    async fn find(
        &self,
        record: &Record,
        prepared: &Prepared,
    ) -> Result<Option<Execution>, EngineFailure> {
        self.tools.engines.find(record, prepared).await
    }

    async fn stop(&self, record: &Record) -> Result<Stopped, EngineFailure> {
        self.tools.engines.stop(record).await
    }

    async fn tell(&self, message: &Message, delay: Duration) -> Result<(), Failure> {
        let body = serde_json::to_string(message).expect("a message holds text only");
        self.tools.reports.send(&body, delay).await
    }

    async fn again(&self, queued: &Queued, delay: Duration) -> Result<(), Failure> {
        let body = serde_json::to_string(queued).expect("a request holds text and numbers only");
        self.tools.requests.send(&body, delay).await
    }
}

impl Outside<'_> {
    async fn store(&self, record: &Record, place: Place) -> Result<Brought, Trouble> {
        let tools = self.tools;
        let limit = TimeLimit::at(self.now(), self.deadline, &tools.limits);
        let (fetcher, limits) = (tools.fetcher.clone(), tools.limits.clone());
        let (source, scratch) = (record.request.source.clone(), tools.scratch.clone());
        let deadline = self.deadline;
        let uploaded = upload(tools.s3.clone(), &place, move |parts| {
            // It may begin a second time.
            let time = TimeLimit::at(clock::now(), deadline, &limits).time();
            let fetcher = fetcher.clone().within(time);
            fetcher.zip(&source, &scratch, |commit| parts.begin(commit))
        });
        let uploaded = uploaded.await.map_err(|error| trouble(error, limit))?;
        tracing::info!(
            bucket = place.bucket,
            key = place.key,
            version = uploaded.version,
            notes = ?uploaded.notes,
            "stored"
        );
        Ok(Brought {
            commit: uploaded.commit,
            stored: Some(Stored {
                bucket: place.bucket,
                key: place.key,
                version: uploaded.version,
                notes: uploaded.notes,
            }),
        })
    }
}
