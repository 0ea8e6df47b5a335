//! Real builds in real sandboxes: as the user who runs the tests and, where that is root, once more
//! as an ordinary one.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod artifacts;
mod endings;
mod escapes;
mod limits;
mod ordinary;
mod phases;
mod support;
mod walls;
