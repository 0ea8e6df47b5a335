//! git's smart HTTP, read-only: gitprotocol-http(5).

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chela_pagure::ProjectName;

use super::{repository::Repository, upload_pack};

/// The routes of one project's repository.
pub fn routes(project: &ProjectName, repository: Arc<Repository>) -> Router {
    Router::new()
        .route(&format!("/{project}.git/info/refs"), get(info_refs))
        .route(&format!("/{project}.git/git-upload-pack"), post(pack))
        .with_state(repository)
}

async fn info_refs(RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    if query.as_deref() != Some("service=git-upload-pack") {
        return (
            StatusCode::FORBIDDEN,
            "This repository can be fetched from, nothing else.\n",
        )
            .into_response();
    }
    let protocol = headers
        .get("git-protocol")
        .and_then(|words| words.to_str().ok());
    git("advertisement", upload_pack::advertisement(protocol))
}

async fn pack(
    State(repository): State<Arc<Repository>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if headers.contains_key(header::CONTENT_ENCODING) {
        let text = "Compressed requests are not read here; a fresh clone sends none.\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response();
    }
    match upload_pack::answer(&repository, &body) {
        Ok(message) => git("result", message),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

fn git(what: &str, message: Vec<u8>) -> Response {
    let kind = format!("application/x-git-upload-pack-{what}");
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    (headers, message).into_response()
}
