//! A report as it arrives: who sends it, and what it says.

use std::collections::HashMap;

use chela_contract::{MAX_REPORT_BYTES, Report as Checked, webhook};
use pyo3::{create_exception, exceptions::PyException, prelude::*};
use secrecy::SecretString;

use crate::clock;

create_exception!(
    chela_pagure._core,
    InvalidReport,
    PyException,
    "A report that is not taken: `(status, title, detail)`."
);

/// A report, checked.
#[pyclass(frozen, module = "chela_pagure._core")]
pub struct Report {
    pub(crate) checked: Checked,
}

#[pymethods]
impl Report {
    /// Reads a body; raises `InvalidReport`.
    #[new]
    fn new(content_type: Option<&str>, body: &[u8]) -> PyResult<Self> {
        let json = content_type.is_some_and(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/json")
        });
        if body.len() > MAX_REPORT_BYTES {
            return Err(InvalidReport::new_err((
                413,
                "Too large",
                "send at most 64 KiB",
            )));
        }
        if !json {
            let detail = "send the report with Content-Type: application/json";
            return Err(InvalidReport::new_err((415, "Not JSON", detail)));
        }
        match Checked::from_body(body, clock()) {
            Ok(checked) => Ok(Self { checked }),
            Err(error) => {
                let title = "The report cannot be taken";
                Err(InvalidReport::new_err((
                    error.status,
                    title,
                    error.to_string(),
                )))
            }
        }
    }

    /// The longest body that is read, in bytes.
    #[classattr]
    const MAX_BYTES: usize = MAX_REPORT_BYTES;

    /// The commit.
    #[getter]
    fn commit(&self) -> &str {
        self.checked.commit.as_str()
    }

    /// The pull request's number.
    #[getter]
    fn pull_request(&self) -> Option<u32> {
        self.checked.pull_request
    }
}

/// Whether the request comes from somebody who knows `token`. Without a token the same work is
/// done, and the answer is no.
#[pyfunction]
#[pyo3(signature = (token, headers, body))]
pub fn authenticate(token: Option<String>, headers: HashMap<String, String>, body: &[u8]) -> bool {
    let known = token.as_ref().is_some_and(|token| !token.is_empty());
    let stand_in = || SecretString::from("nobody's token, as long as one is");
    let token = token
        .filter(|_| known)
        .map_or_else(stand_in, SecretString::from);
    let Ok(key) = webhook::Key::new(token) else {
        return false;
    };
    let header = |name: &str| headers.get(name).map(String::as_str);
    // Both ways are tried whatever is there, so that time tells nothing.
    let signed = key.verify(
        header(webhook::ID),
        header(webhook::TIMESTAMP),
        header(webhook::SIGNATURE),
        body,
        clock(),
    );
    let bearer = header("authorization").and_then(bearer).unwrap_or_default();
    let bears = key.is_bearer(bearer);
    known & (signed.is_ok() | bears)
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// An `application/problem+json` body (RFC 9457).
#[pyfunction]
pub fn problem(status: u16, title: &str, detail: &str) -> String {
    serde_json::json!({ "status": status, "title": title, "detail": detail }).to_string()
}
