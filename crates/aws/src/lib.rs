#![doc = include_str!("../README.md")]

mod answer;
mod clock;
mod codebuild;
mod codepipeline;
pub mod config;
mod engine;
pub mod entry;
mod failure;
mod heads;
mod jitter;
mod ledger;
pub mod links;
mod message;
mod objects;
mod queue;
mod record;
mod sdk;
mod state;
pub mod table;
mod texts;
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
pub use trigger::Trigger;
pub use upload::{PartWriter, Parts, Place, Sharing, UploadError, Uploaded, upload};
