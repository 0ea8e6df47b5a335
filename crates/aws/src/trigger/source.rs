//! Where a build's source goes, and what it means that it cannot be had.

use std::io;
use std::time::Duration;

use chela_contract::Micros;
use chela_outbound::Audience;
use chela_source::{Error, Excess, Limits, TargetError};

use super::texts;
use super::world::{Trouble, Wait};
use crate::engine::Prepared;
use crate::record::{Record, Target};
use crate::upload::{Place, Sharing, UploadError};

/// What is left of an invocation after the source is stored: to start the build, and to tell of it.
pub const RESERVE: Duration = Duration::from_secs(30);

/// Where sources are put, by the settings.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// The bucket for sources.
    pub bucket: String,
    /// What their keys begin with; the service and the name of its project or pipeline follow.
    pub prefix: String,
}

/// The time that a source may take, and what sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeLimit {
    /// `CHELA_MAX_SECONDS`
    Setting(Duration),
    /// The end of the invocation.
    Invocation(Duration),
}

impl Shelf {
    /// Where the source of a build goes; `None` if its engine takes none.
    ///
    /// Where a pipeline's source action names its bucket and key, nothing else will do; a key of
    /// the build's own is better, because what lies there can only be its own source.
    pub fn place(&self, record: &Record, prepared: &Prepared) -> Option<Place> {
        // One prefix for each project and pipeline, so that its role need not read another's sources.
        let Target { service, name } = &record.target;
        let folder = format!("{}{}/{name}", self.prefix, service.name());
        let own = || format!("{folder}/{}.zip", record.id());
        let (bucket, key, sharing) = match prepared {
            Prepared::CodeBuild { takes_source, .. } => {
                takes_source.then_some(())?;
                (&self.bucket, own(), Sharing::Exclusive)
            }
            Prepared::CodePipeline(pipeline) if pipeline.key_override => {
                (&pipeline.bucket, own(), Sharing::Exclusive)
            }
            Prepared::CodePipeline(pipeline) => {
                (&pipeline.bucket, pipeline.key.clone(), Sharing::Overwrite)
            }
        };
        Some(Place {
            bucket: bucket.clone(),
            key,
            sharing,
            commit: record.request.source.commit.clone(),
        })
    }
}

impl TimeLimit {
    /// What is left at `now` of an invocation that ends at `deadline`, or less if that is set.
    pub fn at(now: Micros, deadline: Micros, limits: &Limits) -> Self {
        let left = deadline.get().saturating_sub(now.get()).max(0);
        let left = Duration::from_micros(left.unsigned_abs()).saturating_sub(RESERVE);
        if limits.time <= left {
            Self::Setting(limits.time)
        } else {
            Self::Invocation(left)
        }
    }

    /// How long it is.
    pub fn time(self) -> Duration {
        let (Self::Setting(time) | Self::Invocation(time)) = self;
        time
    }
}

/// What it means that there is no source.
pub fn trouble(error: UploadError, limit: TimeLimit) -> Trouble {
    match error {
        UploadError::Source(error) => not_fetched(&error, limit),
        UploadError::Failed(failure) => failure.into(),
        error if error.may_pass() => Trouble::Later(Wait::Service(error.to_string())),
        error => Trouble::Never(error.to_string()),
    }
}

fn not_fetched(error: &Error, limit: TimeLimit) -> Trouble {
    match error {
        Error::TooSlow { .. } => Trouble::Never(texts::too_slow(limit)),
        // No other process fills this disk.
        Error::Target(TargetError::Unwritable { cause, .. })
            if cause.kind() == io::ErrorKind::StorageFull =>
        {
            Trouble::Never(texts::NO_STORAGE.to_owned())
        }
        Error::TooMuch { what, .. } => Trouble::Never(match setting(*what) {
            Some(name) => texts::too_much(&error.to_string(), name),
            None => error.to_string(),
        }),
        Error::Refused(refused) => {
            Trouble::Never(texts::refused_clone(&refused.explain(Audience::Forge)))
        }
        _ if error.may_pass() => Trouble::Later(Wait::Source(error.to_string())),
        _ => Trouble::Never(error.to_string()),
    }
}

/// How a limit is called here; not every one can be set.
fn setting(what: Excess) -> Option<&'static str> {
    match what {
        Excess::Received => Some("CHELA_MAX_RECEIVED_MIB"),
        Excess::Unpacked => Some("CHELA_MAX_UNPACKED_MIB"),
        Excess::File => Some("CHELA_MAX_FILE_MIB"),
        Excess::Files => Some("CHELA_MAX_FILES"),
        Excess::Path | Excess::Depth => None,
    }
}

#[cfg(test)]
mod tests;
