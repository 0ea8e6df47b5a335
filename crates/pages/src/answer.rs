//! What every answer has, and the answers that are no page of a build.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::Markup;

use crate::{Unavailable, html};

/// Nothing but our own style sheet, script and events; no plug-ins, no frames, no forms. What comes
/// in a build's name cannot load, send or run anything even if it should get through.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// On every answer. The address is the secret: it goes to no other site, no cache and no index.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        HeaderName::from_static("x-robots-tag"),
        HeaderValue::from_static("noindex, nofollow"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Adds what every answer has.
pub(crate) async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A page of ours.
pub(crate) fn page(status: StatusCode, markup: Markup) -> Response {
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let body = Body::from(markup.into_string());
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

/// The same for every address that is nothing, whatever the reason.
pub(crate) fn not_found() -> Response {
    let sentence = "There is no such page. Is the address whole?";
    page(
        StatusCode::NOT_FOUND,
        html::message_page("Not found", sentence),
    )
}

/// As many live views as there may be.
pub(crate) fn too_many_viewers() -> Response {
    let sentence = "Too many people watch builds just now. The page itself shows the log so far.";
    later(html::message_page("Try again in a moment", sentence))
}

impl IntoResponse for Unavailable {
    fn into_response(self) -> Response {
        let sentence = "The builds cannot be read just now.";
        later(html::message_page("Try again in a moment", sentence))
    }
}

fn later(markup: Markup) -> Response {
    let mut response = page(StatusCode::SERVICE_UNAVAILABLE, markup);
    let seconds = HeaderValue::from_static("10");
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}
