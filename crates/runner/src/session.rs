//! One shell inside the walls, and everything that is heard of it.

mod ending;
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
    time::Instant,
};

use rustix::{
    event::{PollFd, PollFlags},
    process::{Pid, setpriority_process},
};

use self::{
    ending::{First, open_pidfd, wait_for},
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

/// The niceness of builds.
const LAST: i32 = 10;

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

impl Ears<'_> {
    /// Whether the build may go on.
    pub(crate) fn interruption(&self) -> Result<(), Interruption> {
        if self.stop.is_stopped() {
            return Err(Interruption::Stopped);
        }
        if Instant::now() >= self.deadline {
            return Err(Interruption::TimedOut);
        }
        Ok(())
    }
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
    first_inside: Option<First>,
    most_output: u64,
    /// What `CODEBUILD_BUILD_SUCCEEDING` is in the shell.
    succeeding: &'static str,
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
        let mut program: Vec<OsString> = vec![
            rlimits::stage_shell().into(),
            "-c".into(),
            script::STAGE.into(),
            "chela".into(),
            place.shell.into(),
            control.into(),
        ];
        program.extend(rlimits::arguments(place.limits, place.sandbox).map(OsString::from));
        let mut walled = place.sandbox.command(place.folders, &program)?;
        walled
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = walled.spawn().map_err(|error| {
            let program = walled.command.get_program().to_string_lossy().into_owned();
            Interruption::NoShell(format!("cannot start `{program}`: {error}"))
        })?;
        let pid = Pid::from_child(&child);
        let pipe = || io::Error::other("a pipe is missing");
        let commands = child.stdin.take().ok_or_else(pipe)?;
        let output = child.stdout.take().ok_or_else(pipe)?;
        let status = child.stderr.take().ok_or_else(pipe)?;
        nonblocking(&commands)?;
        Ok(Self {
            kind: place.sandbox.kind,
            pidfd: open_pidfd(pid)?,
            child,
            commands: Some(commands),
            streams: Streams::new(output.into(), status.into())?,
            bell: place.bell.clone(),
            first_inside: None,
            most_output: place.limits.output,
            succeeding: "1",
            watch: None,
            gone: false,
        })
    }

    /// Now the only process inside is our own stage, and waits.
    fn watch(&mut self, place: Place<'_>) -> Result<(), Interruption> {
        let root = Pid::from_child(&self.child);
        if self.kind == Kind::Bubblewrap {
            self.first_inside = Some(First::below(root)?);
        }
        for pid in tree::descendants(root) {
            // So that whoever must end it has its turn. Not in every container may root do this.
            let _ = setpriority_process(Some(pid), LAST);
        }
        let folders = place.folders.writable().map(Path::to_owned).to_vec();
        let bell = place.bell.clone();
        self.watch = Some(Watch::start(root, folders, place.limits.clone(), bell)?);
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
    pub(crate) fn succeeding(&mut self, value: &'static str) -> Result<(), Interruption> {
        if std::mem::replace(&mut self.succeeding, value) == value {
            return Ok(());
        }
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
                // The bell would ring on for a breach that nobody asks for any more.
                return match self.watch.take().and_then(Watch::end) {
                    Some(breach) => Err(Interruption::Breach(breach)),
                    None => Ok(Heard::Ended(status)),
                };
            }
        }
    }

    fn interruption(&self, ears: &Ears<'_>) -> Result<(), Interruption> {
        ears.interruption()?;
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
}
