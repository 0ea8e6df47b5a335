#![doc = include_str!("../README.md")]

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
mod writer;

pub use accept::{Accepted, Asked};
pub use error::{OpenError, StoreError};
pub use outbox::Due;
pub use read::{Kept, Outgoing};
pub use record::{Phase, PhaseState};
pub use store::Store;
