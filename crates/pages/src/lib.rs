#![doc = include_str!("../README.md")]

mod answer;
mod assets;
mod download;
mod file;
mod html;
mod key;
mod limits;
mod live;
mod log;
mod range;
mod router;
mod shelf;
mod text;
mod view;
mod viewers;

pub use key::{InvalidPageKey, NoRandomness, PageKey};
pub use limits::Limits;
pub use log::{InvalidMark, Line, LogFilter, Mark, Style};
pub use router::{router, router_with};
pub use shelf::{ArtifactFile, Found, LogFile, Progress, Shelf, Unavailable};
pub use text::Outside;
pub use view::{
    Artifact, BuildState, BuildView, Link, ListView, LogSize, Phase, PhaseState, PullRequestView,
    Reference, Row,
};
