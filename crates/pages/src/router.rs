//! Which address shows what.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    extract::{FromRequestParts, RawPathParams, RawQuery, State},
    http::{HeaderMap, StatusCode, request::Parts},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use chela_contract::{BuildId, Micros};
use url::form_urlencoded;

use crate::{
    Limits, Mark, PageKey, Shelf, Unavailable,
    answer::{self, not_found, page, too_many_viewers},
    assets,
    download::{self, Kind},
    file, html,
    live::{self, Live},
    viewers::Viewers,
};

/// The pages over a shelf, with the usual limits. It answers every address, so that of the routers
/// merged with it none may have a fallback of its own.
pub fn router<S: Shelf>(shelf: Arc<S>) -> Router {
    router_with(shelf, Limits::default())
}

/// The pages over a shelf.
pub fn router_with<S: Shelf>(shelf: Arc<S>, limits: Limits) -> Router {
    let desk = Desk {
        shelf,
        viewers: Viewers::new(&limits),
        limits: Arc::new(limits),
    };
    Router::new()
        .route("/builds/{key}", get(build::<S>))
        .route("/builds/{key}/log", get(log::<S>))
        .route("/builds/{key}/events", get(events::<S>))
        .route(
            "/builds/{key}/artifacts/{number}/{name}",
            get(artifact::<S>),
        )
        .route("/lists/{key}", get(list::<S>))
        .route("/assets/{name}", get(assets::get))
        .fallback(async || not_found())
        .layer(middleware::map_response(answer::guard))
        .with_state(desk)
}

struct Desk<S> {
    shelf: Arc<S>,
    viewers: Viewers,
    limits: Arc<Limits>,
}

impl<S> Clone for Desk<S> {
    fn clone(&self) -> Self {
        Self {
            shelf: Arc::clone(&self.shelf),
            viewers: self.viewers.clone(),
            limits: Arc::clone(&self.limits),
        }
    }
}

/// What an address names.
struct Named {
    key: PageKey,
    number: Option<usize>,
}

impl<T: Send + Sync> FromRequestParts<T> for Named {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Response> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| not_found())?;
        let find = |name| params.iter().find_map(|(n, v)| (n == name).then_some(v));
        let key = find("key").and_then(|key| key.parse().ok());
        Ok(Self {
            key: key.ok_or_else(not_found)?,
            number: find("number").and_then(|number| number.parse().ok()),
        })
    }
}

/// A page, or the answer instead of it.
type Answer = Result<Response, Unavailable>;

async fn build<S: Shelf>(State(desk): State<Desk<S>>, at: Named) -> Answer {
    // Before the log is read: if the build ends in between, the page goes on live and hears of it.
    let Some(view) = desk.shelf.build(&at.key).await? else {
        return Ok(not_found());
    };
    let log = match desk.shelf.log(&at.key).await? {
        Some(log) => file::end_of_log(log.path, view.state.is_final(), &desk.limits).await?,
        None => None,
    };
    let markup = html::build_page(&at.key, &view, log.as_ref(), now());
    Ok(page(StatusCode::OK, markup))
}

async fn list<S: Shelf>(
    State(desk): State<Desk<S>>,
    at: Named,
    RawQuery(query): RawQuery,
) -> Answer {
    let before = match field(query.as_deref(), "before").map(|id| id.parse::<BuildId>()) {
        Some(Err(_)) => return Ok(not_found()),
        Some(Ok(id)) => Some(id),
        None => None,
    };
    let Some(view) = desk.shelf.list(&at.key, before).await? else {
        return Ok(not_found());
    };
    Ok(page(StatusCode::OK, html::list_page(&view, now())))
}

async fn log<S: Shelf>(State(desk): State<Desk<S>>, at: Named, headers: HeaderMap) -> Answer {
    let Some(log) = desk.shelf.log(&at.key).await? else {
        return Ok(not_found());
    };
    let file = file::open(log.path).await?;
    Ok(download::answer(&headers, file, Kind::Text, "build.log"))
}

async fn artifact<S: Shelf>(State(desk): State<Desk<S>>, at: Named, headers: HeaderMap) -> Answer {
    let Some(number) = at.number else {
        return Ok(not_found());
    };
    let Some(artifact) = desk.shelf.artifact(&at.key, number).await? else {
        return Ok(not_found());
    };
    let Some(file) = file::open(artifact.path).await? else {
        return Ok(not_found());
    };
    let name = artifact.name.file_name();
    Ok(download::answer(&headers, Some(file), Kind::Unknown, &name))
}

async fn events<S: Shelf>(
    State(desk): State<Desk<S>>,
    at: Named,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let Some(log) = desk.shelf.log(&at.key).await? else {
        return Ok(not_found());
    };
    let Some(place) = desk.viewers.enter(at.key) else {
        return Ok(too_many_viewers());
    };
    let live = Live {
        shelf: desk.shelf,
        key: at.key,
        log,
        from: mark(&headers, query.as_deref()),
        place,
        patience: desk.limits.patience,
    };
    Ok(live::answer(live).into_response())
}

/// Where to go on: where the browser was when the connection broke, or where the page ends.
fn mark(headers: &HeaderMap, query: Option<&str>) -> Mark {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let last = last.and_then(|id| id.parse().ok());
    let from = || field(query, "from").and_then(|from| from.parse().ok());
    last.or_else(from).unwrap_or(Mark::START)
}

fn field(query: Option<&str>, name: &str) -> Option<String> {
    form_urlencoded::parse(query?.as_bytes())
        .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}

pub(crate) fn now() -> Micros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = since.map_or(0, |since| since.as_micros());
    Micros::new(i64::try_from(micros).unwrap_or(i64::MAX))
}
