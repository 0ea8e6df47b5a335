//! Builds that take too much.

use std::time::Duration;

use chela_runner::{Breach, Failure, Kind, Limits, Outcome};

use crate::support::{Bench, Ran, inside};

const KINDS: [Kind; 3] = [Kind::Bubblewrap, Kind::Landlock, Kind::None];
const MIB: u64 = 1 << 20;

fn bench(kind: Kind, change: impl FnOnce(&mut Limits)) -> Bench {
    Bench::new(kind).with_limits(change)
}

#[track_caller]
fn breached(bench: &Bench, ran: &Ran, breach: Breach) {
    assert_eq!(
        *ran.failed(),
        Failure::Limit(breach),
        "the log:\n{}",
        ran.log
    );
    assert_eq!(inside(&bench.source()), [], "processes are left");
}

#[test]
fn a_build_with_too_many_processes_ends() {
    for kind in KINDS {
        let bench = bench(kind, |limits| limits.processes = 100);
        let ran = bench.commands(&["perl -e 'for (1..500) { fork() // last or last }\nsleep 600'"]);
        breached(&bench, &ran, Breach::Processes(100));
    }
}

#[test]
fn a_fork_bomb_ends() {
    let bombs = [
        "bomb() { bomb | bomb & }\nbomb\nsleep 600",
        "bomb() { sleep 600 & bomb & bomb; }\nbomb",
        "perl -e 'fork while 1'",
    ];
    for (kind, bomb) in KINDS
        .into_iter()
        .flat_map(|kind| bombs.map(|bomb| (kind, bomb)))
    {
        let bench = bench(kind, |limits| {
            limits.processes = 100;
            limits.time = Duration::from_secs(2);
        });
        let ran = bench.commands(&[bomb]);
        // What the kernel has refused before, the watcher may never see.
        assert!(
            matches!(
                ran.finished.outcome,
                Outcome::TimedOut(_) | Outcome::Failed(_)
            ),
            "{kind:?}, {bomb}: {:?}",
            ran.finished.outcome
        );
        assert_eq!(
            inside(&bench.source()),
            [],
            "{kind:?}, {bomb}: processes are left"
        );
    }
}

#[test]
fn processes_that_together_take_too_much_memory_end() {
    for kind in KINDS {
        let bench = bench(kind, |limits| limits.memory = 200 * MIB);
        let ran = bench.commands(&[
            "for one in 1 2 3 4 5 6; do\n  perl -e '$x = \"x\" x (50 << 20); sleep 600' &\ndone\nwait",
        ]);
        breached(&bench, &ran, Breach::Memory(200 * MIB));
    }
}

#[test]
fn a_single_process_cannot_have_more_memory_than_the_build() {
    let ran = bench(Kind::Bubblewrap, |limits| limits.memory = 100 * MIB)
        .commands(&["perl -e '$x = \"x\" x (500 << 20); print \"had it\\n\"'"]);
    ran.says_not("\nhad it");
    ran.failed();
}

#[test]
fn memory_that_processes_share_counts_once() {
    let ran = bench(Kind::Bubblewrap, |limits| limits.memory = 200 * MIB).commands(&["perl -e '
$x = \"x\" x (40 << 20);
for (1..5) { fork() or do { select(undef, undef, undef, 0.5); exit } }
1 while wait() > 0;
print \"done\\n\"'"]);
    ran.succeeded();
    assert_eq!(ran.printed(), "done\n");
}

