//! A real process that works on a store is killed, or its disk is full; what it was told is true.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::UNIX_EPOCH;
use std::{env, io, thread};

use chela_contract::{BuildId, Micros};
use chela_local::{Accepted, Outgoing, Store};
use chela_receiver::{After, End, Happened, Standing};
use support::{Wanted, block_on};

const FOLDER: &str = "CHELA_TEST_STORE";
const CALLERS: u32 = 8;

/// What the process says, each line after the store has answered.
#[derive(Debug, Default)]
struct Said {
    accepted: BTreeSet<BuildId>,
    taken: Vec<BuildId>,
    ended: BTreeSet<BuildId>,
    /// The greatest report of each build that the forge took.
    delivered: BTreeMap<BuildId, i64>,
    failures: usize,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let mut words = line.split(' ');
        let (word, id) = (words.next(), words.next().and_then(|id| id.parse().ok()));
        match (word, id) {
            (Some("accepted"), Some(id)) => assert!(self.accepted.insert(id), "{id} twice"),
            (Some("taken"), Some(id)) => self.taken.push(id),
            (Some("ended"), Some(id)) => assert!(self.ended.insert(id), "{id} ended twice"),
            (Some("delivered"), Some(id)) => {
                let seq = words.next().unwrap().parse().unwrap();
                let before = self.delivered.insert(id, seq);
                assert!(before < Some(seq), "{id}: {before:?} and then {seq}");
            }
            (Some("failed"), _) => self.failures += 1,
            // The test harness's own lines.
            _ => {}
        }
    }

    /// Looks for everything in the store, as after a restart.
    fn check(&self, folder: &Path) {
        let store = Store::open(folder).unwrap();
        for id in &self.accepted {
            assert!(
                store.by_id(*id).unwrap().is_some(),
                "{id} was answered and is lost"
            );
        }
        for id in &self.ended {
            assert_eq!(store.standing(*id).unwrap(), Standing::Over, "{id}");
        }
        for (id, seq) in &self.delivered {
            let kept = store.by_id(*id).unwrap().unwrap();
            let newer = kept.build.said.at.get() > *seq;
            assert!(
                newer || kept.report == Outgoing::Settled,
                "{id}: sent again: {kept:?}"
            );
        }
        let again = |id: &BuildId| {
            Wanted {
                id: *id,
                ..Wanted::new(0)
            }
            .asked(now())
        };
        for id in self.accepted.iter().take(20) {
            let answer = block_on(store.accept(again(id))).unwrap();
            let known = matches!(answer, Accepted::Before(_) | Accepted::Foreign);
            assert!(known, "{id}: {answer:?}");
        }
    }
}

fn now() -> Micros {
    let since = UNIX_EPOCH.elapsed().unwrap();
    Micros::new(i64::try_from(since.as_micros()).unwrap())
}

fn say(line: &str) {
    // Whole lines only: who is killed says nothing half.
    let _ = io::stdout()
        .lock()
        .write_all(format!("{line}\n").as_bytes());
}

#[test]
#[ignore = "it is the process that the other tests kill"]
fn the_process() {
    let folder = env::var(FOLDER).expect("it is started by the other tests");
    let store = Store::open(Path::new(&folder)).unwrap();
    store.recover(now(), &|_| true).unwrap();
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let store = store.clone();
            scope.spawn(move || accept_on(&store, caller));
        }
        scope.spawn(|| build_on(&store));
        scope.spawn(|| report_on(&store));
    });
}

fn accept_on(store: &Store, caller: u32) {
    for number in 0.. {
        let at = now();
        let wanted = Wanted {
            id: BuildId::new(at),
            project: format!("demo/{caller}"),
            pull: Some(number / 3),
            can_push: number % 4 != 0,
            by_at: at,
            ..Wanted::new(0)
        };
        match block_on(store.accept(wanted.asked(at))) {
            Ok(_) => say(&format!("accepted {}", wanted.id)),
            Err(_) => say("failed"),
        }
    }
}

fn build_on(store: &Store) {
    loop {
        let Ok(Some(build)) = store.claim(now()) else {
            thread::yield_now();
            continue;
        };
        say(&format!("taken {}", build.id()));
        let phase = Happened::Phase {
            name: "build".to_owned(),
            percent: 9,
        };
        let went_on = store.happened_at(build.id(), phase, now());
        if went_on.is_ok_and(|standing| standing == Standing::Over) {
            continue;
        }
        let end = Happened::Ended(End::Succeeded);
        if store.happened_at(build.id(), end, now()).is_ok() {
            say(&format!("ended {}", build.id()));
        }
    }
}

fn report_on(store: &Store) {
    loop {
        let Ok(Some(due)) = store.due(now()) else {
            thread::yield_now();
            continue;
        };
        if store.settle(&due, &After::Delivered, now(), now()).is_ok() {
            say(&format!("delivered {} {}", due.build, due.report_seq));
        }
    }
}

/// The same program, as another process; the shell sets the limit of what it may write, in KiB, and
/// of its time, so that no test waits for ever.
fn start(folder: &Path, limit: &str) -> Child {
    let script = format!("trap '' XFSZ; ulimit -f {limit} -t 60; exec \"$0\" \"$@\"");
    let this = env::current_exe().unwrap();
    Command::new("bash")
        .args(["-c", &script])
        .arg(this)
        .args(["--exact", "the_process", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Hears the process until it said enough, kills it, and hears what it said until then.
fn hear_and_kill(mut child: Child, said: &mut Said, mut enough: impl FnMut(&Said, usize) -> bool) {
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    let mut heard = 0;
    let mut killed = false;
    while lines.read_line(&mut line).unwrap() > 0 {
        if line.ends_with('\n') {
            said.hear(line.trim_end());
        }
        line.clear();
        heard += 1;
        if !killed && enough(said, heard) {
            child.kill().unwrap();
            killed = true;
        }
    }
    child.wait().unwrap();
    assert!(killed, "it ended by itself after {heard} lines");
}

#[test]
fn what_was_answered_is_there_after_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let mut said = Said::default();
    for lines in [1, 40, 333, 90, 700, 7, 150, 1500] {
        let child = start(folder.path(), "unlimited");
        hear_and_kill(child, &mut said, |_, heard| heard >= lines);
        said.check(folder.path());
    }
    assert!(said.accepted.len() > 500 && said.ended.len() > 20 && said.delivered.len() > 20);
    let taken: BTreeSet<_> = said.taken.iter().collect();
    // A run that was killed is repeated; a build that ended never is.
    assert!(
        said.taken.len() <= taken.len() + 8,
        "at most one a kill is taken twice"
    );
}

#[test]
fn what_was_answered_is_there_although_the_disk_was_full_at_times() {
    let folder = tempfile::tempdir().unwrap();
    let mut said = Said::default();
    for limit in ["400", "3000"] {
        let child = start(folder.path(), limit);
        let before = said.failures;
        hear_and_kill(child, &mut said, |said, _| said.failures > before + 50);
        said.check(folder.path());
    }
    let accepted = said.accepted.len();
    assert!(accepted > 20, "something fitted");
    let child = start(folder.path(), "unlimited");
    hear_and_kill(child, &mut said, |said, _| {
        said.accepted.len() > accepted + 100
    });
    said.check(folder.path());
}
