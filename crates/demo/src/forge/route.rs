//! A stand-in for the plugin's route, `/api/0/ci/webhook/…`: takes a report, or says in
//! `application/problem+json` why not (contract, section 2).

use std::sync::Arc;

use axum::{
    Router,
    body::{self, Body},
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use chela_contract::{Invalid, MAX_REPORT_BYTES, Report, webhook};
use chela_pagure::{Plan, ProjectName};
use serde_json::{Value, json};

use super::{flags::Flags, repository::Repository};
use crate::clock;

/// What the route knows.
pub struct Known {
    /// The project whose builds are reported here.
    pub project: ProjectName,
    /// Its CI token.
    pub key: webhook::Key,
    /// Its repository.
    pub repository: Arc<Repository>,
    /// The numbers of its pull requests.
    pub pull_requests: Vec<u32>,
    /// Its flags.
    pub flags: Arc<Flags>,
}

/// The route, for every project's name.
pub fn routes(known: Arc<Known>) -> Router {
    Router::new()
        .route("/api/0/ci/webhook/{*project}", post(take))
        .with_state(known)
}

/// What is wrong: status, title, detail.
struct Problem(StatusCode, &'static str, String);

async fn take(
    State(known): State<Arc<Known>>,
    Path(project): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let body = body::to_bytes(body, MAX_REPORT_BYTES).await.map_err(|_| {
        let detail = format!("a report has at most {} KiB", MAX_REPORT_BYTES / 1024);
        Problem(StatusCode::PAYLOAD_TOO_LARGE, "Too large", detail)
    })?;
    let ours = project
        .parse()
        .is_ok_and(|name: ProjectName| name == known.project);
    // Both are looked at whatever the other says: nothing tells an unknown project from others.
    if !(authentic(&known.key, &headers, &body) & ours) {
        return Err(unauthorized());
    }
    let plan = known.apply(&headers, &body)?;
    let answer = json!({ "applied": plan.write.is_some(), "flag": shows(&plan) });
    Ok(json_answer(StatusCode::OK, "application/json", &answer))
}

/// Signed, or with the token itself.
fn authentic(key: &webhook::Key, headers: &HeaderMap, body: &[u8]) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (id, timestamp) = (header(webhook::ID), header(webhook::TIMESTAMP));
    let signed = key.verify(id, timestamp, header(webhook::SIGNATURE), body, clock());
    let bearer = header(header::AUTHORIZATION.as_str()).and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    signed.is_ok() | key.is_bearer(bearer.unwrap_or_default())
}

impl Known {
    fn apply(&self, headers: &HeaderMap, body: &[u8]) -> Result<Plan, Problem> {
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let kind = kind
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case("application/json") {
            let detail = "send the report with Content-Type: application/json".to_owned();
            return Err(Problem(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Not JSON",
                detail,
            ));
        }
        let report = Report::from_body(body, clock()).map_err(|error| invalid(&error))?;
        self.look_up(&report)?;
        self.flags.report(&report).map_err(|refused| {
            cannot_be_taken(StatusCode::UNPROCESSABLE_ENTITY, refused.to_string())
        })
    }

    fn look_up(&self, report: &Report) -> Result<(), Problem> {
        if let Some(id) = report
            .pull_request
            .filter(|id| !self.pull_requests.contains(id))
        {
            let detail = format!("data.pull_request: the project has no pull request {id}");
            return Err(Problem(
                StatusCode::NOT_FOUND,
                "Unknown pull request",
                detail,
            ));
        }
        if !self.repository.has(&report.commit) {
            let detail = "data.commit: the project does not have this commit".to_owned();
            return Err(Problem(StatusCode::NOT_FOUND, "Unknown commit", detail));
        }
        Ok(())
    }
}

/// The flag as the plugin's answer has it; its uid stays a secret.
fn shows(plan: &Plan) -> Value {
    let shown = &plan.shows.held.shown;
    json!({
        "context": plan.shows.context,
        "status": shown.status,
        "percent": shown.percent,
        "description": shown.description,
        "url": shown.url,
        "timestamp": shown.at,
    })
}

fn unauthorized() -> Problem {
    let detail = "sign the report with the project's CI token (Standard Webhooks headers, sent \
                  within 5 minutes), or send it as Authorization: Bearer; check the project's name \
                  in the address";
    Problem(
        StatusCode::UNAUTHORIZED,
        "Not authorized",
        detail.to_owned(),
    )
}

fn invalid(invalid: &Invalid) -> Problem {
    let status = StatusCode::from_u16(invalid.status).unwrap_or(StatusCode::BAD_REQUEST);
    cannot_be_taken(status, invalid.to_string())
}

fn cannot_be_taken(status: StatusCode, detail: String) -> Problem {
    Problem(status, "The report cannot be taken", detail)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self(status, title, detail) = self;
        let body = json!({ "status": status.as_u16(), "title": title, "detail": detail });
        json_answer(status, "application/problem+json", &body)
    }
}

fn json_answer(status: StatusCode, kind: &'static str, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response()
}
