#![doc = include_str!("../README.md")]

mod check;
mod documented;
mod duration;
mod environment;
mod error;
mod key;
mod nearest;
mod parts;
mod secret;
mod section;
mod settings;
mod size;
mod tokens;
mod tree;
mod value;

pub use check::{JobKey, Warning, check};
pub use documented::DOCUMENTED;
pub use environment::Environment;
pub use error::{Complaint, Error, Hint, Problem};
pub use key::{Key, Place};
pub use parts::{
    Artifacts, Builds, Interrupted, Job, Kind, Log, LogFormat, LogLevel, Network, Pagure, Project,
    Sandbox, Serve, Source, Strangers, TreePath, User, Whose,
};
pub use secret::{SecretFile, TokenSource, Unreadable};
pub use settings::{Settings, USUAL_FILE};
pub use size::Size;
pub use tokens::{NoKey, Tokens};
