//! One build's way from its source to its end, over the ports.

use std::{fmt::Display, path::PathBuf};

use chela_contract::{CommitId, Micros};

use crate::build::{Build, End, Happened};

/// Keeps the records of builds and the reports that are to be sent.
pub trait Ledger {
    /// Why it could not keep something.
    type Error: Display;

    /// Lets something happen to a build: its record and the report that tells of it are kept
    /// together or not at all.
    fn happened(&self, build: &Build, what: Happened) -> Result<Standing, Self::Error>;
}

/// Whether a build is still wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Go on.
    Wanted,
    /// It ended meanwhile: overtaken, or stopped.
    Over,
}

/// Brings a build's source.
pub trait Sources {
    /// Brings it; what an earlier, unfinished call left behind is replaced.
    fn bring(&self, build: &Build) -> Result<Brought, NotBrought>;
}

/// A source that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// What it is.
    pub commit: CommitId,
    /// Where it lies.
    pub place: PathBuf,
    /// What a reader of the log should know of it, one sentence each.
    pub notes: Vec<String>,
}

/// A source that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotBrought {
    /// Not now; perhaps at this moment.
    Yet {
        /// Why.
        why: String,
        /// When to try again.
        until: Micros,
    },
    /// Not at all, for this reason.
    Never(String),
}

/// Runs a build.
pub trait Engine {
    /// Runs it to its end, and tells how it goes on; stops early when it is told that nobody wants
    /// it any more.
    fn run(
        &self,
        build: &Build,
        source: &Brought,
        tell: &mut dyn FnMut(Happened) -> Standing,
    ) -> End;
}

/// Walks a build that was taken from the inbox to its end.
///
/// After a crash the ledger says [`Happened::Interrupted`], and the walk begins again.
pub fn walk<L: Ledger>(
    build: &Build,
    ledger: &L,
    sources: &dyn Sources,
    engine: &dyn Engine,
) -> Result<(), L::Error> {
    let source = match sources.bring(build) {
        Ok(source) => source,
        Err(NotBrought::Yet { why, until }) => {
            ledger.happened(build, Happened::Postponed { why, until })?;
            return Ok(());
        }
        Err(NotBrought::Never(why)) => {
            ledger.happened(build, Happened::Ended(End::Errored(why)))?;
            return Ok(());
        }
    };
    let fetched = Happened::Fetched(source.commit.clone());
    if ledger.happened(build, fetched)? == Standing::Over {
        return Ok(());
    }
    let mut trouble = None;
    let end = engine.run(build, &source, &mut |what| {
        ledger.happened(build, what).unwrap_or_else(|error| {
            trouble = Some(error);
            Standing::Over
        })
    });
    match trouble {
        Some(error) => Err(error),
        None => ledger.happened(build, Happened::Ended(end)).map(|_| ()),
    }
}

#[cfg(test)]
mod tests;
