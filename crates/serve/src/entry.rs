//! The way in: verify, then parse, then judge, then keep, then answer.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{self, Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::post,
};
use chela_contract::{
    BuildRequest, Micros,
    webhook::{self, Key, Unverified},
};
use chela_local::{Accepted, Asked, Store};
use chela_pages::PageKey;
use chela_receiver::{
    Bounds, Build, Face, Forge, Problem, Refusal, Strangers, check_id, first_answer,
};
use url::Url;

use crate::{
    clock::now,
    hands::Hands,
    problem,
    projects::{Keyless, Projects},
};

/// More than any real request. Bytes; the contract's crate has the same limit.
const MAX_BODY: usize = 256 * 1024;
/// The contract's senders give up after this time themselves.
const BODY_TIME: Duration = Duration::from_secs(15);

/// What a request meets.
pub struct Desk {
    /// Keeps what is accepted.
    pub store: Store,
    /// Whose requests are taken.
    pub forge: Forge,
    /// The projects and their tokens and jobs.
    pub projects: Projects,
    /// The address of this receiver, for links.
    pub base: Url,
    /// What becomes of strangers' requests.
    pub strangers: Strangers,
    /// How many builds may wait.
    pub bounds: Bounds,
    /// Those who stop what was overtaken.
    pub hands: Hands,
    /// Signs nothing: an unknown project costs as much as a known one.
    pub nobody: Key,
}

/// `POST /`, and `/hook` for those who share a host name with something else.
pub fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/", post(receive))
        .route("/hook", post(receive))
        .with_state(desk)
}

async fn receive(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let taken = async {
        check_type(&head.headers)?;
        let body = whole(body).await?;
        desk.take(&head.headers, &body, now()).await
    };
    taken.await.unwrap_or_else(|why| problem::answer(&why))
}

async fn whole(body: Body) -> Result<Bytes, Problem> {
    let read = tokio::time::timeout(BODY_TIME, body::to_bytes(body, MAX_BODY));
    match read.await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Problem::body(MAX_BODY)),
        Err(_) => Err(Problem::slow()),
    }
}

impl Desk {
    async fn take(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Micros,
    ) -> Result<Response, Problem> {
        let face: Face = serde_json::from_slice(body).map_err(|e| Problem::malformed(&e))?;
        self.verify(face.project(), headers, body, now)?;
        match face.r#type.as_str() {
            "ping" => Ok(StatusCode::NO_CONTENT.into_response()),
            "build.requested" => self.request(headers, body, now).await,
            other => Err(Problem::unknown_type(other)),
        }
    }

    /// An unknown project and a wrong signature look alike, and cost alike.
    fn verify(
        &self,
        project: &str,
        headers: &HeaderMap,
        body: &[u8],
        now: Micros,
    ) -> Result<(), Problem> {
        let [id, timestamp, signature] =
            [webhook::ID, webhook::TIMESTAMP, webhook::SIGNATURE].map(|name| text(headers, name));
        let key = self.projects.key(project);
        if key.as_ref().is_err_and(|why| *why == Keyless::Unreadable) {
            return Err(Problem::busy("the project's token cannot be read just now"));
        }
        let verified = match &key {
            Ok(key) => key.verify(id, timestamp, signature, body, now),
            Err(_) => self
                .nobody
                .verify(id, timestamp, signature, body, now)
                .and(Err(Unverified::Mismatch)),
        };
        verified.map_err(|why| {
            tracing::info!(project = %harmless(project), %why, "refused a request");
            Problem::unverified(why)
        })
    }

    async fn request(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Micros,
    ) -> Result<Response, Problem> {
        let request = BuildRequest::from_body(body).map_err(|e| Problem::invalid(&e))?;
        let id = request.build_id;
        check_id(&request, text(headers, webhook::ID), now)?;
        self.judge(&request).map_err(|refusal| {
            tracing::warn!(build = %id, %refusal, "refused a request");
            Problem::refused(&refusal)
        })?;
        let asked = self.asked(request, now)?;
        let accepted = self.store.accept(asked).await.map_err(|error| {
            tracing::error!(build = %id, %error, "could not keep a request");
            Problem::busy("the receiver cannot write just now")
        })?;
        self.answer(accepted)
    }

    fn judge(&self, request: &BuildRequest) -> Result<(), Refusal> {
        let project = self.forge.check(request)?;
        self.projects
            .job(&project.fullname(), &request.job)
            .map(|_| ())
    }

    fn asked(&self, request: BuildRequest, now: Micros) -> Result<Asked, Problem> {
        let key = PageKey::random().map_err(|_| Problem::busy("no randomness to be had"))?;
        let page = self
            .base
            .join(key.build_path().trim_start_matches('/'))
            .expect("a key is a path's segment");
        Ok(Asked {
            request,
            page,
            key: hex(&key),
            strangers: self.strangers,
            bounds: self.bounds,
            now,
        })
    }

    fn answer(&self, accepted: Accepted) -> Result<Response, Problem> {
        match accepted {
            Accepted::New { build, overtaken } => {
                tracing::info!(build = %build.id(), project = build.request.project.fullname,
                    stage = ?build.stage, "accepted");
                self.hands.stop(&overtaken);
                Ok(accepted_answer(&build))
            }
            Accepted::Before(build) => Ok(accepted_answer(&build)),
            Accepted::Foreign => Err(Problem::value(
                "data.build_id was used for another project already",
            )),
            Accepted::Refused => Err(Problem::stranger()),
            Accepted::Full => Err(Problem::busy("too many builds wait already")),
        }
    }
}

/// 202, with the report that the forge may show at once (contract, section 1.4).
fn accepted_answer(build: &Build) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    match first_answer(build) {
        Some(report) => (StatusCode::ACCEPTED, json, report.to_body()).into_response(),
        // A flag needs a commit, and none is known yet.
        None => StatusCode::ACCEPTED.into_response(),
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let value = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let media = value.split(';').next().unwrap_or_default().trim();
    if media.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Problem::media_type())
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A name from outside, for the log of the server.
fn harmless(text: &str) -> String {
    text.chars()
        .take(100)
        .flat_map(char::escape_debug)
        .collect()
}

/// The key as the ledger keeps it.
pub fn hex(key: &PageKey) -> String {
    format!("{:032x}", u128::from_be_bytes(*key.as_bytes()))
}
