//! `[serve]`

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use url::Url;

use super::HOUR;
use crate::{
    section::{Read, Section},
    value,
};

/// The program itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serve {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How it is reached from outside; the path ends with a slash, so that names can be joined.
    pub url: Url,
    /// The folder of all that outlives a restart.
    pub data: PathBuf,
    /// How long builds may go on after the program was asked to stop.
    pub drain: Duration,
    /// How much is logged.
    pub log: LogLevel,
    /// For whom.
    pub log_format: LogFormat,
}

/// How much the program logs of its own work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the usual levels")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// The level as log filters spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Who reads the program's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// People.
    Text,
    /// Machines.
    Json,
}

const LEVELS: &[(&str, LogLevel)] = &[
    (LogLevel::Error.as_str(), LogLevel::Error),
    (LogLevel::Warn.as_str(), LogLevel::Warn),
    (LogLevel::Info.as_str(), LogLevel::Info),
    (LogLevel::Debug.as_str(), LogLevel::Debug),
    (LogLevel::Trace.as_str(), LogLevel::Trace),
];

const FORMATS: &[(&str, LogFormat)] = &[("text", LogFormat::Text), ("json", LogFormat::Json)];

impl Serve {
    pub(crate) fn read(section: &mut Section<'_>) -> Read<Self> {
        let listen = section.required("listen", value::socket_address);
        let url = section.required("url", value::base_url);
        let data = section.required("data", value::path);
        let drain = section.required("drain", value::lasting(Duration::ZERO..=HOUR));
        let log = section.required("log", value::choice(LEVELS));
        let log_format = section.required("log_format", value::choice(FORMATS));
        Ok(Self {
            listen: listen?,
            url: url?,
            data: data?,
            drain: drain?,
            log: log?,
            log_format: log_format?,
        })
    }
}
