//! A build in its own folders, on this very machine.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::{
        fd::AsFd,
        unix::fs::{MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use chela_buildspec::{PhaseResult, Stage, parse};
use chela_runner::{
    Build, Confine, Event, Finished, Kind, Limits, LogSink, Network, Outcome, Sandbox, Stop,
    detect, run,
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::Pid,
    time::Timespec,
};
use tempfile::TempDir;

/// The folders and settings of one build.
pub struct Bench {
    folder: TempDir,
    pub sandbox: Sandbox,
    pub limits: Limits,
    pub variables: BTreeMap<String, String>,
}

/// What came of it.
#[derive(Debug)]
pub struct Ran {
    pub finished: Finished,
    pub log: String,
    pub events: Vec<Event>,
}

/// The walls of this kind, on a machine that has them: these tests need them all.
pub fn sandbox(kind: Kind) -> Sandbox {
    let mut sandbox = Sandbox::new(kind).unwrap();
    sandbox.confine = Confine {
        program: confine(),
        arguments: Vec::new(),
    };
    let detected = detect(&sandbox);
    let missing = match kind {
        Kind::Bubblewrap => detected.bubblewrap.err(),
        Kind::Landlock => detected.landlock.err(),
        Kind::None => None,
    };
    if let Some(missing) = missing {
        panic!("this test needs a machine with the sandbox it tests: {missing}");
    }
    sandbox
}

/// Tells the tests, run anew by another user, where the helper stage is.
pub const CONFINE: &str = "CHELA_TEST_CONFINE";

pub fn confine() -> PathBuf {
    std::env::var_os(CONFINE)
        .map_or_else(|| env!("CARGO_BIN_EXE_chela-confine").into(), PathBuf::from)
}

impl Bench {
    pub fn new(kind: Kind) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The builds' own user must reach what is below.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
        for name in ["source", "scratch", "artifacts"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let limits = Limits {
            time: Duration::from_mins(1),
            ..Limits::default()
        };
        Self {
            folder,
            sandbox: sandbox(kind),
            limits,
            variables: BTreeMap::new(),
        }
    }

    pub fn with_network(mut self) -> Self {
        self.sandbox.network = Network::On;
        self
    }

    pub fn with_limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn source(&self) -> PathBuf {
        self.path("source")
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.source().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn artifact(&self, name: &str) -> String {
        let path = self.path("artifacts").join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn run(&self, buildspec: &str) -> Ran {
        self.run_until(buildspec, &Stop::default())
    }

    pub fn run_until(&self, buildspec: &str, stop: &Stop) -> Ran {
        let mut events = Vec::new();
        let (finished, log) = self.run_with(buildspec, stop, &mut |event| events.push(event));
        Ran {
            finished,
            log,
            events,
        }
    }

    fn run_with(
        &self,
        buildspec: &str,
        stop: &Stop,
        on: &mut dyn FnMut(Event),
    ) -> (Finished, String) {
        let mut log = Vec::new();
        let finished = self.run_into(buildspec, stop, &mut log, on);
        (finished, String::from_utf8_lossy(&log).into_owned())
    }

    pub fn run_into(
        &self,
        buildspec: &str,
        stop: &Stop,
        log: &mut dyn LogSink,
        on: &mut dyn FnMut(Event),
    ) -> Finished {
        let spec = parse(buildspec.as_bytes()).unwrap();
        let build = Build {
            spec: &spec,
            source: &self.source(),
            scratch: &self.path("scratch"),
            artifacts: &self.path("artifacts"),
            variables: &self.variables,
            sandbox: &self.sandbox,
            limits: &self.limits,
            log,
        };
        run(build, stop, on)
    }

    /// Runs these commands, one list item each, in the phase `build`.
    pub fn commands(&self, commands: &[&str]) -> Ran {
        self.run(&buildspec(commands))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // What builds lock, `TempDir` alone cannot remove.
        for name in ["source", "scratch", "artifacts"] {
            let _ = chela_runner::remove(&self.path(name));
        }
    }
}

/// A buildspec with these commands in the phase `build`.
pub fn buildspec(commands: &[&str]) -> String {
    let mut text = "version: 0.2\nphases:\n  build:\n    commands:\n".to_owned();
    for command in commands {
        text.push_str("      - |\n");
        for line in command.lines() {
            text.extend(["        ", line, "\n"]);
        }
    }
    text
}

impl Ran {
    #[track_caller]
    pub fn succeeded(&self) -> &Self {
        assert_eq!(
            self.finished.outcome,
            Outcome::Succeeded,
            "the log:\n{}",
            self.log
        );
        self
    }

    #[track_caller]
    pub fn failed(&self) -> &chela_runner::Failure {
        match &self.finished.outcome {
            Outcome::Failed(failure) => failure,
            other => panic!(
                "{other:?} where a failure is expected; the log:\n{}",
                self.log
            ),
        }
    }

    /// The status of the command that failed first.
    #[track_caller]
    pub fn status(&self) -> u8 {
        match self.failed() {
            chela_runner::Failure::Command { status, .. } => *status,
            other => panic!(
                "{other:?} where a command should fail; the log:\n{}",
                self.log
            ),
        }
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(
            self.log.contains(text),
            "`{text}` is not in the log:\n{}",
            self.log
        );
        self
    }

    #[track_caller]
    pub fn says_not(&self, text: &str) -> &Self {
        assert!(
            !self.log.contains(text),
            "`{text}` is in the log:\n{}",
            self.log
        );
        self
    }

    /// The log without the runner's own lines: what the build printed.
    pub fn printed(&self) -> String {
        let lines = self.log.split_inclusive('\n');
        lines.filter(|line| !line.starts_with("[chela] ")).collect()
    }

    /// The stages in the order in which they ended.
    pub fn stages(&self) -> Vec<(Stage, PhaseResult)> {
        let ended = |event: &Event| match event {
            Event::Ended { stage, result, .. } => Some((*stage, *result)),
            Event::Started { .. } => None,
        };
        self.events.iter().filter_map(ended).collect()
    }
}

/// The processes of this machine that work in a folder, wherever their own root is.
pub fn inside(folder: &Path) -> Vec<Pid> {
    let of = |path: &Path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    let folder = of(folder);
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter(|entry| folder.is_some() && of(&entry.path().join("cwd")) == folder)
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// Waits until a descriptor can be read: a pipe with something in it, a process that has ended.
#[track_caller]
pub fn wait_for(fd: impl AsFd, what: &str) {
    let half_a_minute = Timespec {
        tv_sec: 30,
        tv_nsec: 0,
    };
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    let ready = poll(&mut fds, Some(&half_a_minute)).unwrap();
    assert_eq!(ready, 1, "{what} has not come in half a minute");
}
