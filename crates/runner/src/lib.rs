#![doc = include_str!("../README.md")]

mod artifacts;
mod build;
pub mod confine;
mod disk;
mod folder;
mod gather;
mod limits;
mod log;
mod outcome;
mod prepare;
mod remove;
mod rlimits;
mod sandbox;
mod session;
mod stop;
mod texts;
mod tree;
mod variables;
mod walk;
mod watch;

pub use build::{Build, run};
pub use folder::User;
pub use limits::{Breach, Limits};
pub use log::{FileLog, LogSink};
pub use outcome::{Collected, Event, Failure, Finished, Outcome};
pub use remove::remove;
pub use sandbox::{
    Confine, Kind, NOBODY, Network, Sandbox,
    detect::{Detected, Missing, detect},
};
pub use stop::Stop;
