//! A build ends with all that it started, however it ends.

use std::{
    fs,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Child, Command},
};

use chela_runner::{Kind, LogSink, Outcome, Stop};
use rustix::{
    fs::{CWD, Mode, OFlags, fcntl_setfl, mkfifoat},
    process::{Pid, PidfdFlags, pidfd_open},
};

use crate::support::{Bench, buildspec, inside, wait_for};

const KINDS: [Kind; 3] = [Kind::Bubblewrap, Kind::Landlock, Kind::None];

#[test]
fn what_a_build_leaves_behind_ends_with_it() {
    for kind in KINDS {
        let bench = Bench::new(kind);
        let ran = bench.commands(&[
            "sleep 600 &",
            "setsid sleep 600 > /dev/null 2>&1 &",
            "nohup sleep 600 &",
            "(setsid sh -c 'sleep 600 & sleep 600' &)",
            "perl -e 'fork and exit; setpgrp; $SIG{$_} = \"IGNORE\" for qw(TERM HUP INT QUIT); \
             fork and exit; sleep 600'",
            "echo last",
        ]);
        ran.succeeded();
        assert!(ran.printed().ends_with("last\n"), "{}", ran.log);
        assert_eq!(inside(&bench.source()), [], "{kind:?}: processes are left");
    }
}

#[test]
fn a_background_process_that_prints_for_ever_does_not_hold_the_build() {
    for kind in KINDS {
        let bench = Bench::new(kind);
        let ran = bench.commands(&["yes &", "echo next", "echo last"]);
        ran.succeeded();
        assert_eq!(inside(&bench.source()), [], "{kind:?}: processes are left");
    }
}

#[test]
fn a_build_may_close_its_output() {
    for kind in KINDS {
        let ran = Bench::new(kind).commands(&[
            "echo first",
            "exec >&- 2>&-",
            "touch after-that",
            "test -e after-that",
        ]);
        ran.succeeded();
        assert_eq!(ran.printed(), "first\n", "{kind:?}");
    }
}

#[test]
fn a_shell_may_say_goodbye_but_not_for_ever() {
    let ran = Bench::new(Kind::Bubblewrap).commands(&["trap 'echo goodbye' EXIT"]);
    ran.succeeded();
    assert_eq!(ran.printed(), "goodbye\n");
    let bench = Bench::new(Kind::Bubblewrap);
    bench.commands(&["trap 'sleep 600' EXIT"]).succeeded();
    assert_eq!(inside(&bench.source()), [], "processes are left");
}

/// Stops its build as soon as it prints something.
struct Stopper(Stop, Vec<u8>);

impl LogSink for Stopper {
    fn write(&mut self, bytes: &[u8]) {
        self.1.extend_from_slice(bytes);
        if String::from_utf8_lossy(&self.1).contains("\nstarted") {
            let stop = self.0.clone();
            std::thread::spawn(move || stop.stop());
        }
    }
}

#[test]
fn another_thread_stops_a_build() {
    for kind in KINDS {
        let bench = Bench::new(kind);
        let stop = Stop::default();
        let mut log = Stopper(stop.clone(), Vec::new());
        let commands = buildspec(&["setsid sleep 600 &\necho started\nsleep 600", "echo never"]);
        let finished = bench.run_into(&commands, &stop, &mut log, &mut |_| {});
        assert_eq!(finished.outcome, Outcome::Stopped, "{kind:?}");
        assert_eq!(inside(&bench.source()), [], "{kind:?}: processes are left");
    }
}

#[test]
fn a_build_that_is_stopped_before_it_starts_does_not_start() {
    for kind in KINDS {
        let bench = Bench::new(kind);
        let stop = Stop::default();
        stop.stop();
        let ran = bench.run_until(&buildspec(&["touch started"]), &stop);
        assert_eq!(ran.finished.outcome, Outcome::Stopped);
        assert!(!bench.source().join("started").exists());
    }
}

