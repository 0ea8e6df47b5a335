//! What only Pagure has: how it spells projects and routes, how a flag holds a report, and what a
//! trigger of its CI means. Pure decisions; the plugin does the look-ups and the writing.

pub mod flag;
mod name;
mod plan;
pub mod texts;
pub mod throttle;
mod trigger;

pub use name::{InvalidName, ProjectName};
pub use plan::{Delivery, DeliveryStep, Ended, Plan, Refused, Row, Subject, Values, Write};
pub use trigger::{
    Captured, Facts, InvalidTrigger, PullRequestFacts, Repository, SourceFacts, Wanted,
};
