//! `[builds]`

use std::time::Duration;

use super::{DAY, HOUR};
use crate::{
    section::{Read, Section},
    value,
};

/// Which builds, how many, and how long they are remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Builds {
    /// How many run at the same time.
    pub parallel: usize,
    /// How many wait at most.
    pub queue: usize,
    /// What becomes of those that a stranger asked for.
    pub strangers: Strangers,
    /// How many of one project are held at most.
    pub held_per_project: usize,
    /// How long one is kept.
    pub keep: Duration,
    /// How many are kept.
    pub keep_builds: usize,
}

/// What becomes of a build that somebody asked for who cannot push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strangers {
    /// It waits until somebody who can push asks for this very commit.
    Hold,
    /// It is refused.
    Refuse,
}

const STRANGERS: &[(&str, Strangers)] = &[("hold", Strangers::Hold), ("refuse", Strangers::Refuse)];

impl Builds {
    pub(crate) fn read(section: &mut Section<'_>) -> Read<Self> {
        let parallel = section.required("parallel", value::whole(1..=1024));
        let queue = section.required("queue", value::whole(1..=1_000_000));
        let strangers = section.required("strangers", value::choice(STRANGERS));
        let held_per_project = section.required("held_per_project", value::whole(1..=10_000));
        let keep = section.required("keep", value::lasting(HOUR..=3650 * DAY));
        let keep_builds = section.required("keep_builds", value::whole(1..=1_000_000));
        Ok(Self {
            parallel: parallel?,
            queue: queue?,
            strangers: strangers?,
            held_per_project: held_per_project?,
            keep: keep?,
            keep_builds: keep_builds?,
        })
    }
}
