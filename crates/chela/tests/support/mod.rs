//! What the tests share: the real program, and a server on the loopback that records and answers.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is the report"
)]
// Each test file uses its own part.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Output},
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::Duration,
};

use chela_contract::{Micros, webhook::Key};
use serde_json::Value;
use tempfile::TempDir;

pub const COMMIT: &str = "7a1b0c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b";
pub const BUILD: &str = "0199a1c2-6f0e-7c3a-9d6b-2f6f1f1f0a11";
pub const TOKEN: &str = "a-ci-token";
/// Longer than anything here takes; only a failure waits for it.
pub const PATIENCE: Duration = Duration::from_mins(1);

pub fn key() -> Key {
    Key::new(TOKEN.into()).unwrap()
}

pub fn now() -> Micros {
    jiff::Timestamp::now().into()
}

/// The program with nothing of this process's environment that it would read.
pub fn chela() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chela"));
    let ours = std::env::vars_os().map(|(name, _)| name);
    for name in ours.filter(|name| name.to_string_lossy().starts_with("CHELA_")) {
        command.env_remove(name);
    }
    command.env("COLUMNS", "100").env_remove("NO_COLOR");
    command
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn of(command: &mut Command) -> Self {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        Self {
            code: status.code().unwrap(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// A folder with files, gone after the test.
pub struct Files(TempDir);

impl Files {
    pub fn new() -> Self {
        let files = Self(TempDir::new().unwrap());
        // As an editor leaves it: with a line end.
        files.write("token", format!("{TOKEN}\n"));
        files
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// A request as a server saw it.
#[derive(Debug)]
pub struct Seen {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(found, _)| found == name);
        values.next().map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn is_signed(&self) -> bool {
        let [id, at, signature] =
            ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| self.header(name));
        key().verify(id, at, signature, &self.body, now()).is_ok()
    }
}

/// Answers one request after the other with what it was given; the last answer stays.
pub struct Server {
    pub port: u16,
    seen: Receiver<Seen>,
}

impl Server {
    /// Each answer is a status line's end, such as `200 OK`, further headers, and a body.
    pub fn answering(answers: Vec<(&'static str, &'static str, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, seen) = mpsc::channel();
        // Ends with the test's process.
        thread::spawn(move || serve(&listener, &answers, &sender));
        Self { port, seen }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The next request, awaited.
    pub fn next(&self) -> Seen {
        self.seen
            .recv_timeout(PATIENCE)
            .expect("a request should have arrived")
    }

    /// The requests so far.
    pub fn all(&self) -> Vec<Seen> {
        self.seen.try_iter().collect()
    }
}

fn serve(listener: &TcpListener, answers: &[(&str, &str, String)], sender: &Sender<Seen>) {
    for (number, stream) in listener.incoming().enumerate() {
        let mut stream = stream.unwrap();
        let Some(seen) = read(&stream) else { continue };
        // Recorded before it is answered: who has the answer finds the request.
        if sender.send(seen).is_err() {
            return;
        }
        let (status, headers, body) = &answers[number.min(answers.len() - 1)];
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n");
        let _ = write!(stream, "{head}Connection: close\r\n\r\n{body}");
    }
}

fn read(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|length| *length > 0)?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim_end().split_once(':') {
            Some((name, value)) => {
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
            None => break,
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Seen {
        line: line.trim_end().to_owned(),
        headers,
        body,
    })
}
