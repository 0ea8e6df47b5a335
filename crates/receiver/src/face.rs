//! What is looked at before a request is believed: the same at every way in.

use chela_contract::{BuildRequest, Micros};
use serde::Deserialize;

use crate::problem::Problem;

/// As much of a body as it takes to know whose it is, and what.
#[derive(Debug, Deserialize)]
pub struct Face {
    /// The message's `type`.
    pub r#type: String,
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    project: Project,
}

#[derive(Debug, Deserialize)]
struct Project {
    fullname: String,
}

impl Face {
    /// The full name of the project that the message says it is of.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.data.project.fullname
    }
}

/// Whether a request is the one that its `webhook-id` announces, and not from the future
/// (contract, section 1.2).
pub fn check_id(request: &BuildRequest, id: Option<&str>, now: Micros) -> Result<(), Problem> {
    if id != Some(request.build_id.to_string().as_str()) {
        let detail = "webhook-id is not the request's data.build_id";
        return Err(Problem::value(detail));
    }
    if request.build_id.time().is_future(now) {
        let detail = "data.build_id is more than 5 minutes in the future; check the clock";
        return Err(Problem::value(detail));
    }
    Ok(())
}
