#![doc = include_str!("../README.md")]

mod failure;
mod message;
mod record;
mod sdk;

pub use failure::{Call, Failure};
pub use message::{Message, Said, Word};
pub use record::{Ended, Execution, Head, Let, Open, Pipeline, Record, Service, Stored, Target};
pub use sdk::Clients;
