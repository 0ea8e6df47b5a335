//! From what was found out about a trigger to the request's body.

use chela_contract::BuildId;
use chela_pagure::Facts;
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::clock;

/// A build that is wanted.
#[pyclass(frozen, get_all, module = "chela_pagure._core")]
pub struct Wanted {
    /// The request's body, unsigned.
    pub body: String,
    /// Where the delivery's flag points to.
    pub page: String,
    /// Whether the person who asked may push to the target branch.
    pub committer: bool,
}

/// A new build's id.
#[pyfunction]
pub fn new_build_id() -> String {
    BuildId::new(clock()).to_string()
}

/// Makes the request out of the facts (JSON, `chela_pagure::Facts`); a `ValueError` says why not.
#[pyfunction]
pub fn wanted(facts: &str) -> PyResult<Wanted> {
    let invalid = |error: String| PyValueError::new_err(error);
    let facts: Facts = serde_json::from_str(facts).map_err(|error| invalid(error.to_string()))?;
    let wanted = facts.wanted().map_err(|error| invalid(error.to_string()))?;
    let by = wanted.request.requested_by.as_ref();
    Ok(Wanted {
        body: wanted.request.to_body(),
        page: wanted.page.to_string(),
        committer: by.is_some_and(|by| by.can_push),
    })
}
