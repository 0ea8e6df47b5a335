//! A refusal as an answer of the HTTP framework; its words are `chela-receiver`'s.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use chela_receiver::Problem;

/// The answer that says so.
pub fn answer(problem: &Problem) -> Response {
    // What is no status is a defect of ours.
    let status =
        StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = [(header::CONTENT_TYPE, Problem::MEDIA_TYPE)];
    let mut response = (status, kind, problem.to_body()).into_response();
    if let Some(seconds) = problem.retry_after() {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}
