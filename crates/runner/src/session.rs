//! One shell inside the walls, and everything that is heard of it.

pub(crate) mod script;
mod status;
mod streams;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, Write},
    os::fd::OwnedFd,
    path::Path,
    process::{Child, ChildStdin, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open},
    time::Timespec,
};

use self::{
    status::Message,
    streams::{Streams, nonblocking},
};
use crate::{
    limits::{Breach, Limits},
    log::Output,
    rlimits,
    sandbox::{Folders, Kind, Sandbox},
    stop::{Bell, Stop},
    tree,
    watch::Watch,
};

/// How long killed processes may take to be gone. Only one that waits for a broken disk takes
/// longer.
const DYING: Duration = Duration::from_secs(30);
/// How long the shell may take to end by itself when there are no more commands.
const LEAVING: Duration = Duration::from_secs(2);

/// What the session needs to know of its build.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) sandbox: &'a Sandbox,
    pub(crate) folders: &'a Folders,
    pub(crate) limits: &'a Limits,
    pub(crate) shell: &'a Path,
    pub(crate) bell: &'a Bell,
}

/// What a build listens to while it waits for its shell.
pub(crate) struct Ears<'a> {
    pub(crate) output: Output<'a>,
    pub(crate) stop: &'a Stop,
    pub(crate) deadline: Instant,
}

/// Why a build ends before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Interruption {
    Stopped,
    TimedOut,
    Breach(Breach),
    /// The status channel holds what no shell of ours said.
    Disturbed,
    /// The walls or the shell did not stand up: a sentence.
    NoShell(String),
    /// The machine does not play along: a sentence.
    Machine(String),
}

impl From<io::Error> for Interruption {
    fn from(error: io::Error) -> Self {
        Self::Machine(format!(
            "the machine refused a system call to the runner: {error}"
        ))
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    /// The shell goes on.
    Ended(u8),
    /// The shell ended with the command.
    WithTheShell(u8),
}

#[derive(Debug)]
struct First {
    pid: Pid,
    pidfd: OwnedFd,
}

enum Heard {
    Message(Message),
    Ended(u8),
}

/// A running shell. Dropping it kills the whole tree of its processes.
#[derive(Debug)]
pub(crate) struct Session {
    kind: Kind,
    child: Child,
    pidfd: OwnedFd,
    /// Closed, it tells the loop that there are no more commands.
    commands: Option<ChildStdin>,
    streams: Streams,
    bell: Bell,
    /// The first process inside own namespaces: with it the kernel ends all others there, and
    /// bubblewrap does not wait for that.
    first_inside: Option<First>,
    most_output: u64,
    watch: Option<Watch>,
    gone: bool,
}

impl Session {
    /// Builds the walls and starts the shell.
    pub(crate) fn start(place: Place<'_>, ears: &mut Ears<'_>) -> Result<Self, Interruption> {
        let mut session = Self::spawn(place)?;
        session.expect(&Message::Up, ears)?;
        session.watch(place)?;
        session.send("go")?;
        session.expect(&Message::Ready, ears)?;
        Ok(session)
    }

