//! A thread that looks at what a build takes, several times a second.

use std::{
    io,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::process::Pid;

use crate::{
    disk::{self, Seen},
    limits::{Breach, Limits},
    stop::Bell,
    tree,
};

/// How often the processes are looked at.
const PROCESSES: Duration = Duration::from_millis(50);
/// How often the folders are, at most.
const FOLDERS: Duration = Duration::from_millis(250);
/// A walk of the folders may take this share of the time: one part in so many.
const SHARE: u32 = 10;
/// So many walks in a row that could not look everywhere are too many: five seconds at least. Tests
/// lock a folder for moments.
const IN_PART: u32 = 20;

/// Watches until it is dropped; rings the bell at the first breach.
#[derive(Debug)]
pub(crate) struct Watch {
    found: Arc<OnceLock<Breach>>,
    ended: Arc<AtomicBool>,
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Fails where the system refuses a thread.
    pub(crate) fn start(
        root: Pid,
        folders: Vec<PathBuf>,
        limits: Limits,
        bell: Bell,
    ) -> io::Result<Self> {
        let (end, end_received) = mpsc::channel::<()>();
        let found = Arc::new(OnceLock::new());
        let ended = Arc::new(AtomicBool::new(false));
        let mut watcher = Watcher::new(root, folders, limits, ended.clone());
        let report = found.clone();
        let thread = thread::Builder::new().spawn(move || {
            while end_received.recv_timeout(PROCESSES) == Err(RecvTimeoutError::Timeout) {
                if let Some(breach) = watcher.look() {
                    let _ = report.set(breach);
                    bell.ring();
                    return;
                }
            }
        })?;
        Ok(Self {
            found,
            ended,
            end: Some(end),
            thread: Some(thread),
        })
    }

    pub(crate) fn breach(&self) -> Option<Breach> {
        self.found.get().copied()
    }
}

impl Watch {
    /// Ends the watching; says what it has found.
    pub(crate) fn end(mut self) -> Option<Breach> {
        self.join();
        self.breach()
    }

    fn join(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        self.end = None;
        if let Some(thread) = self.thread.take() {
            // It cannot panic on what a build does; if it did, the build is over anyway.
            let _ = thread.join();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.join();
    }
}

struct Watcher {
    root: Pid,
    folders: Vec<PathBuf>,
    disks: Vec<u64>,
    limits: Limits,
    ended: Arc<AtomicBool>,
    next_walk: Instant,
    /// The walks in a row that could not look everywhere.
    in_part: u32,
}

impl Watcher {
    fn new(root: Pid, folders: Vec<PathBuf>, limits: Limits, ended: Arc<AtomicBool>) -> Self {
        let device = |folder: &PathBuf| std::fs::metadata(folder).ok().map(|meta| meta.dev());
        let disks = folders.iter().filter_map(device).collect();
        Self {
            root,
            folders,
            disks,
            limits,
            ended,
            next_walk: Instant::now() + FOLDERS,
            in_part: 0,
        }
    }

    fn look(&mut self) -> Option<Breach> {
        let pids = tree::descendants(self.root);
        let taken = tree::taken(&pids, self.limits.memory, &self.disks);
        if taken.processes > self.limits.processes {
            return Some(Breach::Processes(self.limits.processes));
        }
        if taken.memory > self.limits.memory {
            return Some(Breach::Memory(self.limits.memory));
        }
        if Instant::now() < self.next_walk {
            return None;
        }
        self.walk(taken.deleted)
    }

    fn walk(&mut self, deleted: u64) -> Option<Breach> {
        let started = Instant::now();
        let folders: Vec<_> = self.folders.iter().map(PathBuf::as_path).collect();
        let ended = || self.ended.load(Ordering::Relaxed);
        let counted = disk::count(&folders, &self.limits, deleted, &ended);
        self.next_walk = Instant::now() + FOLDERS.max(started.elapsed() * SHARE);
        self.in_part = match counted {
            Ok(Seen::All) => 0,
            Ok(Seen::Part) => self.in_part + 1,
            Err(breach) => return Some(breach),
        };
        (self.in_part >= IN_PART).then_some(Breach::Unreadable)
    }
}
