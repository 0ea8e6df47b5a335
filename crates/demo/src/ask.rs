//! Asks for builds as the plugin does: the request is made, signed and sent, the answer judged and
//! the flag set meanwhile, by the code that the plugin is made of.

use std::{sync::Arc, time::Duration};

use chela_contract::{BuildId, Job, Micros, Reason, Report, Shown, Status, webhook};
use chela_outbound::{
    Answer, Audience, Backoff, BadEntry, Destination, Failure, Message, NotBefore, Policy, Refused,
    Sender, Setting, USER_AGENT, Verdict,
};
use chela_pagure::{
    Captured, Delivery, DeliveryStep, Facts, InvalidTrigger, PullRequestFacts, Repository,
    SourceFacts, flag::Requester, texts,
};
use tokio::{task, time};
use url::Url;

use crate::{
    clock,
    forge::{Forge, PullRequest},
};

/// Why nothing can be asked for.
#[derive(Debug, thiserror::Error)]
pub enum Unaskable {
    /// The receiver's address.
    #[error("the receiver's address cannot be used: {}", .0.explain(Audience::Program))]
    Destination(#[from] Refused),
    /// The receiver's host.
    #[error("the receiver's address cannot be used: {}", .0.explain(Audience::Program))]
    Host(#[from] BadEntry),
    /// The sample's names.
    #[error("no request can be made of the pull request: {0}")]
    Trigger(#[from] InvalidTrigger),
    /// The thread that sends has died.
    #[error("a request could not be sent: {0}")]
    Thread(#[from] task::JoinError),
}

/// Sends requests to one receiver.
pub struct Asker {
    kit: Arc<Kit>,
    job: Job,
}

/// What every attempt needs.
struct Kit {
    sender: Sender,
    destination: Destination,
    policy: Policy,
    key: webhook::Key,
}

/// One request on its way.
struct Parcel<'a> {
    forge: &'a Forge,
    pull_request: &'a PullRequest,
    build: BuildId,
    page: Url,
}

impl Asker {
    /// Its guard lets pass the receiver's address, and nothing else that is not public.
    pub fn new(ci_url: &Url, job: Job, key: webhook::Key) -> Result<Self, Unaskable> {
        let host = ci_url.host_str().unwrap_or_default();
        let port = ci_url.port_or_known_default().unwrap_or_default();
        let policy = Policy::default()
            .with(Setting::AllowHttp, &format!("{host}:{port}"))?
            .with(Setting::AllowHosts, host)?;
        let destination = Destination::parse(ci_url.as_str(), None, None, &policy)?;
        let kit = Kit {
            sender: Sender::default(),
            destination,
            policy,
            key,
        };
        Ok(Self {
            kit: Arc::new(kit),
            job,
        })
    }

    /// Asks for the pull request's build until the receiver has it or refuses it for good.
    pub async fn deliver(&self, forge: &Forge, pr: &PullRequest) -> Result<(), Unaskable> {
        let at = clock();
        let wanted = facts(forge, &self.job, pr, at).wanted()?;
        let parcel = Parcel {
            forge,
            pull_request: pr,
            build: wanted.request.build_id,
            page: wanted.page,
        };
        let body = wanted.request.to_body();
        parcel.step(&DeliveryStep::Begin, texts::WAITING);
        for attempts in 0.. {
            if parcel.is_over(attempts) {
                break;
            }
            let (kit, id, body) = (Arc::clone(&self.kit), parcel.build, body.clone());
            let result = task::spawn_blocking(move || kit.send(id, &body)).await?;
            let Some(next) = parcel.judge(attempts + 1, at, &result) else {
                break;
            };
            time::sleep(Duration::from_secs(next.step(clock()))).await;
        }
        Ok(())
    }
}

impl Kit {
    fn send(&self, build: BuildId, body: &str) -> Result<Answer, Failure> {
        let message = Message {
            id: &build.to_string(),
            body: body.as_bytes(),
            key: &self.key,
            user_agent: USER_AGENT,
        };
        self.sender
            .send(&self.destination, &message, &self.policy, clock())
    }
}

impl Parcel<'_> {
    /// Says on the flag what came of an attempt, and when the next one is made, if one is.
    fn judge(
        &self,
        made: u32,
        first_at: Micros,
        result: &Result<Answer, Failure>,
    ) -> Option<NotBefore> {
        let refused = DeliveryStep::End(Status::Error);
        let (reason, after) = match Verdict::of(result, Audience::Forge) {
            Verdict::Accepted => {
                self.accepted(result.as_ref().ok());
                return None;
            }
            Verdict::Refused { reason } => {
                self.step(&refused, &reason);
                return None;
            }
            Verdict::Retry { reason, after } => (reason, after),
        };
        // A single forge has nobody to keep out of step with.
        let next = Backoff::next(made, first_at, clock(), after, 0.5);
        match next {
            Some(_) => self.step(&DeliveryStep::Waiting(made), &texts::waiting(&reason)),
            None => self.step(&refused, &texts::given_up(&reason)),
        }
        next
    }

    /// Shows the answer's own report if it is one and says "pending" (contract, section 1.4).
    fn accepted(&self, answer: Option<&Answer>) {
        let report = answer
            .filter(|answer| !answer.truncated)
            .and_then(|answer| Report::from_body(&answer.body, clock()).ok())
            .filter(|report| report.shown.status == Status::Pending);
        let shown = report.map(|report| report.shown);
        let told = shown.as_ref().map(|shown| shown.description.as_str());
        let text = told.filter(|text| !text.is_empty());
        let url = shown.as_ref().and_then(|shown| Url::parse(&shown.url).ok());
        self.write(
            &DeliveryStep::Accepted,
            Shown::new(
                self.build.time(),
                Status::Pending,
                shown.as_ref().and_then(|shown| shown.percent),
                url.as_ref().unwrap_or(&self.page),
                text.unwrap_or(texts::ACCEPTED),
            ),
        );
    }

    /// Whether the receiver has the build already, although it did not say so.
    fn is_over(&self, attempts: u32) -> bool {
        let shown = Shown::new(self.build.time(), Status::Pending, None, &self.page, "");
        let look = self.write(&DeliveryStep::Look(attempts), shown);
        matches!(look, Delivery::Over(_))
    }

    fn step(&self, step: &DeliveryStep, text: &str) {
        let shown = Shown::new(self.build.time(), Status::Pending, None, &self.page, text);
        self.write(step, shown);
    }

    fn write(&self, step: &DeliveryStep, shown: Shown) -> Delivery {
        let subject = (&self.pull_request.commit, Some(self.pull_request.id));
        let flags = &self.forge.flags;
        flags.deliver(subject, self.build, Requester::Committer, step, shown)
    }
}

/// What the plugin would find in Pagure's database: Ada, who may push, opened a pull request.
fn facts(forge: &Forge, job: &Job, pr: &PullRequest, at: Micros) -> Facts {
    let ada = "ada".to_owned();
    let project = Repository {
        username: forge.project.username.clone(),
        namespace: forge.project.namespace.clone(),
        name: forge.project.name.clone(),
    };
    Facts {
        build_id: BuildId::new(at),
        app_url: forge.url.to_string(),
        clone_base: forge.url.to_string(),
        job: job.as_str().to_owned(),
        project: project.clone(),
        source: SourceFacts::Project(project),
        refname: pr.branch.to_owned(),
        is_tag: false,
        head: Some(pr.commit.clone()),
        captured: Some(Captured {
            user: ada.clone(),
            can_push: true,
            reason: Reason::Opened,
            at,
            commit: Some(pr.commit.clone()),
        }),
        pull_request: Some(PullRequestFacts {
            id: pr.id,
            title: pr.title.to_owned(),
            author: ada,
            author_can_push: true,
            target_branch: "main".to_owned(),
        }),
    }
}