    fn spawn(place: Place<'_>) -> Result<Self, Interruption> {
        let control = place.sandbox.places(place.folders).control;
        let uid = place.sandbox.user.map(|user| user.uid);
        let mut program: Vec<OsString> = vec![
            rlimits::stage_shell().into(),
            "-c".into(),
            script::STAGE.into(),
            "chela".into(),
            place.shell.into(),
            control.into(),
        ];
        program.extend(rlimits::arguments(place.limits, uid).map(OsString::from));
        let mut command = place.sandbox.command(place.folders, &program);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            let program = command.get_program().to_string_lossy().into_owned();
            Interruption::NoShell(format!("cannot start `{program}`: {error}"))
        })?;
        let pipe = || io::Error::other("a pipe is missing");
        let commands = child.stdin.take().ok_or_else(pipe)?;
        let output = child.stdout.take().ok_or_else(pipe)?;
        let status = child.stderr.take().ok_or_else(pipe)?;
        nonblocking(&commands)?;
        Ok(Self {
            kind: place.sandbox.kind,
            pidfd: open_pidfd(Pid::from_child(&child))?,
            child,
            commands: Some(commands),
            streams: Streams::new(output.into(), status.into())?,
            bell: place.bell.clone(),
            first_inside: None,
            most_output: place.limits.output,
            watch: None,
            gone: false,
        })
    }

    /// Now the only process inside is our own stage, and waits.
    fn watch(&mut self, place: Place<'_>) -> Result<(), Interruption> {
        let root = Pid::from_child(&self.child);
        if self.kind == Kind::Bubblewrap {
            let pid = tree::descendants(root).first().copied().ok_or_else(|| {
                let sentence = "the build's first process cannot be found in /proc";
                Interruption::Machine(sentence.to_owned())
            })?;
            self.first_inside = Some(First {
                pid,
                pidfd: open_pidfd(pid)?,
            });
        }
        let folders = place.folders.writable().map(Path::to_owned).to_vec();
        let bell = place.bell.clone();
        self.watch = Some(Watch::start(root, folders, place.limits.clone(), bell));
        Ok(())
    }

    fn expect(&mut self, expected: &Message, ears: &mut Ears<'_>) -> Result<(), Interruption> {
        match self.listen(ears)? {
            Heard::Message(message) if message == *expected => Ok(()),
            Heard::Message(_) => Err(Interruption::Disturbed),
            Heard::Ended(status) => {
                let complaint = self.streams.status.complaint();
                Err(Interruption::NoShell(match complaint.as_str() {
                    "" => format!("the build's shell ended at once, with status {status}"),
                    said => format!("the build's shell did not start: {said}"),
                }))
            }
        }
    }

    /// Runs the command of this number.
    pub(crate) fn run(&mut self, number: usize, ears: &mut Ears<'_>) -> Result<Ran, Interruption> {
        self.send(&format!("run {number}"))?;
        match self.listen(ears)? {
            Heard::Message(Message::Done {
                number: done,
                status,
            }) if done == number => Ok(Ran::Ended(status)),
            Heard::Message(_) => Err(Interruption::Disturbed),
            Heard::Ended(status) => Ok(Ran::WithTheShell(status)),
        }
    }

    /// Sets `CODEBUILD_BUILD_SUCCEEDING` for the commands that follow.
    pub(crate) fn succeeding(&mut self, value: &str) -> Result<(), Interruption> {
        self.send(&format!("succeeding {value}"))
    }

    /// The values asked for in the control folder; none if the shell ends over them.
    pub(crate) fn values(
        &mut self,
        ears: &mut Ears<'_>,
    ) -> Result<BTreeMap<String, String>, Interruption> {
        self.send("values")?;
        match self.listen(ears)? {
            Heard::Message(Message::Values(values)) => Ok(values),
            Heard::Message(_) => Err(Interruption::Disturbed),
            Heard::Ended(_) => Ok(BTreeMap::new()),
        }
    }

    fn send(&mut self, line: &str) -> Result<(), Interruption> {
        let Some(commands) = &mut self.commands else {
            return Ok(());
        };
        match commands.write_all(format!("{line}\n").as_bytes()) {
            // A full pipe: nobody reads commands, but somebody said that they had been run.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Interruption::Disturbed),
            // A closed one: the shell is about to end, which is heard next.
            Err(_) | Ok(()) => Ok(()),
        }
    }

    /// Waits for a message or the end, and passes on what the build prints.
    fn listen(&mut self, ears: &mut Ears<'_>) -> Result<Heard, Interruption> {
        loop {
            self.interruption(ears)?;
            if let Some(message) = self.streams.status.next() {
                // What the command printed is in the pipe by now, and belongs before what follows.
                self.streams.drain(&mut ears.output)?;
                return Ok(Heard::Message(message));
            }
            let ended = self.wait(ears.deadline)?;
            self.streams.read(&mut ears.output)?;
            if ended {
                let status = self.reap()?;
                self.streams.drain(&mut ears.output)?;
                return Ok(Heard::Ended(status));
            }
        }
    }

    fn interruption(&self, ears: &Ears<'_>) -> Result<(), Interruption> {
        if ears.stop.is_stopped() {
            return Err(Interruption::Stopped);
        }
        if Instant::now() >= ears.deadline {
            return Err(Interruption::TimedOut);
        }
        if let Some(breach) = self.watch.as_ref().and_then(Watch::breach) {
            return Err(Interruption::Breach(breach));
        }
        if ears.output.printed() > self.most_output {
            return Err(Interruption::Breach(Breach::Output(self.most_output)));
        }
        Ok(())
    }

    /// Sleeps until something can be read, the bell rings, or it is time; says whether the child
    /// has ended.
    fn wait(&self, until: Instant) -> io::Result<bool> {
        let mut fds = vec![
            PollFd::new(&self.pidfd, PollFlags::IN),
            PollFd::new(&self.bell, PollFlags::IN),
        ];
        fds.extend(
            self.streams
                .open()
                .map(|stream| PollFd::new(stream, PollFlags::IN)),
        );
        wait_for(&mut fds, until)?;
        Ok(!fds[0].revents().is_empty())
    }

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
            // bubblewrap takes its child with it.
            (Kind::Bubblewrap, None) => drop(self.child.kill()),
            // `confine` hears that nobody reads its channel any more, and kills the tree.
            (Kind::Landlock | Kind::None, _) => self.streams.close_status(),
        }
        self.reap().map(drop)
    }

    /// Waits until the killed or ended child is gone, and all others with it.
    fn reap(&mut self) -> Result<u8, Interruption> {
        let until = Instant::now() + DYING;
        for pidfd in [
            Some(&self.pidfd),
            self.first_inside.as_ref().map(|first| &first.pidfd),
        ] {
            let Some(pidfd) = pidfd else { continue };
            let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
            wait_for(&mut fds, until)?;
            if fds[0].revents().is_empty() {
                let _ = self.child.kill();
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

fn open_pidfd(pid: Pid) -> io::Result<OwnedFd> {
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

/// Polls until an event or this moment.
fn wait_for(fds: &mut [PollFd<'_>], until: Instant) -> io::Result<()> {
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
