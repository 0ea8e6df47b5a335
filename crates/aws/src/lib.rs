#![doc = include_str!("../README.md")]

mod message;
mod record;

pub use message::{Message, Said, Word};
pub use record::{Ended, Execution, Head, Let, Open, Pipeline, Record, Service, Stored, Target};
