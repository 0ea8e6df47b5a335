//! How a session ends: by itself or killed, and never before all its processes are gone.

use std::{
    io,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
    time::Timespec,
};

use super::{Ears, Interruption, Session};
use crate::{log::Output, sandbox::Kind, tree};

/// How long killed processes may take to be gone. Only one that waits for a broken disk takes
/// longer.
const DYING: Duration = Duration::from_mins(1);
/// How long the shell may take to end by itself when there are no more commands.
const LEAVING: Duration = Duration::from_secs(2);

/// The first process inside own namespaces: with it the kernel ends all others there.
#[derive(Debug)]
pub(super) struct First {
    pid: Pid,
    pidfd: OwnedFd,
}

impl First {
    /// Found below bubblewrap's own process.
    pub(super) fn below(root: Pid) -> Result<Self, Interruption> {
        let pid = tree::descendants(root).first().copied().ok_or_else(|| {
            let sentence = "the build's first process cannot be found in /proc";
            Interruption::Machine(sentence.to_owned())
        })?;
        let pidfd = open_pidfd(pid)?;
        Ok(Self { pid, pidfd })
    }
}

impl Session {
    /// Lets the shell end by itself, within bounds, then kills what is left.
    pub(crate) fn leave(mut self, ears: &mut Ears<'_>) -> Result<(), Interruption> {
        self.commands = None;
        let own = ears.deadline;
        ears.deadline = own.min(Instant::now() + LEAVING);
        let left = self.listen(ears);
        ears.deadline = own;
        match left {
            Err(Interruption::TimedOut) | Ok(_) => self.end(&mut ears.output),
            Err(interruption) => Err(interruption),
        }
    }

    /// Kills the whole tree and waits until it is gone.
    pub(crate) fn end(&mut self, output: &mut Output<'_>) -> Result<(), Interruption> {
        self.kill()?;
        self.streams.drain(output)?;
        Ok(())
    }

    fn kill(&mut self) -> Result<(), Interruption> {
        self.watch = None;
        if self.gone {
            return Ok(());
        }
        self.commands = None;
        match (self.kind, &self.first_inside) {
            (Kind::Bubblewrap, Some(first)) => drop(kill_process(first.pid, Signal::KILL)),
            (Kind::Bubblewrap, None) => self.kill_unfinished_walls(),
            // `confine` hears that nobody reads its channel any more, and kills the tree.
            (Kind::Landlock | Kind::None, _) => self.streams.close_status(),
        }
        self.reap().map(drop)
    }

    /// bubblewrap's child dies with it only after it was told so, and waits for ever if bubblewrap
    /// is killed before that. Stopped first, bubblewrap starts no child that is not seen here.
    fn kill_unfinished_walls(&mut self) {
        let root = Pid::from_child(&self.child);
        let _ = kill_process(root, Signal::STOP);
        for pid in tree::descendants(root) {
            let _ = kill_process(pid, Signal::KILL);
        }
        let _ = self.child.kill();
    }

    /// Waits until the killed or ended child is gone, and all others with it: bubblewrap itself
    /// does not wait for those.
    pub(super) fn reap(&mut self) -> Result<u8, Interruption> {
        let until = Instant::now() + DYING;
        let first = self.first_inside.as_ref().map(|first| &first.pidfd);
        for pidfd in [Some(&self.pidfd), first].into_iter().flatten() {
            let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
            wait_for(&mut fds, until)?;
            if fds[0].revents().is_empty() {
                // `confine` goes on: without it nobody would know what is left.
                if self.kind == Kind::Bubblewrap {
                    let _ = self.child.kill();
                }
                let left = "processes of the build cannot be killed: look for a broken disk";
                return Err(Interruption::Machine(left.to_owned()));
            }
        }
        self.gone = true;
        Ok(status_of(self.child.wait()?))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Whoever wanted to know whether it worked has called `end`.
        let _ = self.kill();
    }
}

pub(super) fn open_pidfd(pid: Pid) -> io::Result<OwnedFd> {
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

/// Polls until an event or this moment.
pub(super) fn wait_for(fds: &mut [PollFd<'_>], until: Instant) -> io::Result<()> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(fds, Some(&timeout)) {
            Err(rustix::io::Errno::INTR) => {}
            result => return Ok(result.map(drop)?),
        }
    }
}

/// As shells say it.
fn status_of(status: std::process::ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt;
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}
