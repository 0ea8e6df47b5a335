#![doc = include_str!("../README.md")]

// The tests of the inside share their requests with those of the outside.
#[cfg(test)]
extern crate self as chela_local;

mod accept;
mod error;
mod known;
mod ledger;
mod open;
mod outbox;
mod queue;
mod read;
mod record;
mod retention;
mod schema;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub use accept::{Accepted, Asked};
pub use error::{OpenError, StoreError};
pub use outbox::Due;
pub use read::{Kept, Outgoing};
pub use record::{Phase, PhaseState};
pub use store::Store;
