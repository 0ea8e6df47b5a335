//! Made-up builds, to look at: `cargo run -p chela-pages --example shelf -- 127.0.0.1:8089`.
//!
//! Prints an address a line, each after the name of what is shown there. One of the builds runs: it
//! writes a line and a progress bar for as long as the program lives, or with a number as second
//! argument so many lines, and then ends.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example prints, and stops where it cannot go on"
)]

#[path = "../tests/made/mod.rs"]
mod made;

use std::{
    io::Write as _,
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use chela_contract::{BuildId, Micros};
use chela_pages::{BuildState, BuildView, Link, PageKey, Phase, PhaseState, PullRequestView};
use made::{EMPTY_LIST, LIST, Made, Server, end, running};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:0".to_owned());
    let lines = arguments.next().map(|lines| lines.parse::<u64>().unwrap());

    let shelf = Made::new();
    let live = shelf.add(view(3, BuildState::Running));
    let shown = [
        ("running", live),
        ("success", good(&shelf)),
        ("failure", bad(&shelf)),
        ("hostile", hostile(&shelf)),
        ("held", held(&shelf)),
        ("long", long(&shelf)),
    ];
    let server = Server::start_at(&shelf, &address);
    for (name, key) in shown {
        println!("{name} {}", server.url(&key.build_path()));
    }
    println!("list {}", server.url(&LIST.list_path()));
    println!("empty {}", server.url(&EMPTY_LIST.list_path()));
    std::io::stdout().flush().unwrap();
    run(&shelf, live, lines);
    loop {
        thread::park();
    }
}

fn now() -> Micros {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    Micros::new(i64::try_from(since.as_micros()).unwrap())
}

/// A build that somebody asked for so many minutes ago.
fn view(minutes: i64, state: BuildState) -> BuildView {
    let created = now().plus_seconds(-60 * minutes);
    let at = |seconds| Some(created.plus_seconds(seconds));
    let mut view = BuildView {
        id: BuildId::new(created),
        created,
        state,
        started: at(2),
        pull_request: Some(PullRequestView {
            id: 7,
            title: "Fix a typo in the greeting".into(),
            link: Link::parse("https://pagure.example.org/demo/hello/pull-request/7"),
        }),
        list: Some(LIST),
        ..running()
    };
    let phases = [
        ("source", 2, 3),
        ("install", 3, 9),
        ("pre_build", 9, 10),
        ("build", 10, 65),
    ];
    view.phases = phases
        .map(|(name, start, stop)| Phase {
            name: name.into(),
            state: PhaseState::Success,
            started: at(start),
            ended: at(stop),
        })
        .into();
    view.phases.push(Phase {
        name: "post_build".into(),
        state: PhaseState::Waiting,
        started: None,
        ended: None,
    });
    if state.is_final() {
        end(&mut view, state);
    } else {
        view.phases[3].state = PhaseState::Running;
        view.phases[3].ended = None;
    }
    view
}

fn good(shelf: &Made) -> PageKey {
    let mut view = view(20, BuildState::Success);
    view.description = "Built in 1 min 3 s".into();
    let key = shelf.add(view);
    shelf.write(
        key,
        b"[source] 7a1b5e0 into /codebuild/src\n[install] nothing to do\n",
    );
    shelf.write(key, b"\x1b[1;32m   Compiling\x1b[0m hello v0.1.0\n");
    shelf.write(key, b"\x1b[1;32m    Finished\x1b[0m in 51.3s\n");
    shelf.leave(key, "dist/hello.tar.gz", &vec![0; 40_000]);
    shelf.leave(key, "dist/hello.sha256", &[0; 64]);
    key
}

fn bad(shelf: &Made) -> PageKey {
    let mut view = view(45, BuildState::Failure);
    view.description = "Phase build: the command 2 of 3 ended with 101".into();
    view.phases[3].state = PhaseState::Failure;
    view.notes = vec![
        "Pagure refused the report of 20:16:31: 404, there is no such commit in the project".into(),
    ];
    let key = shelf.add(view);
    shelf.write(
        key,
        b"$ cargo test\nrunning 2 tests\ntest adds ... \x1b[32mok\x1b[0m\n",
    );
    shelf.write(key, b"test greets ... \x1b[31mFAILED\x1b[0m\n\n");
    shelf.write(
        key,
        b"\x1b[1;31merror\x1b[0m: test failed, to rerun pass `--lib`\n",
    );
    let colours: Vec<String> = (0..16)
        .map(|n| format!("\x1b[38;5;{n}mcolour {n}\x1b[0m"))
        .collect();
    shelf.write(key, colours.join(" ").as_bytes());
    shelf.write(
        key,
        b"\n\x1b[1mbold\x1b[0m \x1b[2mdim\x1b[0m \x1b[3mitalic\x1b[0m \x1b[4munder\x1b[0m\n",
    );
    key
}

fn hostile(shelf: &Made) -> PageKey {
    let evil = "<script>document.title='pwned'</script>\u{202e}txt.exe\u{200b}\"'&";
    let mut view = view(50, BuildState::Error);
    view.project.text = format!("{evil}/{}", "long".repeat(200)).into();
    view.project.link = Link::parse("javascript:document.title='pwned'");
    view.job = evil.into();
    view.description = evil.into();
    view.requested_by = Some(evil.into());
    view.notes = vec![evil.into()];
    let key = shelf.add(view);
    shelf.write(key, evil.as_bytes());
    shelf.write(
        key,
        b"\n\x1b]0;pwned\x07\x1b[2J\x1b[H\x1b[8mconcealed\x1b[0m \x07\x08\x00 \xff\xfe\n",
    );
    shelf.write(
        key,
        b"</div></div><img src=x onerror=\"document.title='pwned'\">\n",
    );
    let stacked = format!("Z{}algo\n", "\u{300}\u{330}".repeat(60));
    shelf.write(key, stacked.as_bytes());
    shelf.write(key, &b"a line that never ends ".repeat(1000));
    key
}

fn held(shelf: &Made) -> PageKey {
    let mut view = view(60, BuildState::Held);
    view.description =
        "Waits for a committer to ask for a rebuild of 7a1b5e0c3d2f4a6b8c9d0e1f2a3b4c5d6e7f8091"
            .into();
    view.started = None;
    view.phases.clear();
    shelf.add(view)
}

fn long(shelf: &Made) -> PageKey {
    let key = shelf.add(view(70, BuildState::Canceled));
    let lines: Vec<String> = (1..=200_000).map(|n| format!("{n} bottles")).collect();
    shelf.write(key, lines.join("\n").as_bytes());
    key
}

/// The life of the build that runs.
fn run(shelf: &Arc<Made>, key: PageKey, lines: Option<u64>) {
    for line in 1..=lines.unwrap_or(u64::MAX) {
        for percent in [0, 30, 60] {
            shelf.write(key, format!("\r{percent} %").as_bytes());
            thread::sleep(Duration::from_millis(150));
        }
        let text = format!("\r\x1b[32mok\x1b[0m {line} at {}\n", now());
        shelf.write(key, text.as_bytes());
    }
    shelf.change(key, |view| {
        view.phases[3].state = PhaseState::Success;
        view.phases[3].ended = Some(now());
        view.phases[4].state = PhaseState::Success;
        view.state = BuildState::Success;
        view.description = "Built".into();
        view.ended = Some(now());
    });
}
