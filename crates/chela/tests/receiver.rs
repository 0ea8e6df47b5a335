//! The documentation's receiver, run for real: `chela send` asks, git serves the commit, a report
//! arrives.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is the report"
)]

mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use chela_contract::{BuildId, Report, Status, ping_body};
use rstest::rstest;
use serde_json::json;
use support::{COMMIT, Files, PATIENCE, Run, Server, TOKEN, chela, key, now};

const REPOSITORY: &str = "demo/hello.git";

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A forge that takes reports, a repository, and the receiver.
struct Bed {
    files: Files,
    forge: Server,
    git: u16,
    receiver: u16,
    _processes: [Running; 2],
}

impl Bed {
    fn new() -> Self {
        Self::with(&[], vec![taken()])
    }

    fn with(settings: &[(&str, &str)], answers: Vec<(&'static str, &'static str, String)>) -> Self {
        Self::below(Files::new(), settings, answers)
    }

    fn below(
        files: Files,
        settings: &[(&str, &str)],
        answers: Vec<(&'static str, &'static str, String)>,
    ) -> Self {
        let forge = Server::answering(answers);
        let (git, receiver) = (free_port(), free_port());
        let daemon = git_daemon(&files.path("git"), git);
        let python = receiver_process(&files, &forge, git, receiver, settings);
        let bed = Self {
            files,
            forge,
            git,
            receiver,
            _processes: [daemon, python],
        };
        bed.wait_until_it_listens();
        bed
    }