#[test]
fn memory_that_no_process_shows_is_found() {
    // memfd_create is number 319 here; the file is written, never mapped.
    if !cfg!(target_arch = "x86_64") {
        return;
    }
    let bench = bench(Kind::Bubblewrap, |limits| limits.memory = 100 * MIB);
    let ran = bench.commands(&["perl -e '
$fd = syscall(319, my $name = \"x\", 0);
open(my $file, \">&=\", $fd);
print $file \"x\" x (1 << 20) for 1..300;
sleep 600'"]);
    breached(&bench, &ran, Breach::Memory(100 * MIB));
}

#[test]
fn what_is_memory_in_the_root_is_small_or_read_only() {
    let ran = Bench::new(Kind::Bubblewrap).commands(&[
        "head -c 100M /dev/zero > /dev/shm/x || echo full",
        "ls -ld /dev/shm /tmp | cut -c1-10",
    ]);
    ran.succeeded();
    assert!(ran.printed().contains("full\n"), "{}", ran.log);
}

#[test]
fn a_build_that_fills_its_folders_ends() {
    for kind in KINDS {
        for place in [".", "$HOME", "$TMPDIR"] {
            let bench = bench(kind, |limits| limits.disk = 20 * MIB);
            let ran = bench.commands(&[&format!("head -c 60M /dev/zero > {place}/x\nsleep 600")]);
            breached(&bench, &ran, Breach::Disk(20 * MIB));
        }
    }
}

#[test]
fn a_deleted_file_takes_its_room_all_the_same() {
    let bench = bench(Kind::Bubblewrap, |limits| limits.disk = 20 * MIB);
    let ran = bench.commands(&["exec 5> gone\nrm gone\nhead -c 60M /dev/zero >&5\nsleep 600"]);
    breached(&bench, &ran, Breach::Disk(20 * MIB));
}

#[test]
fn a_build_cannot_hide_its_files_in_a_locked_folder() {
    // Nobody takes away a right from root.
    let breach = if rustix::process::geteuid().is_root() {
        Breach::Disk(20 * MIB)
    } else {
        Breach::Unreadable
    };
    for lock in [
        "mkdir x; exec 5> x/x; chmod 300 x",
        "mkdir x; exec 5> x/x; chmod 600 x",
        "exec 5> x; chmod 0 .",
    ] {
        let bench = bench(Kind::Bubblewrap, |limits| limits.disk = 20 * MIB);
        let ran = bench.commands(&[&format!("{lock}\nhead -c 60M /dev/zero >&5\nsleep 600")]);
        breached(&bench, &ran, breach);
    }
}

#[test]
fn a_build_that_makes_files_without_end_ends() {
    let bench = bench(Kind::Bubblewrap, |limits| limits.files = 2000);
    let ran = bench.commands(&["seq 5000 | xargs touch\nsleep 600"]);
    breached(&bench, &ran, Breach::Files(2000));
}

#[test]
fn folders_deeper_than_a_path_can_say_end_the_build_and_can_be_removed() {
    let bench = Bench::new(Kind::Bubblewrap);
    let ran = bench.commands(&[
        "perl -e 'for (1..3000) { mkdir \"deeper\"; chdir \"deeper\" or die }'\nsleep 600",
    ]);
    breached(&bench, &ran, Breach::Deep);
    chela_runner::remove(&bench.source()).unwrap();
    assert!(!bench.source().exists());
}

#[test]
fn a_disk_that_is_nearly_full_ends_the_build() {
    let bench = bench(Kind::Bubblewrap, |limits| limits.disk_left = u64::MAX);
    let ran = bench.commands(&["sleep 600"]);
    breached(&bench, &ran, Breach::DiskLeft(u64::MAX));
}

#[test]
fn a_file_has_its_limit() {
    for kind in KINDS {
        let ran = bench(kind, |limits| limits.file_size = MIB).commands(&[
            "head -c 1M /dev/zero > fits",
            "perl -e 'print \"x\" x (2 << 20)' > x",
        ]);
        let sigxfsz = 25;
        assert_eq!(
            ran.status(),
            128 + sigxfsz,
            "{kind:?}; the log:\n{}",
            ran.log
        );
    }
}

#[test]
fn limits_are_what_the_build_finds_and_cannot_raise() {
    let ran = bench(Kind::Bubblewrap, |limits| {
        limits.open_files = 100;
        limits.cpu = Some(Duration::from_secs(50));
    })
    .commands(&[
        "ulimit -Hn; ulimit -Ht; ulimit -Hc",
        "ulimit -n 101 || echo refused",
    ]);
    ran.succeeded();
    let printed = ran.printed();
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[..3], ["100", "50", "0"]);
    assert_eq!(*lines.last().unwrap(), "refused");
}

#[test]
fn endless_output_ends_the_build() {
    let bench = bench(Kind::Bubblewrap, |limits| limits.output = 10 * MIB);
    let ran = bench.commands(&["yes"]);
    breached(&bench, &ran, Breach::Output(10 * MIB));
    let most = usize::try_from(12 * MIB).unwrap();
    assert!(ran.log.len() < most, "{} bytes were logged", ran.log.len());
}

#[test]
fn a_build_that_runs_too_long_ends() {
    for kind in KINDS {
        let time = Duration::from_millis(500);
        let bench = bench(kind, |limits| limits.time = time);
        let ran = bench.run(
            "
version: 0.2
phases:
  build: {commands: [\"trap '' TERM INT HUP; sleep 600\"], finally: [echo never]}
  post_build: {commands: [echo never]}
",
        );
        assert_eq!(ran.finished.outcome, Outcome::TimedOut(time), "{kind:?}");
        assert_eq!(ran.printed(), "", "{kind:?}");
        assert_eq!(inside(&bench.source()), [], "{kind:?}: processes are left");
    }
}
