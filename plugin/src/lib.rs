//! The Rust core of the Pagure plugin. Python (`chela_pagure`) holds only glue to Pagure: look-ups,
//! rows, routes and Celery; what follows from what it finds is decided here.
//!
//! Nothing is made at import: no socket, thread or runtime would survive the fork of a worker.

mod delivery;
mod flags;
mod report;
mod settings;
mod throttle;
mod trigger;

use std::time::SystemTime;

use chela_contract::Micros;
use pyo3::prelude::*;

/// The module `chela_pagure._core`.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::{
        delivery::{Outcome, Parcel, attempt, send_test},
        flags::{Change, Subject, Write},
        now,
        report::{InvalidReport, Report, authenticate, problem},
        settings::{Policy, check_settings, settings_digest},
        throttle::{after_attempt, after_failure, slot, wait},
        trigger::{Wanted, new_build_id, wanted},
    };

    /// The version of the wheel.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_export]
    const WAITING: &str = chela_pagure::texts::WAITING;
    #[pymodule_export]
    const SUPERSEDED: &str = chela_pagure::texts::SUPERSEDED;
    #[pymodule_export]
    const CHANGED: &str = chela_pagure::texts::CHANGED;
}

/// The time in microseconds since 1970.
#[pyfunction]
fn now() -> i64 {
    clock().get()
}

fn clock() -> Micros {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let micros = since
        .ok()
        .and_then(|since| i64::try_from(since.as_micros()).ok());
    Micros::new(micros.unwrap_or(0))
}
