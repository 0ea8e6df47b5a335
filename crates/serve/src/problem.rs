//! What the forge is told when a request is not taken: RFC 9457, so that title and detail reach
//! the flag.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chela_contract::{Invalid, webhook::Unverified};
use chela_receiver::Refusal;

/// How long a forge waits before it tries a busy receiver again. Seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("30");

/// A refusal, as an answer.
pub struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            title,
            detail: detail.into(),
        }
    }

    pub fn media_type() -> Self {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::new(status, "Wrong content type", "send application/json")
    }

    pub fn body(limit: usize) -> Self {
        let detail = format!("longer than {} KiB, or cut off", limit / 1024);
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Not a build request", detail)
    }

    pub fn slow() -> Self {
        let detail = "the body did not come within 15 seconds";
        Self::new(StatusCode::REQUEST_TIMEOUT, "Too slow", detail)
    }

    pub fn malformed(error: &serde_json::Error) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "Not a build request",
            error.to_string(),
        )
    }

    pub fn unverified(why: Unverified) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Not verified", why.to_string())
    }

    pub fn unknown_type(word: &str) -> Self {
        let word: String = word.chars().take(40).flat_map(char::escape_debug).collect();
        Self::value(format!(
            "type: {word} is not known here; send build.requested"
        ))
    }

    pub fn invalid(invalid: &Invalid) -> Self {
        let status = StatusCode::from_u16(invalid.status).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(status, "Not a build request", invalid.to_string())
    }

    pub fn value(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Not to be built", detail)
    }

    pub fn refused(refusal: &Refusal) -> Self {
        Self::value(refusal.to_string())
    }

    pub fn stranger() -> Self {
        let detail = "who asked cannot push to the target branch, and this receiver builds for \
                      committers only";
        Self::new(StatusCode::FORBIDDEN, "Not to be built", detail)
    }

    pub fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Busy", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::json!({
            "type": "about:blank",
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, body.to_string()).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}