#[test]
fn a_build_that_is_stopped_while_its_walls_are_built_leaves_nothing() {
    let mut bench = Bench::new(Kind::Bubblewrap);
    let tell = bench.path("tell");
    mkfifoat(CWD, &tell, Mode::empty()).unwrap();
    fs::set_permissions(&tell, fs::Permissions::from_mode(0o666)).unwrap();
    // Like bubblewrap before it has told its child to die with it.
    let script = format!(
        "#!/bin/sh\nperl -e 'sleep 600' {0} &\necho here > {0}\nwait\n",
        tell.display()
    );
    bench.sandbox.bubblewrap = bench.path("bwrap");
    fs::write(&bench.sandbox.bubblewrap, script).unwrap();
    fs::set_permissions(&bench.sandbox.bubblewrap, fs::Permissions::from_mode(0o755)).unwrap();

    let stop = Stop::default();
    let ran = std::thread::scope(|scope| {
        scope.spawn(|| {
            read(&tell);
            stop.stop();
        });
        bench.run_until(&buildspec(&["true"]), &stop)
    });

    assert_eq!(ran.finished.outcome, Outcome::Stopped);
    for pid in naming(&tell.display().to_string()) {
        if let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) {
            wait_for(pidfd, "the end of an unfinished sandbox");
        }
    }
}

/// The processes with this text among their arguments.
fn naming(text: &str) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter(|entry| {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(text)
        })
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// Where the parent below finds its bench, and its kind.
const PARENT: &str = "CHELA_TEST_PARENT";

#[test]
#[ignore = "started by the test below, which kills it"]
fn a_parent_that_will_be_killed() {
    let kind = std::env::var(PARENT).unwrap();
    let kind = KINDS
        .into_iter()
        .find(|known| format!("{known:?}") == kind)
        .unwrap();
    let bench = Bench::new(kind);
    fs::write(
        std::env::var("CHELA_TEST_TELL").unwrap(),
        bench.path("").as_os_str().as_encoded_bytes(),
    )
    .unwrap();
    bench.commands(&["setsid sleep 600 &", "echo started > started\nsleep 600"]);
}

#[test]
fn a_build_dies_with_the_program_that_runs_it() {
    for kind in KINDS {
        let folder = tempfile::tempdir().unwrap();
        let tell = folder.path().join("tell");
        mkfifoat(CWD, &tell, Mode::RWXU).unwrap();
        let mut parent = parent(kind, &tell);
        let source = PathBuf::from(read(&tell)).join("source");
        let processes = processes_of(&source);
        let pidfds: Vec<_> = processes
            .iter()
            .map(|pid| pidfd_open(*pid, PidfdFlags::empty()).expect("the build runs"))
            .collect();

        parent.kill().unwrap();
        parent.wait().unwrap();

        for pidfd in &pidfds {
            wait_for(pidfd, "the end of a process of the build");
        }
        assert_eq!(inside(&source), [], "{kind:?}: processes are left");
        chela_runner::remove(source.parent().unwrap()).unwrap();
    }
}

fn parent(kind: Kind, tell: &Path) -> Child {
    let test = "endings::a_parent_that_will_be_killed";
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", test])
        .env(PARENT, format!("{kind:?}"))
        .env("CHELA_TEST_TELL", tell)
        .spawn()
        .unwrap()
}

/// What somebody writes into a pipe.
fn read(pipe: &Path) -> String {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
    let mut pipe = fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(pipe)
        .unwrap();
    wait_for(&pipe, "word through the pipe");
    fcntl_setfl(&pipe, OFlags::empty()).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut pipe, &mut text).unwrap();
    text
}

/// The build's processes, once its second command has begun.
fn processes_of(source: &Path) -> Vec<Pid> {
    use rustix::fs::inotify;
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&watch, source, inotify::WatchFlags::CREATE).unwrap();
    if !source.join("started").exists() {
        wait_for(&watch, "the build's start");
    }
    let processes = inside(source);
    assert!(
        processes.len() >= 2,
        "a shell and what it left: {processes:?}"
    );
    processes
}
