#![doc = include_str!("../README.md")]

mod clock;
mod dice;
mod engine;
mod entry;
mod folders;
mod hands;
mod http;
pub mod logging;
mod problem;
mod projects;
mod reporter;
mod secret;
mod server;
mod shelf;
mod slots;
mod sources;
mod sweep;
mod texts;
mod wakeful;
mod walls;

pub use server::{Server, StartError, list_page};
pub use walls::NoWalls;
