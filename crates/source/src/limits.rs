//! How much a repository may cost.

use std::time::{Duration, Instant};

use crate::error::{Error, Excess};

/// What one fetch may take. The defaults are in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes over the network, all answers together (1 GiB).
    pub received: u64,
    /// Bytes of all objects, and again of all files that are written (4 GiB): the disk takes both.
    pub unpacked: u64,
    /// Files, links and directories together (200,000).
    pub files: u64,
    /// Bytes of one file, or of one directory's listing; memory holds a few of them (256 MiB).
    pub file: u64,
    /// Bytes of a path from the root of the tree (1,024).
    pub path: usize,
    /// Directories above a file (64).
    pub depth: usize,
    /// From the first name that is resolved to the last file (10 minutes).
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            received: 1 << 30,
            unpacked: 4 << 30,
            files: 200_000,
            file: 256 << 20,
            path: 1024,
            depth: 64,
            time: Duration::from_mins(10),
        }
    }
}

/// Longer is not told from it; clocks take what is added to them.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// When time is up.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    begin: Instant,
    limit: Duration,
}

impl Deadline {
    pub fn after(limit: Duration) -> Self {
        Self {
            begin: Instant::now(),
            limit: limit.min(LONGEST),
        }
    }

    pub fn over(self) -> Error {
        Error::TooSlow { limit: self.limit }
    }

    /// What is left of it, if anything.
    pub fn left(self) -> Result<Duration, Error> {
        let left = self.limit.saturating_sub(self.begin.elapsed());
        if left.is_zero() {
            Err(self.over())
        } else {
            Ok(left)
        }
    }
}

/// Counts towards a limit.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    pub used: u64,
    limit: u64,
    what: Excess,
}

impl Tally {
    pub fn new(what: Excess, limit: u64) -> Self {
        Self {
            used: 0,
            limit,
            what,
        }
    }

    pub fn add(&mut self, amount: u64) -> Result<(), Error> {
        self.used = self.used.saturating_add(amount);
        check(self.what, self.used, self.limit)
    }
}

/// Whether `amount` is within `limit`.
pub fn check(what: Excess, amount: u64, limit: u64) -> Result<(), Error> {
    if amount <= limit {
        Ok(())
    } else {
        Err(Error::TooMuch { what, limit })
    }
}
