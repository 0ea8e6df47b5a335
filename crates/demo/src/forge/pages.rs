//! The pages to which requests and flags point, as plain text: who follows such a link learns
//! where they are.

use std::sync::Arc;

use axum::{Router, routing::get};
use chela_pagure::ProjectName;

use super::{flags::Flags, sample::PullRequest};
use crate::texts;

/// The project's page, and those of its pull requests.
pub fn routes(
    project: &ProjectName,
    pull_requests: &[PullRequest; 2],
    flags: Arc<Flags>,
) -> Router {
    let pull_requests = pull_requests.clone();
    let page = get(move || async move { texts::page(&pull_requests, &flags.all()) });
    Router::new()
        .route("/", page.clone())
        .route(&format!("/{}", project.web_path()), page.clone())
        .route(
            &format!("/{}/pull-request/{{id}}", project.web_path()),
            page,
        )
}
