//! The helper stage of the kinds without bubblewrap: a process between the runner and the build
//! that puts the build under its rules, adopts every process that the build leaves behind, and
//! kills them all when the build, or the runner, ends.
//!
//! It is reached as a hidden subcommand of the program, because a process can only restrict itself.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    io,
    os::{fd::AsFd, unix::process::CommandExt},
    process::{Child, Command, ExitCode},
    thread,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    process::{
        Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, kill_process, pidfd_open,
        set_child_subreaper, setsid, wait,
    },
};

use crate::{
    folder::User,
    sandbox::{Network, landlock::Rules},
    tree,
};

/// Why a build could not be confined.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The arguments are not the runner's.
    #[error(
        "`confine` is started by the runner alone; `{}` is no argument of it",
        .0.to_string_lossy()
    )]
    Argument(OsString),
    /// No program.
    #[error("`confine` is started by the runner alone; it names no program to run")]
    NoProgram,
    /// The kernel refused.
    #[error("this kernel cannot put the build under Landlock's rules ({0}); use bubblewrap")]
    Rules(#[from] landlock::RulesetError),
    /// Something else did not work.
    #[error("cannot start the build's shell: {0}")]
    Io(#[from] io::Error),
}

/// What the arguments say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Confinement {
    /// None: no rules at all.
    pub(crate) rules: Option<Rules>,
    pub(crate) user: Option<User>,
    pub(crate) program: Vec<OsString>,
}

impl Confinement {
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        if let Some(rules) = &self.rules {
            arguments.push("--landlock".into());
            for (name, paths) in [("--read", &rules.readable), ("--write", &rules.writable)] {
                arguments.extend(paths.iter().flat_map(|path| [name.into(), path.into()]));
            }
            if rules.network == Network::On {
                arguments.push("--network".into());
            }
        }
        if let Some(user) = self.user {
            arguments.extend(["--user".into(), format!("{}:{}", user.uid, user.gid).into()]);
        }
        arguments.push("--".into());
        arguments.extend(self.program.iter().cloned());
        arguments
    }

    pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Error> {
        let mut arguments = arguments.into_iter();
        let empty = Rules {
            readable: Vec::new(),
            writable: Vec::new(),
            network: Network::Off,
        };
        let mut confinement = Self {
            rules: None,
            user: None,
            program: Vec::new(),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| Error::Argument(argument.clone()))
            };
            match (argument.to_str(), &mut confinement.rules) {
                (Some("--landlock"), rules) => *rules = Some(empty.clone()),
                (Some("--read"), Some(rules)) => rules.readable.push(value()?.into()),
                (Some("--write"), Some(rules)) => rules.writable.push(value()?.into()),
                (Some("--network"), Some(rules)) => rules.network = Network::On,
                (Some("--user"), _) => confinement.user = Some(user(value()?)?),
                (Some("--"), _) => {
                    confinement.program.extend(arguments.by_ref());
                }
                _ => return Err(Error::Argument(argument)),
            }
        }
        if confinement.program.is_empty() {
            Err(Error::NoProgram)
        } else {
            Ok(confinement)
        }
    }
}

fn user(text: OsString) -> Result<User, Error> {
    let parsed = text.to_str().and_then(|text| {
        let (uid, gid) = text.split_once(':')?;
        Some(User {
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
        })
    });
    parsed.ok_or(Error::Argument(text))
}

/// The body of the hidden subcommand: give it the arguments after `confine`.
///
/// Its standard input and output are the build's. Standard error is the channel to the runner: when
/// nobody reads it any more, the runner is gone, and so is the build.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Result<ExitCode, Error> {
    let confinement = Confinement::parse(arguments)?;
    // Out of the runner's terminal. Fails only for a leader of a session: then it is out already.
    let _ = setsid();
    set_child_subreaper(rustix::thread::gettid().into()).map_err(io::Error::from)?;
    let child = thread::scope(|scope| {
        let start = thread::Builder::new().spawn_scoped(scope, || confinement.start())?;
        let panicked = |_| Err(io::Error::other("the confining thread panicked").into());
        start.join().unwrap_or_else(panicked)
    })?;
    let status = watch(&child)?;
    Ok(ExitCode::from(code(status)))
}

