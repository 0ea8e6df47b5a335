//! The wire between a forge and a CI system, version 1: what is sent when a build is wanted, what
//! is reported back, how both are signed, and which of two reports a flag shows.
//!
//! No I/O and no clock of its own: whoever calls passes the time. `docs/contract.md` is the text
//! that this crate follows.

mod build_id;
mod commit;
mod context;
mod report;
mod request;
mod shown;
mod time;
pub mod webhook;

pub use build_id::{BuildId, InvalidBuildId};
pub use commit::{CommitId, InvalidCommit};
pub use context::{Context, InvalidContext};
pub use report::{Invalid, MAX_REPORT_BYTES, Report, Status};
pub use request::{
    BuildRequest, Event, Job, Project, PullRequest, Reason, Refname, RequestedBy, Source, ping_body,
};
pub use shown::{Shown, clean_text, clean_url};
pub use time::{Micros, TOLERANCE_SECONDS};

#[cfg(feature = "schema")]
pub mod schema;
