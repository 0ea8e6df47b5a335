//! The settings of the two functions: variables of the environment, and the map of callers,
//! projects and jobs.

mod callers;
mod environment;
mod flaw;
mod json;
mod map;
mod names;
mod nearest;
mod read;
mod report;
mod trigger;

pub use callers::{Callers, Unreadable};
pub use environment::{BadSettings, BadVariable, Environment};
pub use flaw::{BadConfig, Complaint, Flaw, Path};
pub use map::{Job, Map, ProjectJobs, Refused};
pub use report::{ReportSettings, TokenPlace};
pub use trigger::{MapPlace, TriggerSettings};

#[cfg(test)]
mod tests;
