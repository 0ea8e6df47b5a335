//! The whole demonstration, with a small receiver of the tests' own.

mod support;

use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chela_demo::{Afterwards, Demo, Ended, Error, Look, Needs};
use tokio::sync::Notify;

use support::receiver::{Manner, start};

/// What a demonstration came to.
struct Seen {
    ended: Result<Ended, Error>,
    text: String,
    needs: Needs,
}

/// Output that tells when a text has come.
struct Watched {
    text: String,
    wanted: &'static str,
    come: Arc<Notify>,
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.text.push_str(&String::from_utf8_lossy(bytes));
        if self.text.contains(self.wanted) {
            self.come.notify_one();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const NEVER: &str = "\0";

/// Runs it, and does `then` and interrupts when the output has the text `until`.
async fn seen(demo: Demo, manner: Manner, until: &'static str, then: impl AsyncFn(Needs)) -> Seen {
    let come = Arc::new(Notify::new());
    let mut out = Watched {
        text: String::new(),
        wanted: until,
        come: Arc::clone(&come),
    };
    let kept = OnceLock::new();
    let needs = || kept.get().cloned().expect("the receiver was started");
    let receiver = |needs: Needs| {
        let _ = kept.set(needs.clone());
        start(needs, manner)
    };
    let stop = async {
        come.notified().await;
        then(needs()).await;
    };
    let ended = demo.run(receiver, stop, &mut out).await;
    let (text, needs) = (out.text, needs());
    Seen { ended, text, needs }
}

fn demo() -> Demo {
    Demo::new(Look::Plain)
}

async fn nothing(_: Needs) {}

impl Seen {
    fn shows(&self, text: &str) {
        assert!(
            self.text.contains(text),
            "not shown: {text:?} in\n{}",
            self.text
        );
    }

    fn leaves_nothing(&self) {
        let directory = &self.needs.directory;
        assert!(
            !directory.exists(),
            "{} is still there",
            directory.display()
        );
        let port = self.needs.forge.port().expect("not the usual one");
        let connected = TcpStream::connect(("127.0.0.1", port));
        assert!(connected.is_err(), "the forge still listens");
    }
}

#[tokio::test]
async fn the_good_pull_request_turns_green_and_the_bad_one_red() {
    let seen = seen(demo(), Manner::Honest, NEVER, nothing).await;
    assert!(
        matches!(seen.ended, Ok(Ended::AsExpected)),
        "{:?}",
        seen.ended
    );
    seen.shows("Without a sandbox, because this is a test.\n");
    seen.shows("#1 Greet the world by default  local/check  pending          Waiting for the CI");
    seen.shows("#2 Greet in French             local/check  pending    50 %  Phase BUILD\n");
    seen.shows("The log of #2: http://127.0.0.1:");
    seen.shows("As expected: the good pull request is green, and the bad one is red.");
    let table = seen
        .text
        .split_once("as Pagure would show them")
        .expect("a table")
        .1;
    for (id, status) in [("#1", "  success  "), ("#2", "  failure  ")] {
        let row = table.lines().find(|line| line.trim_start().starts_with(id));
        assert!(row.is_some_and(|row| row.contains(status)), "{id}: {table}");
    }
    seen.leaves_nothing();
}

#[tokio::test]
async fn a_receiver_that_calls_everything_good_is_found_out() {
    let seen = seen(demo(), Manner::Flattering, NEVER, nothing).await;
    assert!(
        matches!(seen.ended, Ok(Ended::Otherwise)),
        "{:?}",
        seen.ended
    );
    seen.shows("#2 Greet in French should end as failure, and it ended as success.");
    assert!(!seen.text.contains("As expected"), "{}", seen.text);
    seen.leaves_nothing();
}

#[tokio::test]
async fn a_receiver_that_refuses_is_quoted_on_the_flags() {
    let seen = seen(demo(), Manner::Refusing, NEVER, nothing).await;
    assert!(
        matches!(seen.ended, Ok(Ended::Otherwise)),
        "{:?}",
        seen.ended
    );
    seen.shows("error            the CI service answered 403 Forbidden");
    seen.leaves_nothing();
}

#[tokio::test]
async fn a_receiver_that_has_no_time_is_asked_again() {
    let seen = seen(demo(), Manner::Busy, NEVER, nothing).await;
    assert!(
        matches!(seen.ended, Ok(Ended::AsExpected)),
        "{:?}",
        seen.ended
    );
    seen.shows("Waiting for the CI service: the CI service answered 503 Service Unavailable");
    seen.leaves_nothing();
}

#[tokio::test]
async fn a_receiver_that_never_reports_is_given_up() {
    let demo = Demo {
        patience: Duration::from_millis(500),
        ..demo()
    };
    let seen = seen(demo, Manner::Silent, NEVER, nothing).await;
    assert!(
        matches!(seen.ended, Err(Error::TooSlow(_))),
        "{:?}",
        seen.ended
    );
    seen.leaves_nothing();
}

#[tokio::test]
async fn whoever_interrupts_it_finds_nothing_left() {
    let seen = seen(
        demo(),
        Manner::Silent,
        "Accepted by the CI service",
        nothing,
    )
    .await;
    assert!(
        matches!(seen.ended, Ok(Ended::Interrupted)),
        "{:?}",
        seen.ended
    );
    seen.shows("Interrupted");
    seen.leaves_nothing();
}

#[tokio::test]
async fn when_it_is_to_stay_the_pages_are_there_until_somebody_interrupts() {
    let demo = Demo {
        afterwards: Afterwards::Stay,
        ..demo()
    };
    let look = async |needs: Needs| {
        assert!(needs.directory.exists());
        let url = needs.forge.join("demo/hello/pull-request/2").unwrap();
        let page = tokio::task::spawn_blocking(move || {
            let mut answer = ureq::get(url.as_str()).call().unwrap();
            answer.body_mut().read_to_string().unwrap()
        });
        let page = page.await.unwrap();
        assert!(page.contains("local/check: failure"), "{page}");
    };
    let seen = seen(demo, Manner::Honest, "Staying up", look).await;
    assert!(
        matches!(seen.ended, Ok(Ended::AsExpected)),
        "{:?}",
        seen.ended
    );
    seen.leaves_nothing();
}

#[tokio::test]
async fn a_receiver_that_does_not_start_is_quoted() {
    let start = async |_| Err("no free port".into());
    let mut out = Vec::new();
    let ended = demo().run(start, std::future::pending(), &mut out).await;
    let said = ended.expect_err("nothing was started").to_string();
    assert_eq!(said, "the receiver does not start: no free port");
}
