//! One delivery: what its message carries, one attempt, and what comes next.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::OnceLock,
};

use chela_contract::{BuildId, BuildRequest, Micros, Report, Status, ping_body, webhook};
use chela_outbound::{
    Answer, Audience, Backoff, Destination, Failure, Message, NotBefore, Sender, USER_AGENT,
    Verdict,
};
use chela_pagure::texts;
use pyo3::{exceptions::PyValueError, prelude::*};
use secrecy::SecretString;

use crate::{clock, settings::Policy};

/// Makes its connections anew in every process that uses it.
static SENDER: OnceLock<Sender> = OnceLock::new();

/// What a delivery's message carries, read.
#[pyclass(frozen, get_all, module = "chela_pagure._core")]
pub struct Parcel {
    /// The build.
    pub build_id: String,
    /// The job that was asked for.
    pub job: String,
    /// The commit, if Pagure knew it.
    pub commit: Option<String>,
    /// The pull request's number.
    pub pull_request: Option<u32>,
    first_at: i64,
}

/// What an attempt came to.
#[pyclass(frozen, get_all, module = "chela_pagure._core")]
pub struct Outcome {
    /// The step that the delivery takes: `accepted`, `waiting` or `error`.
    pub step: &'static str,
    /// What the flag says.
    pub comment: String,
    /// Where the flag points to, if the CI service said so.
    pub url: Option<String>,
    /// How far the build is, if the CI service said so.
    pub percent: Option<u8>,
    /// The moment of the next attempt in microseconds; `None` if there is none.
    pub not_before: Option<i64>,
}

#[pymethods]
impl Parcel {
    /// Reads an unsigned body.
    #[new]
    fn new(body: &str) -> PyResult<Self> {
        let request = BuildRequest::from_body(body.as_bytes())
            .map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self {
            build_id: request.build_id.to_string(),
            job: String::from(request.job),
            commit: request.source.commit.map(String::from),
            pull_request: request.pull_request.map(|pr| pr.id),
            first_at: request.build_id.time().get(),
        })
    }

    /// Seconds to sleep until `not_before`, at most 15 minutes; 0 means that it is time.
    #[staticmethod]
    fn pause(not_before: i64) -> u64 {
        NotBefore(Micros::new(not_before)).step(clock())
    }
}

/// Makes the attempt that follows `attempts` failed ones. Blocks for at most 15 seconds, without
/// the interpreter's lock. Nothing of a user name, a password or the token is in the outcome.
#[pyfunction]
#[pyo3(signature = (parcel, body, *, ci_url, username, password, token, attempts, policy))]
pub fn attempt(
    py: Python<'_>,
    parcel: &Parcel,
    body: &str,
    ci_url: &str,
    username: Option<&str>,
    password: Option<String>,
    token: String,
    attempts: u32,
    policy: &Policy,
) -> PyResult<Outcome> {
    let result = send(
        py,
        &parcel.build_id,
        body,
        ci_url,
        username,
        password,
        token,
        policy,
    )?;
    Ok(judge(parcel, attempts, &result))
}

/// Sends a test to a project's CI service and says what came back: whether it was taken, and the
/// sentence for the project owner. Blocks like `attempt`.
#[pyfunction]
#[pyo3(signature = (*, ci_url, username, password, token, project, job, policy))]
pub fn send_test(
    py: Python<'_>,
    ci_url: &str,
    username: Option<&str>,
    password: Option<String>,
    token: String,
    project: &str,
    job: &str,
    policy: &Policy,
) -> PyResult<(bool, String)> {
    let now = clock();
    let body = ping_body(now, project, job);
    let id = BuildId::new(now).to_string();
    let result = send(py, &id, &body, ci_url, username, password, token, policy)?;
    let said = match Verdict::of(&result, Audience::Forge) {
        Verdict::Accepted => {
            let status = result.map_or(200, |answer| answer.status);
            (
                true,
                format!("The CI service took the test (answer {status})."),
            )
        }
        Verdict::Refused { reason } => (false, format!("The test was refused: {reason}.")),
        Verdict::Retry { reason, .. } => (
            false,
            format!("The test failed, a build would be tried again: {reason}."),
        ),
    };
    Ok(said)
}

fn send(
    py: Python<'_>,
    id: &str,
    body: &str,
    ci_url: &str,
    username: Option<&str>,
    password: Option<String>,
    token: String,
    policy: &Policy,
) -> PyResult<Result<Answer, Failure>> {
    let key = webhook::Key::new(token.into())
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    let password = password.map(SecretString::from);
    Ok(py.detach(|| {
        let destination = Destination::parse(ci_url, username, password, &policy.rules)?;
        let message = Message {
            id,
            body: body.as_bytes(),
            key: &key,
            user_agent: USER_AGENT,
        };
        SENDER
            .get_or_init(Sender::default)
            .send(&destination, &message, &policy.rules, clock())
    }))
}

fn judge(parcel: &Parcel, attempts: u32, result: &Result<Answer, Failure>) -> Outcome {
    match Verdict::of(result, Audience::Forge) {
        Verdict::Accepted => accepted(result.as_ref().ok()),
        Verdict::Refused { reason } => ended(reason),
        Verdict::Retry { reason, after } => {
            let first_at = Micros::new(parcel.first_at);
            let made = attempts.saturating_add(1);
            match Backoff::next(made, first_at, clock(), after, jitter(parcel, made)) {
                Some(NotBefore(at)) => Outcome {
                    step: "waiting",
                    comment: texts::waiting(&reason),
                    url: None,
                    percent: None,
                    not_before: Some(at.get()),
                },
                None => ended(texts::given_up(&reason)),
            }
        }
    }
}

/// Shows the answer's own report if it is one and says "pending"; nothing else is taken from it,
/// because it carries no token (contract, section 1.4).
fn accepted(answer: Option<&Answer>) -> Outcome {
    let report = answer
        .filter(|answer| !answer.truncated)
        .and_then(|answer| Report::from_body(&answer.body, clock()).ok())
        .filter(|report| report.shown.status == Status::Pending);
    let comment = report
        .as_ref()
        .map(|report| report.shown.description.clone());
    Outcome {
        step: "accepted",
        comment: comment
            .filter(|text| !text.is_empty())
            .unwrap_or(texts::ACCEPTED.to_owned()),
        percent: report.as_ref().and_then(|report| report.shown.percent),
        url: report.map(|report| report.shown.url),
        not_before: None,
    }
}

fn ended(comment: String) -> Outcome {
    Outcome {
        step: "error",
        comment,
        url: None,
        percent: None,
        not_before: None,
    }
}

/// Between 0 and 1, another for each build and attempt, so that those that failed together do not
/// come back together.
fn jitter(parcel: &Parcel, attempts: u32) -> f64 {
    let mut hasher = DefaultHasher::new();
    (&parcel.build_id, attempts).hash(&mut hasher);
    let share = u32::try_from(hasher.finish() >> 32).unwrap_or(0);
    f64::from(share) / f64::from(u32::MAX)
}
