//! How much of the workers' time one URL and one project may take, so that a dead target does not
//! starve the others. The state lies in numbers that the processes of a machine share; a lost
//! update costs one attempt.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use pyo3::prelude::*;

/// After its first failure a URL rests this long, then twice as long, up to the longest. Seconds.
const FIRST_REST: i64 = 5;
const LONGEST_REST: i64 = 600;
/// A project may run this far ahead of its share before it waits. Seconds.
const BURST: i64 = 120;
/// An attempt costs this many times its length, so a project gets at most a third of one worker…
const PRICE: i64 = 3;
/// …and at least this much. Milliseconds.
const LEAST: i64 = 1000;

/// Where in a table of `slots` numbers `key` lies, and the tag by which it is known there. Both
/// depend on the worker's own secret: nobody can choose a URL that shares another's slot.
#[pyfunction]
pub fn slot(key: &str, slots: u64, secret: u64) -> (u64, i64) {
    // Keyed alike in every process of the worker: the table is shared.
    let mut hasher = DefaultHasher::new();
    (secret, key).hash(&mut hasher);
    let hash = hasher.finish();
    // Never 0, which an empty slot has.
    (hash % slots, (hash / slots).cast_signed() | 1)
}

/// How long to wait before the next attempt: milliseconds, 0 for now. `rests_until` belongs to the
/// URL, `paid_until` to the project; all in milliseconds since 1970.
#[pyfunction]
pub fn wait(now: i64, rests_until: i64, paid_until: i64) -> i64 {
    (rests_until - now)
        .max(paid_until - now - BURST * 1000)
        .max(0)
}

/// Until when a URL rests after `failures` failures in a row (this one counted): milliseconds.
#[pyfunction]
pub fn after_failure(now: i64, failures: u32) -> i64 {
    let doublings = failures.saturating_sub(1).min(16);
    now + (FIRST_REST << doublings).min(LONGEST_REST) * 1000
}

/// Until when a project has paid after an attempt that took `took` milliseconds.
#[pyfunction]
pub fn after_attempt(now: i64, paid_until: i64, took: i64) -> i64 {
    paid_until.max(now) + (PRICE * took).max(LEAST)
}
