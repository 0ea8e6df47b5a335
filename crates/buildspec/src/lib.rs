#![doc = include_str!("../README.md")]

mod artifacts;
mod collect;
mod course;
mod env;
mod error;
mod glob;
mod parse;
mod phase;
mod read;
mod skipped;
mod template;
mod yaml;

pub use artifacts::{ArtifactSet, Artifacts, Paths};
pub use collect::{Selection, Unusable};
pub use course::{
    Command, CommandResult, Commands, Course, Outcome, Part, PhaseResult, Stage, Step,
};
pub use env::{Env, Shell, VariableName};
pub use error::{Error, Place};
pub use parse::{Buildspec, MAX_BYTES, parse};
pub use phase::{OnFailure, Phase, PhaseName};
pub use skipped::Note;
pub use template::{Template, relative};
