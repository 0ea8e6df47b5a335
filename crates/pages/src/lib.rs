#![doc = include_str!("../README.md")]

mod key;
mod log;
mod shelf;
mod text;
mod view;

pub use key::{InvalidPageKey, NoRandomness, PageKey};
pub use log::{InvalidMark, Line, LogFilter, Mark, Style};
pub use shelf::{ArtifactFile, Found, LogFile, Progress, Shelf, Unavailable};
pub use text::Outside;
pub use view::{
    Artifact, BuildState, BuildView, Link, ListView, LogSize, Phase, PhaseState, PullRequestView,
    Reference, Row,
};
