//! `[log]`, `[artifacts]` and `[source]`

use std::time::Duration;

use super::{DAY, KIB, MIB, PIB, SECOND};
use crate::{
    Size,
    section::{Read, Section},
    value,
};

/// Each build's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// What is kept of one.
    pub limit: Size,
    /// What one build may print; it ends with more.
    pub printed: Size,
}

/// Each build's artifacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifacts {
    /// All of one build together.
    pub limit: Size,
}

/// What a repository may cost to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What comes over the network.
    pub received: Size,
    /// All files together.
    pub unpacked: Size,
    /// The largest file.
    pub file: Size,
    /// How many files, links and folders.
    pub files: u64,
    /// From the first look-up of a name to the last file.
    pub time: Duration,
}

impl Log {
    pub(crate) fn read(section: &mut Section<'_>) -> Read<Self> {
        let least = Size::from_bytes(64 << 10);
        let limit = section.required("limit", value::size(least..=Size::from_bytes(16 << 30)));
        let printed = section.required("printed", value::size(least..=PIB));
        Ok(Self {
            limit: limit?,
            printed: printed?,
        })
    }
}

impl Artifacts {
    pub(crate) fn read(section: &mut Section<'_>) -> Read<Self> {
        let limit = section.required("limit", value::size(KIB..=PIB));
        Ok(Self { limit: limit? })
    }
}

impl Source {
    pub(crate) fn read(section: &mut Section<'_>) -> Read<Self> {
        let received = section.required("received", value::size(MIB..=PIB));
        let unpacked = section.required("unpacked", value::size(MIB..=PIB));
        let file = section.required("file", value::size(KIB..=PIB));
        let files = section.required("files", value::whole(1..=10_000_000));
        let time = section.required("time", value::lasting(SECOND..=DAY));
        Ok(Self {
            received: received?,
            unpacked: unpacked?,
            file: file?,
            files: files?,
            time: time?,
        })
    }
}
