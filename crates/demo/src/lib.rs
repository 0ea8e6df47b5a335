#![doc = include_str!("../README.md")]

mod ask;
mod forge;
mod look;
mod run;
mod screen;
mod stage;
mod texts;

use chela_contract::Micros;

pub use forge::{Flag, Forge, PullRequest};
pub use look::Look;
pub use run::{Afterwards, Demo, Ended, Error, Needs, Receiver, interruption};

/// The time in microseconds since 1970.
fn clock() -> Micros {
    jiff::Timestamp::now().into()
}
