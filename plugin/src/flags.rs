//! Rows of `commit_flags` in, changes of them out.

use chela_contract::{BuildId, Micros, Shown, Status};
use chela_pagure::{
    Delivery, DeliveryStep, Row, Subject as Identity, Values, Write as Planned,
    flag::{Held, Precision, Requester},
};
use pyo3::{exceptions::PyValueError, prelude::*};
use url::Url;

use crate::report::{InvalidReport, Report};

/// A row: uid, name, created, updated (microseconds), status, percent, url, comment.
type RowTuple = (
    String,
    String,
    i64,
    i64,
    String,
    Option<i64>,
    String,
    String,
);

/// What flags speak of: one commit of one project, for one pull request or none.
#[pyclass(frozen, module = "chela_pagure._core")]
pub struct Subject {
    identity: Identity,
}

/// A row to write, times in microseconds.
#[pyclass(frozen, get_all, module = "chela_pagure._core")]
pub struct Write {
    /// Its uid.
    pub uid: String,
    /// The name that it shows.
    pub context: String,
    /// `date_created`
    pub created: i64,
    /// `date_updated`
    pub updated: i64,
    /// One of the contract's statuses.
    pub status: &'static str,
    /// 0-100, while pending.
    pub percent: Option<u8>,
    /// Harmless in HTML.
    pub url: String,
    /// Harmless in HTML.
    pub comment: String,
    /// Whether the row is new.
    pub new: bool,
    /// Whether anybody is told.
    pub notify: bool,
}

/// What a report or a step of a delivery changes.
#[pyclass(frozen, get_all, module = "chela_pagure._core")]
pub struct Change {
    /// The row to write.
    pub write: Option<Py<Write>>,
    /// The uid of a row to remove.
    pub remove: Option<String>,
    /// What the flag shows afterwards, as JSON for the answer.
    pub shows: String,
    /// For a delivery: why it is over; `None` while it goes on.
    pub over: Option<&'static str>,
}

#[pymethods]
impl Subject {
    /// `whole_seconds`: the database keeps no fraction of a second.
    #[new]
    #[pyo3(signature = (*, secret, project, commit, pull_request, job, whole_seconds))]
    fn new(
        secret: String,
        project: i64,
        commit: &str,
        pull_request: Option<u32>,
        job: String,
        whole_seconds: bool,
    ) -> PyResult<Self> {
        let commit = commit
            .parse()
            .map_err(|error| PyValueError::new_err(format!("{error}")))?;
        let precision = if whole_seconds {
            Precision::Seconds
        } else {
            Precision::Microseconds
        };
        let secret = secret.into();
        let identity = Identity {
            secret,
            project,
            commit,
            pull_request,
            job,
            precision,
        };
        Ok(Self { identity })
    }

    /// What a report changes; raises `InvalidReport` if the commit has too many flags.
    fn report(&self, py: Python<'_>, rows: Vec<RowTuple>, report: &Report) -> PyResult<Change> {
        let rows = rows.into_iter().map(row).collect::<Vec<_>>();
        let plan = self
            .identity
            .plan_report(&rows, &report.checked)
            .map_err(|refused| {
                InvalidReport::new_err((422, "The report cannot be taken", refused.to_string()))
            })?;
        Ok(Change {
            write: plan
                .write
                .as_ref()
                .map(|planned| write(py, planned))
                .transpose()?,
            remove: plan.remove,
            shows: shows(&plan.shows),
            over: None,
        })
    }

    /// What a step of a delivery changes: `begin`, `look`, `waiting`, `accepted`,
    /// `error` or `canceled`, with so many attempts made.
    #[pyo3(signature = (rows, *, build_id, committer, step, attempts, url, comment, percent=None))]
    fn delivery(
        &self,
        py: Python<'_>,
        rows: Vec<RowTuple>,
        build_id: &str,
        committer: bool,
        step: &str,
        attempts: u32,
        url: &str,
        comment: &str,
        percent: Option<u8>,
    ) -> PyResult<Change> {
        let invalid = |error: String| PyValueError::new_err(error);
        let build: BuildId = build_id.parse().map_err(|_| invalid(build_id.to_owned()))?;
        let url = Url::parse(url).map_err(|error| invalid(error.to_string()))?;
        let step = match step {
            "begin" => DeliveryStep::Begin,
            "look" => DeliveryStep::Look(attempts),
            "waiting" => DeliveryStep::Waiting(attempts),
            "accepted" => DeliveryStep::Accepted,
            "error" => DeliveryStep::End(Status::Error),
            "canceled" => DeliveryStep::End(Status::Canceled),
            other => return Err(invalid(format!("no step of a delivery: {other}"))),
        };
        let requester = if committer {
            Requester::Committer
        } else {
            Requester::Stranger
        };
        let shown = Shown::new(build.time(), Status::Pending, percent, &url, comment);
        let rows = rows.into_iter().map(row).collect::<Vec<_>>();
        let (planned, over) = match self
            .identity
            .plan_delivery(&rows, build, requester, &step, shown)
        {
            Delivery::Go(planned) => (planned, None),
            Delivery::Over(ended) => (None, Some(ended.as_str())),
        };
        Ok(Change {
            write: planned
                .as_ref()
                .map(|planned| write(py, planned))
                .transpose()?,
            remove: None,
            shows: String::new(),
            over,
        })
    }
}

fn row((uid, context, created, updated, status, percent, url, comment): RowTuple) -> Row {
    let held = Status::from_word(&status).map(|status| Held {
        build: Micros::new(created),
        shown: Shown {
            at: Micros::new(updated),
            status,
            percent: percent.and_then(|percent| u8::try_from(percent).ok()),
            url,
            description: comment,
        },
    });
    Row { uid, context, held }
}

fn write(py: Python<'_>, planned: &Planned) -> PyResult<Py<Write>> {
    let Values { uid, context, held } = &planned.values;
    let write = Write {
        uid: uid.clone(),
        context: context.to_string(),
        created: held.build.get(),
        updated: held.shown.at.get(),
        status: held.shown.status.as_str(),
        percent: held.shown.percent,
        url: held.shown.url.clone(),
        comment: held.shown.description.clone(),
        new: planned.new,
        notify: planned.notify,
    };
    Py::new(py, write)
}

/// The flag as an answer shows it; its uid stays a secret.
fn shows(values: &Values) -> String {
    let shown = &values.held.shown;
    serde_json::json!({
        "context": values.context,
        "status": shown.status,
        "percent": shown.percent,
        "description": shown.description,
        "url": shown.url,
        "timestamp": shown.at,
    })
    .to_string()
}
