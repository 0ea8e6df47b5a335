//! The sections, one file each: what a setting becomes once it is read.

mod builds;
mod egress;
mod job;
mod limits;
mod pagure;
mod project;
mod sandbox;
mod serve;

pub use builds::{Builds, Strangers};
pub use job::{Interrupted, Job, Network, TreePath, Whose};
pub use limits::{Artifacts, Log, Source};
pub use pagure::Pagure;
pub use project::Project;
pub use sandbox::{Kind, Sandbox, User};
pub use serve::{LogFormat, LogLevel, Serve};

pub(crate) use egress::{Egress, policy};
pub(crate) use job::Defaults;
pub(crate) use project::{Projects, projects};

use std::time::Duration;

use crate::Size;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const KIB: Size = Size::from_bytes(1 << 10);
const MIB: Size = Size::from_bytes(1 << 20);
/// More than any disk that this will meet, and far from overflowing any sum.
const PIB: Size = Size::from_bytes(1 << 50);