impl Confinement {
    /// Restricts the calling thread alone: this process must stay able to kill the build.
    fn start(&self) -> Result<Child, Error> {
        if let Some(rules) = &self.rules {
            rules.restrict_this_thread()?;
        }
        let (program, arguments) = self.program.split_first().ok_or(Error::NoProgram)?;
        let mut command = Command::new(program);
        command.args(arguments);
        if let Some(user) = self.user {
            command.uid(user.uid).gid(user.gid);
        }
        Ok(command.spawn()?)
    }
}

/// Waits for the end of the build or of the runner, and leaves no process behind.
fn watch(child: &Child) -> io::Result<Option<WaitStatus>> {
    let pid = Pid::from_child(child);
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    let channel = io::stderr();
    let mut fds = [
        PollFd::new(&pidfd, PollFlags::IN),
        // Asks for nothing: that the reader is gone is told unasked.
        PollFd::from_borrowed_fd(channel.as_fd(), PollFlags::empty()),
    ];
    while let Err(error) = poll(&mut fds, None) {
        if error != Errno::INTR {
            return Err(error.into());
        }
    }
    Ok(reap(pid))
}

/// Kills every descendant until none is left; says how `child` ended.
fn reap(child: Pid) -> Option<WaitStatus> {
    let mut ended = None;
    let myself = rustix::process::getpid();
    let mut options = WaitOptions::NOHANG;
    loop {
        match wait(options) {
            Ok(Some((pid, status))) => {
                if pid == child {
                    ended = Some(status);
                }
                options = WaitOptions::NOHANG;
            }
            Ok(None) => {
                kill_all(myself);
                options = WaitOptions::empty();
            }
            Err(Errno::INTR) => {}
            Err(_) => return ended,
        }
    }
}

/// Stops everything before it kills anything: processes that fork without end would else grow back
/// as fast as they are killed.
fn kill_all(root: Pid) {
    let mut stopped = BTreeSet::new();
    loop {
        let mut found = tree::descendants(root);
        found.retain(|pid| stopped.insert(pid.as_raw_nonzero()));
        if found.is_empty() {
            break;
        }
        signal(found, Signal::STOP);
    }
    signal(
        stopped
            .into_iter()
            .filter_map(|pid| Pid::from_raw(pid.get())),
        Signal::KILL,
    );
}

fn signal(pids: impl IntoIterator<Item = Pid>, signal: Signal) {
    for pid in pids {
        // One that has ended meanwhile needs no signal.
        let _ = kill_process(pid, signal);
    }
}

/// As shells say it: 128 and the signal's number.
fn code(status: Option<WaitStatus>) -> u8 {
    let code = status.and_then(|status| match status.terminating_signal() {
        Some(signal) => u8::try_from(128 + signal).ok(),
        None => status
            .exit_status()
            .and_then(|code| u8::try_from(code).ok()),
    });
    code.unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(list: &[&str]) -> Vec<OsString> {
        list.iter().map(OsString::from).collect()
    }

    #[test]
    fn what_the_runner_says_is_what_the_stage_hears() {
        let rules = Rules {
            readable: vec!["/usr".into(), "/a b".into()],
            writable: vec!["--".into()],
            network: Network::On,
        };
        for confinement in [
            Confinement {
                rules: Some(rules.clone()),
                user: Some(User { uid: 7, gid: 8 }),
                program: arguments(&["/bin/sh", "--", "--read"]),
            },
            Confinement {
                rules: Some(Rules {
                    network: Network::Off,
                    ..rules
                }),
                user: None,
                program: arguments(&["sh"]),
            },
            Confinement {
                rules: None,
                user: None,
                program: arguments(&["sh"]),
            },
        ] {
            let heard = Confinement::parse(confinement.arguments()).unwrap();
            assert_eq!(heard, confinement);
        }
    }

    #[test]
    fn arguments_that_are_not_the_runners_are_refused() {
        for list in [
            &["--read", "/", "--", "sh"][..],
            &["--landlock", "--read"],
            &["--landlock", "--user", "7", "--", "sh"],
            &["--landlock", "sh"],
            &["--landlock", "--"],
            &[],
        ] {
            let refused = Confinement::parse(arguments(list)).unwrap_err();
            assert!(
                refused.to_string().contains("started by the runner alone"),
                "{list:?}"
            );
        }
    }
}
