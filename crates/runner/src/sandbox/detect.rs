//! Which walls this machine can give: it is tried, because neither a kernel's version nor a
//! program's presence says so.

use std::{io, process::Stdio, thread};

use super::{Kind, Network, Sandbox, bubblewrap, landlock::Rules};

/// What works here.
#[derive(Debug)]
pub struct Detected {
    /// For builds of anybody.
    pub bubblewrap: Result<(), Missing>,
    /// For trusted builds.
    pub landlock: Result<(), Missing>,
}

impl Detected {
    /// The best walls that work, if any do.
    #[must_use]
    pub fn best(&self) -> Option<Kind> {
        match self {
            Self {
                bubblewrap: Ok(()), ..
            } => Some(Kind::Bubblewrap),
            Self {
                landlock: Ok(()), ..
            } => Some(Kind::Landlock),
            _ => None,
        }
    }
}

/// Why walls do not stand, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// No program.
    #[error(
        "bubblewrap is not installed: install the package `bubblewrap` of your distribution \
         (apt install bubblewrap, dnf install bubblewrap)"
    )]
    NoBubblewrap,
    /// It fails.
    #[error(
        "bubblewrap does not work here ({0}): allow unprivileged user namespaces (sysctl \
         user.max_user_namespaces above 0, kernel.unprivileged_userns_clone=1, on Ubuntu \
         kernel.apparmor_restrict_unprivileged_userns=0 or a profile for bwrap), in a container \
         also an unmasked /proc; version 0.8 or newer is needed"
    )]
    BubblewrapFails(String),
    /// An old kernel, or one without it.
    #[error(
        "Landlock does not work here ({0}): it needs Linux 6.7 or newer with `landlock` among the \
         kernel's `lsm`"
    )]
    Landlock(String),
    /// Something else did not work.
    #[error("cannot try whether a sandbox works: {0}")]
    Io(#[from] io::Error),
}

/// Tries what works, for builds as this sandbox has them; its kind does not matter.
#[must_use]
pub fn detect(sandbox: &Sandbox) -> Detected {
    Detected {
        bubblewrap: try_bubblewrap(sandbox),
        landlock: try_landlock(),
    }
}

fn try_bubblewrap(sandbox: &Sandbox) -> Result<(), Missing> {
    let mut trial = bubblewrap::trial(sandbox)?;
    let command = &mut trial.command;
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(Stdio::piped());
    let child = trial.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Missing::NoBubblewrap,
        _ => Missing::Io(error),
    })?;
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or("without a word").trim();
    Err(Missing::BubblewrapFails(said.chars().take(300).collect()))
}

/// On a thread of its own: only that one is restricted.
fn try_landlock() -> Result<(), Missing> {
    let rules = Rules {
        readable: Vec::new(),
        writable: Vec::new(),
        network: Network::Off,
    };
    let tried = thread::Builder::new().spawn(move || {
        rules
            .restrict_this_thread()
            .map_err(|error| Missing::Landlock(error.to_string()))?;
        match std::fs::read_dir("/") {
            Ok(_) => Err(Missing::Landlock("files stay readable".to_owned())),
            Err(_) => Ok(()),
        }
    })?;
    let panicked = |_| Err(io::Error::other("the trying thread panicked").into());
    tried.join().unwrap_or_else(panicked)
}
