#![doc = include_str!("../README.md")]

mod archive;
mod checkout;
mod deflate;
mod delta;
mod directory;
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
mod spool;
mod store;
mod stream;
mod walk;
mod workplace;

pub use error::{Error, Excess, TargetError};
pub use fetch::{Fetched, Fetcher, unpack, zip};
pub use limits::Limits;
pub use note::{Note, Place};
pub use workplace::sweep;