    fn wait_until_it_listens(&self) {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.receiver)).is_err() {
            assert!(started.elapsed() < PATIENCE, "the receiver does not listen");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// A commit whose `make test` runs this line.
    fn commit(&self, recipe: &str) -> String {
        let work = self.files.path("work");
        std::fs::create_dir_all(&work).unwrap();
        std::fs::write(work.join("Makefile"), format!("test:\n\t@{recipe}\n")).unwrap();
        git(&work, &["init", "--quiet", "--initial-branch=main"]);
        git(&work, &["add", "."]);
        git(
            &work,
            &[
                "commit",
                "--quiet",
                "--allow-empty",
                "--message",
                "A change",
            ],
        );
        let repository = self.files.path("git").join(REPOSITORY);
        let repository = repository.to_str().unwrap();
        git(
            &work,
            &[
                "push",
                "--quiet",
                "--force",
                repository,
                "HEAD:refs/heads/main",
            ],
        );
        git(&work, &["rev-parse", "HEAD"])
    }

    fn send(&self, commit: &str, more: &[&str]) -> Run {
        let host = format!("127.0.0.1:{}", self.receiver);
        let repository = format!("git://127.0.0.1:{}/{REPOSITORY}", self.git);
        let mut command = chela();
        command.args(["send", "--json", "--to", &format!("http://{host}/")]);
        command.args(["--allow-http", &host, "--allow-network", "127.0.0.0/8"]);
        command.args(["--pagure", &self.forge.url(), "--project", "demo/hello"]);
        command.args(["--job", "test", "--commit", commit]);
        if !more.contains(&"--repo") {
            command.args(["--repo", &repository]);
        }
        if !more.iter().any(|more| more.starts_with("--branch")) {
            command.args(["--branch", "main"]);
        }
        if !more.contains(&"--token-file") {
            command.arg("--token-file").arg(self.files.path("token"));
        }
        Run::of(command.args(more))
    }

    /// A request of somebody who may push, accepted.
    fn ask(&self, commit: &str, more: &[&str]) -> Run {
        let run = self.send(
            commit,
            &[&["--requested-by", "alice", "--can-push"], more].concat(),
        );
        assert_eq!(run.code, 0, "{run:?}");
        run
    }

    /// The next report, as Pagure would read it.
    fn reported(&self) -> Report {
        let seen = self.forge.next();
        assert_eq!(seen.line, "POST /api/0/ci/webhook/demo/hello HTTP/1.1");
        assert!(seen.is_signed(), "{seen:?}");
        Report::from_body(&seen.body, now()).unwrap()
    }

    /// A message signed as Pagure signs; the status of the answer.
    fn post(&self, body: &str) -> u16 {
        let signed = key().sign(&BuildId::new(now()).to_string(), now(), body.as_bytes());
        let mut stream = TcpStream::connect(("127.0.0.1", self.receiver)).unwrap();
        write!(
            stream,
            "POST / HTTP/1.0\r\nwebhook-id: {}\r\nwebhook-timestamp: {}\r\nwebhook-signature: {}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            signed.id,
            signed.timestamp,
            signed.signature,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// What the builds have printed.
    fn output(&self) -> String {
        std::fs::read_to_string(self.files.path("output")).unwrap()
    }
}

fn taken() -> (&'static str, &'static str, String) {
    ("200 OK", "", "{\"applied\": true, \"flag\": {}}".to_owned())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Git with no settings but its own.
fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Serves what is below `base`, the repository first of all.
fn git_daemon(base: &Path, port: u16) -> Running {
    std::fs::create_dir_all(base).unwrap();
    git(base, &["init", "--quiet", "--bare", REPOSITORY]);
    // Not through `git`, which would stay between us and the process to end.
    let program = PathBuf::from(git(base, &["--exec-path"])).join("git-daemon");
    let mut child = Command::new(program)
        .args([
            "--verbose",
            "--export-all",
            "--reuseaddr",
            "--listen=127.0.0.1",
        ])
        .arg(format!("--port={port}"))
        .arg(format!("--base-path={}", base.display()))
        .stderr(Stdio::piped())
        .spawn()
        .expect("git-daemon, which comes with git, starts");
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let ready = lines.any(|line| line.is_ok_and(|line| line.contains("Ready to rumble")));
    assert!(ready, "git-daemon did not start");
    // Read on, or the pipe fills up.
    thread::spawn(move || lines.for_each(drop));
    Running(child)
}

fn receiver_process(
    files: &Files,
    forge: &Server,
    git: u16,
    port: u16,
    settings: &[(&str, &str)],
) -> Running {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = std::env::var_os("CHELA_PYTHON")
        .map_or_else(|| root.join("target/venv/bin/python"), PathBuf::from);
    let has_package = Command::new(&python)
        .args(["-c", "import standardwebhooks"])
        .output();
    assert!(
        has_package.is_ok_and(|output| output.status.success()),
        "{} cannot import standardwebhooks; install it: python3 -m venv target/venv && \
         target/venv/bin/pip install -r tests/requirements.txt (or name another Python in CHELA_PYTHON)",
        python.display()
    );
    let child = Command::new(python)
        .arg(root.join("docs/receiver/receiver.py"))
        .env("CHELA_PAGURE", forge.url())
        .env("CHELA_PORT", port.to_string())
        .env("CHELA_TOKEN_FILE", files.path("token"))
        .env("CHELA_CLONE", format!("git://127.0.0.1:{git}/"))
        .env("NOT_FOR_BUILDS", TOKEN)
        .envs(settings.iter().copied())
        .stdout(std::fs::File::create(files.path("output")).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Running(child)
}

#[test]
fn exactly_the_commit_is_built_and_its_success_is_reported() {
    let bed = Bed::new();
    let commit = bed.commit("echo built `git rev-parse HEAD`; env");
    let newer = bed.commit("false");
    assert_ne!(commit, newer);
    let id = BuildId::new(now()).to_string();
    let answer = bed.ask(&commit, &["--pull-request", "7", "--build-id", &id]);
    assert_eq!(answer.json()["status"], 202);
    let report = bed.reported();
    assert_eq!(report.shown.status, Status::Success, "{report:?}");
    assert_eq!(report.commit.as_str(), commit);
    assert_eq!(
        (report.pull_request, report.build_id.unwrap().to_string()),
        (Some(7), id)
    );
    let page = format!("{}/demo/hello/pull-request/7", bed.forge.url());
    assert_eq!(report.shown.url, page);
    let output = bed.output();
    assert!(output.contains(&format!("built {commit}\n")), "{output}");
    assert!(
        output.contains(&format!("CHELA_COMMIT={commit}\n")),
        "{output}"
    );
    assert!(output.contains("GIT_ALLOW_PROTOCOL=git\n"), "{output}");
    assert!(
        !output.contains(TOKEN) && !output.contains("CHELA_TOKEN_FILE"),
        "{output}"
    );
}

#[rstest]
#[case::failing("exit 1", None, Status::Failure)]
#[case::gone("true", Some(COMMIT), Status::Error)]
fn a_build_that_does_not_succeed_says_so(
    #[case] recipe: &str,
    #[case] other: Option<&str>,
    #[case] status: Status,
) {
    let bed = Bed::new();
    let commit = bed.commit(recipe);
    bed.ask(other.unwrap_or(&commit), &[]);
    let report = bed.reported();
    assert_eq!((report.shown.status, report.pull_request), (status, None));
    assert_eq!(
        report.shown.url,
        format!("{}/demo/hello", bed.forge.url()),
        "{report:?}"
    );
}

#[test]
fn the_operator_says_what_is_run() {
    let bed = Bed::with(&[("CHELA_COMMAND", "echo first; false; ls")], vec![taken()]);
    let commit = bed.commit("true");
    bed.ask(&commit, &[]);
    assert_eq!(bed.reported().shown.status, Status::Failure);
    assert_eq!(bed.output(), "first\n");
}

#[test]
fn a_replay_is_answered_alike_and_starts_nothing() {
    let bed = Bed::new();
    let commit = bed.commit("true");
    let [first, second] = [0, 1].map(|later| BuildId::new(now().plus_seconds(later)).to_string());
    let answers = [0, 1].map(|_| bed.ask(&commit, &["--build-id", &first]).json());
    assert_eq!(answers[0], answers[1]);
    bed.ask(&commit, &["--build-id", &second]);
    // One build after the other: a second build of the first request would be reported between.
    let reported = [0, 1].map(|_| bed.reported().build_id.unwrap().to_string());
    assert_eq!(reported, [first, second]);
}

#[rstest]
#[case::a_stranger(&["--requested-by", "bob"], Status::Pending)]
#[case::nobody(&[], Status::Pending)]
#[case::a_repository_elsewhere(
    &["--requested-by", "alice", "--can-push", "--repo", "https://elsewhere.example.org/x.git"],
    Status::Error
)]
fn what_is_not_trusted_is_not_built(#[case] request: &[&str], #[case] status: Status) {
    let bed = Bed::new();
    let commit = bed.commit("echo built");
    assert_eq!(bed.send(&commit, request).code, 0);
    let held = bed.reported();
    assert_eq!(held.shown.status, status, "{held:?}");
    bed.ask(&commit, &[]);
    assert_eq!(bed.reported().shown.status, Status::Success);
    assert_eq!(bed.output(), "built\n", "the second one alone was built");
}

#[test]
fn a_committers_request_for_a_neighbouring_repository_is_not_built() {
    let files = Files::new();
    let base = format!("file://{}", files.path("git").display());
    // The folder beside it begins alike.
    let clone = format!("{base}/de");
    let bed = Bed::below(files, &[("CHELA_CLONE", &clone)], vec![taken()]);
    let commit = bed.commit("echo built");
    let url = format!("{base}/{REPOSITORY}");
    assert_eq!(bed.post(&requested(&url, Some(&commit))), 202);
    assert_eq!(bed.reported().shown.status, Status::Error);
    assert_eq!(bed.output(), "");
}

#[test]
fn a_strangers_commit_is_built_when_a_committer_asks_for_it() {
    let bed = Bed::new();
    let commit = bed.commit("true");
    let of_bob = ["--pull-request", "7", "--author", "bob"];
    let run = bed.send(&commit, &[&of_bob[..], &["--requested-by", "bob"]].concat());
    assert_eq!(run.code, 0, "{run:?}");
    let held = bed.reported();
    assert_eq!(held.shown.status, Status::Pending);
    assert_eq!(
        held.shown.description,
        "Waits for a committer, who can ask for a rebuild"
    );
    bed.ask(&commit, &[&of_bob[..], &["--reason", "rebuild"]].concat());
    let built = bed.reported();
    assert_eq!(
        (built.shown.status, built.commit.as_str()),
        (Status::Success, commit.as_str())
    );
}

#[test]
fn strangers_are_built_where_the_operator_says_so() {
    let bed = Bed::with(&[("CHELA_STRANGERS", "yes")], vec![taken()]);
    let commit = bed.commit("true");
    assert_eq!(bed.send(&commit, &["--requested-by", "bob"]).code, 0);
    assert_eq!(bed.reported().shown.status, Status::Success);
}

#[test]
fn another_tokens_request_is_refused_for_good() {
    let bed = Bed::new();
    let other = bed.files.write("other", "another token");
    let run = bed.send(COMMIT, &["--token-file", other.to_str().unwrap()]);
    assert_eq!((run.code, &run.json()["status"]), (1, &400.into()));
}

#[test]
fn a_request_that_names_no_commit_is_refused_for_good() {
    let bed = Bed::new();
    assert_eq!(bed.post(&requested("git://127.0.0.1/x.git", None)), 400);
}

#[test]
fn a_ping_is_welcome_and_starts_nothing() {
    let bed = Bed::new();
    assert_eq!(bed.post(&ping_body(now(), "demo/hello", "test")), 200);
    let commit = bed.commit("true");
    bed.ask(&commit, &[]);
    assert_eq!(bed.reported().commit.as_str(), commit);
}

#[rstest]
#[case::a_report_played_back("build.reported")]
#[case::a_later_contract("build.requested.v2")]
fn other_messages_are_refused_for_good(#[case] kind: &str) {
    let bed = Bed::new();
    let body = requested("git://127.0.0.1/x.git", Some(COMMIT));
    assert_eq!(bed.post(&body.replace("build.requested", kind)), 422);
    assert!(bed.forge.all().is_empty());
}

#[test]
fn what_comes_from_outside_is_only_text_to_git() {
    let files = Files::new();
    let marker = files.path("marker");
    let option = format!("--upload-pack=touch {};", marker.display());
    // Only for a repository on this machine would git start the program of that option itself.
    let base = format!("file://{}/", files.path("git").display());
    let bed = Bed::below(files, &[("CHELA_CLONE", &base)], vec![taken()]);
    let hello = format!("{base}{REPOSITORY}");
    let shell = format!("{hello}$(touch {})", marker.display());
    for (url, commit) in [(&hello, &option), (&option, &option), (&shell, &option)] {
        assert_eq!(bed.post(&requested(url, Some(commit))), 202);
        let report = bed.forge.next().json();
        assert_eq!(report["data"]["status"], "error", "{report}");
    }
    assert!(!marker.exists());
    let commit = bed.commit("true");
    assert_eq!(bed.post(&requested(&hello, Some(&commit))), 202);
    assert_eq!(bed.reported().shown.status, Status::Success);
}

#[test]
fn a_report_that_the_forge_cannot_take_is_sent_again() {
    let unavailable = ("503 Service Unavailable", "", String::new());
    let bed = Bed::with(&[], vec![unavailable, taken()]);
    let commit = bed.commit("true");
    bed.ask(&commit, &[]);
    let (first, second) = (bed.forge.next(), bed.forge.next());
    assert!(first.is_signed() && second.is_signed());
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
}

/// A committer's request, as bytes that `chela send` would not send.
fn requested(clone_url: &str, commit: Option<&str>) -> String {
    let mut source = json!({"clone_url": clone_url, "branch": "main"});
    if let Some(commit) = commit {
        source["commit"] = commit.into();
    }
    json!({"type": "build.requested", "timestamp": now().to_string(), "data": {
        "build_id": BuildId::new(now()).to_string(),
        "project": {"fullname": "demo/hello", "url": "https://pagure.example.org/demo/hello"},
        "source": source,
        "requested_by": {"user": "alice", "can_push": true, "reason": "pushed"},
    }})
    .to_string()
}
