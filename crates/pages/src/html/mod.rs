//! What the pages look like. Nothing here reads anything.

mod build;
mod frame;
mod list;
mod log;
mod units;

pub(crate) use build::{changing_parts, page as build_page};
pub(crate) use frame::message_page;
pub(crate) use list::page as list_page;
pub(crate) use log::{LogPart, lines, unfinished};
