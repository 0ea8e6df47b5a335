#![doc = include_str!("../README.md")]

mod checkout;
mod delta;
mod entry;
mod error;
mod fetch;
mod http;
mod inflate;
mod limits;
mod links;
mod name;
mod note;
mod packet;
mod remote;
mod sink;
mod spool;
mod store;
mod stream;
mod workplace;

pub use error::{Error, Excess, TargetError};
pub use fetch::{Fetched, Fetcher, unpack};
pub use limits::Limits;
pub use note::{Note, Place};
pub use workplace::sweep;
