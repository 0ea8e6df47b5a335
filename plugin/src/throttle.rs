//! The throttle's rules, for Python.

use chela_pagure::throttle;
use pyo3::prelude::*;

/// Where in a table `key` lies, and its tag there.
#[pyfunction]
pub fn slot(key: &str, slots: u64, secret: u64) -> (u64, i64) {
    throttle::slot(key, slots, secret)
}

/// How long to wait before the next attempt: milliseconds, 0 for now.
#[pyfunction]
pub fn wait(now: i64, rests_until: i64, paid_until: i64) -> i64 {
    throttle::wait(now, rests_until, paid_until)
}

/// Until when a URL rests after so many failures in a row.
#[pyfunction]
pub fn after_failure(now: i64, failures: u32) -> i64 {
    throttle::after_failure(now, failures)
}

/// Until when a project has paid after an attempt that took so many milliseconds.
#[pyfunction]
pub fn after_attempt(now: i64, paid_until: i64, took: i64) -> i64 {
    throttle::after_attempt(now, paid_until, took)
}
