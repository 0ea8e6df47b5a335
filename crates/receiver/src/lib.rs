#![doc = include_str!("../README.md")]

mod admission;
mod build;
mod face;
mod forge;
mod outbox;
mod problem;
mod road;
#[cfg(test)]
mod testing;
pub mod texts;
mod variables;

pub use admission::{Admission, Bounds, Held, Known, Other, Strangers, admit};
pub use build::{Build, End, Happened, Origin, Overtaken, PhaseResult, Said, Stage, first_answer};
pub use face::{Face, check_id};
pub use forge::{Forge, Named, Refusal};
pub use outbox::{After, Attempted, Pending, acknowledged_at, after_attempt};
pub use problem::Problem;
pub use road::{Brought, Engine, Ledger, NotBrought, Sources, Standing, walk};
pub use variables::variables;
