//! The flags, kept as the plugin keeps them: which one a report or a delivery changes, and whether
//! it may, is decided by the plugin's own code.

use std::sync::{Mutex, PoisonError};

use chela_contract::{BuildId, CommitId, Context, Job, Report, Shown, Status};
use chela_pagure::{
    Delivery, DeliveryStep, Plan, Refused, Row, Subject, Values, Write,
    flag::{Held, Precision, Requester},
};
use tokio::sync::mpsc::UnboundedSender;
use uuid::Uuid;

/// A flag as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The commit that it stands on.
    pub commit: CommitId,
    /// The pull request that it belongs to.
    pub pull_request: Option<u32>,
    /// Its name.
    pub context: Context,
    /// What it says.
    pub shown: Shown,
}

impl Flag {
    /// Whether its build waits or runs.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.shown.status == Status::Pending
    }
}

/// All flags of one project.
pub struct Flags {
    secret: String,
    job: Job,
    kept: Mutex<Vec<Kept>>,
    changes: UnboundedSender<Flag>,
}

/// A row, and what its uid is a hash of.
struct Kept {
    commit: CommitId,
    pull_request: Option<u32>,
    values: Values,
}

impl Flags {
    /// No flags yet; each change of one goes to `changes` too.
    pub fn new(job: Job, changes: UnboundedSender<Flag>) -> Self {
        Self {
            secret: Uuid::new_v4().to_string(),
            job,
            kept: Mutex::default(),
            changes,
        }
    }

    /// Applies a report if it is greater than what its flag shows.
    pub fn report(&self, report: &Report) -> Result<Plan, Refused> {
        let subject = self.subject(&report.commit, report.pull_request);
        self.change(&subject, |rows| {
            let plan = subject.plan_report(rows, report)?;
            Ok((plan.write.clone(), plan.remove.clone(), plan))
        })
    }

    /// Takes a step of a delivery, and says whether the delivery goes on.
    pub fn deliver(
        &self,
        (commit, pull_request): (&CommitId, Option<u32>),
        build: BuildId,
        requester: Requester,
        step: &DeliveryStep,
        shown: Shown,
    ) -> Delivery {
        let subject = self.subject(commit, pull_request);
        let step: Result<_, std::convert::Infallible> = self.change(&subject, |rows| {
            let delivery = subject.plan_delivery(rows, build, requester, step, shown);
            let write = match &delivery {
                Delivery::Go(write) => write.clone(),
                Delivery::Over(_) => None,
            };
            Ok((write, None, delivery))
        });
        let Ok(delivery) = step;
        delivery
    }

    /// All of them, the first one first.
    pub fn all(&self) -> Vec<Flag> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(Kept::flag).collect()
    }

    fn subject(&self, commit: &CommitId, pull_request: Option<u32>) -> Subject {
        Subject {
            secret: self.secret.clone().into(),
            project: 1,
            commit: commit.clone(),
            pull_request,
            job: self.job.as_str().to_owned(),
            precision: Precision::Microseconds,
        }
    }

    /// Reads the commit's rows, decides and writes, with nobody in between.
    fn change<T, E>(
        &self,
        subject: &Subject,
        decide: impl FnOnce(&[Row]) -> Result<(Option<Write>, Option<String>, T), E>,
    ) -> Result<T, E> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let same = kept.iter().filter(|kept| kept.commit == subject.commit);
        let rows: Vec<Row> = same.map(Kept::row).collect();
        let (write, remove, decided) = decide(&rows)?;
        if let Some(uid) = remove {
            kept.retain(|kept| kept.values.uid != uid);
        }
        if let Some(write) = write {
            let changed = Kept {
                commit: subject.commit.clone(),
                pull_request: subject.pull_request,
                values: write.values,
            };
            // Whoever listened may have seen enough.
            let _ = self.changes.send(changed.flag());
            match kept
                .iter_mut()
                .find(|kept| kept.values.uid == changed.values.uid)
            {
                Some(there) => *there = changed,
                None => kept.push(changed),
            }
        }
        Ok(decided)
    }
}

impl Kept {
    fn row(&self) -> Row {
        let Values { uid, context, held } = &self.values;
        Row {
            uid: uid.clone(),
            context: context.to_string(),
            held: Some(Held::clone(held)),
        }
    }

    fn flag(&self) -> Flag {
        Flag {
            commit: self.commit.clone(),
            pull_request: self.pull_request,
            context: self.values.context.clone(),
            shown: self.values.held.shown.clone(),
        }
    }
}
