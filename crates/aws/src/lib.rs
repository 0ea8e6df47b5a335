#![doc = include_str!("../README.md")]

mod answer;
mod clock;
mod codebuild;
mod codepipeline;
pub mod config;
mod engine;
pub mod entry;
pub mod events;
mod failure;
mod heads;
mod jitter;
mod ledger;
pub mod links;
mod message;
mod objects;
mod queue;
mod record;
pub mod report;
mod sdk;
mod state;
mod sweep;
pub mod table;
#[cfg(test)]
mod testing;
mod texts;
mod tokens;
mod trigger;
mod upload;

pub use answer::Answer;
pub use engine::{EngineFailure, Engines, Prepared, Seen, Stopped};
pub use failure::{Call, Failure};
pub use ledger::{Claimed, HeadKey, Ledger};
pub use message::{Message, Said, Word};
pub use objects::{Removed, Tag, Written};
pub use queue::{Delivery, Queue, batch_failures, deliveries};
pub use record::{Ended, Execution, Head, Let, Open, Pipeline, Record, Service, Stored, Target};
pub use sdk::Clients;
pub use state::{Course, State};
pub use tokens::{NoToken, Tokens};
pub use trigger::Trigger;
pub use upload::{PartWriter, Parts, Place, Sharing, UploadError, Uploaded, upload};
