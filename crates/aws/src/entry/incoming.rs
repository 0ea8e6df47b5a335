//! A request out of the event of a function URL, or of an HTTP API: payload format 2.0 (AWS Lambda
//! Developer Guide, "Invoking Lambda function URLs"; API Gateway Developer Guide, "Create AWS
//! Lambda proxy integrations for HTTP APIs").
//!
//! Of the event, only what is used needs to be there.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chela_receiver::Problem;
use serde_json::Value;

/// More than any real request. Bytes; the contract's crate has the same limit.
pub(super) const MAX_BODY: usize = 256 * 1024;

/// A request, as it came.
pub(super) struct Incoming<'a>(&'a Value);

/// Whether an event is a request over HTTP.
#[must_use]
pub fn is_request(event: &Value) -> bool {
    event.pointer("/requestContext/http").is_some()
}

impl<'a> Incoming<'a> {
    pub(super) fn read(event: &'a Value) -> Self {
        Self(event)
    }

    /// Who calls: the ARN that IAM has found for the request's signature.
    pub(super) fn caller(&self) -> Result<&'a str, Problem> {
        let caller = self.text("/requestContext/authorizer/iam/userArn");
        caller.filter(|arn| !arn.is_empty()).ok_or_else(|| {
            Problem::forbidden(
                "AWS does not say whose key has signed the request: the function URL, or the HTTP \
                 API's route (payload format 2.0), must have AWS_IAM as its authorization",
            )
        })
    }

    /// The body, if the request is a POST of JSON that is not too long.
    pub(super) fn body(&self) -> Result<Cow<'a, [u8]>, Problem> {
        if self.text("/requestContext/http/method") != Some("POST") {
            return Err(Problem::method());
        }
        let kind = self.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Problem::media_type());
        }
        let body = self.text("/body").unwrap_or_default();
        let body = if self.0.pointer("/isBase64Encoded") == Some(&Value::Bool(true)) {
            decoded(body)?
        } else {
            Cow::Borrowed(body.as_bytes())
        };
        if body.len() <= MAX_BODY {
            Ok(body)
        } else {
            Err(Problem::body(MAX_BODY))
        }
    }

    /// A header's value. AWS writes the names in small letters.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        let headers = self.0.pointer("/headers")?.as_object()?;
        let mut named = headers.iter();
        let (_, value) = named.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        value.as_str()
    }

    fn text(&self, place: &str) -> Option<&'a str> {
        self.0.pointer(place)?.as_str()
    }
}

fn decoded<'a>(body: &str) -> Result<Cow<'a, [u8]>, Problem> {
    // Four characters for three bytes; what is longer need not be decoded to be too long.
    if body.len() / 4 > MAX_BODY.div_ceil(3) {
        return Err(Problem::body(MAX_BODY));
    }
    let bytes = STANDARD.decode(body);
    bytes.map(Cow::Owned).map_err(|error| {
        Problem::malformed(&format!(
            "the body is not the base64 that the event says: {error}"
        ))
    })
}
