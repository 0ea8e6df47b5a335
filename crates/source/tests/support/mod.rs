//! Real repositories, and loopback servers: git's own `http-backend`, or ones that misbehave.

#![allow(dead_code, reason = "each test file uses its own part of this")]

pub mod lies;
pub mod zips;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use chela_contract::{CommitId, Refname, Source};
use chela_outbound::{Policy, Setting};
use chela_source::{Error, Fetched, Fetcher, Limits};
use tempfile::TempDir;

/// A bare repository that is written by git's plumbing.
pub struct Repository {
    pub home: TempDir,
}

impl Repository {
    pub fn new() -> Self {
        let repository = Self {
            home: TempDir::new().expect("a place for a repository"),
        };
        repository.git(
            &["init", "--quiet", "--bare", "-b", "main", "repo.git"],
            b"",
        );
        repository
    }

    pub fn git_dir(&self) -> PathBuf {
        self.home.path().join("repo.git")
    }

    pub fn git(&self, arguments: &[&str], input: &[u8]) -> String {
        let output = self.run(arguments, input, self.home.path());
        assert!(output.0, "git {arguments:?}: {}", output.1);
        output.1.trim_end().to_owned()
    }

    fn run(&self, arguments: &[&str], input: &[u8], directory: &Path) -> (bool, String) {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(directory);
        isolate(&mut command);
        if self.git_dir().exists() {
            command.env("GIT_DIR", self.git_dir());
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("git runs");
        let mut stdin = child.stdin.take().expect("it is piped");
        let input = input.to_vec();
        let feeder = thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().expect("git ends");
        let _ = feeder.join();
        let said = if output.status.success() {
            output.stdout
        } else {
            output.stderr
        };
        (
            output.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }

    pub fn blob(&self, data: &[u8]) -> String {
        self.git(&["hash-object", "-w", "--stdin"], data)
    }

    /// A tree whose bytes nobody checks.
    pub fn raw_tree(&self, entries: &[(&str, &[u8], &str)]) -> String {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(mode.as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(name);
            bytes.push(0);
            for at in (0..40).step_by(2) {
                bytes.push(u8::from_str_radix(&id[at..at + 2], 16).expect("hexadecimal"));
            }
        }
        self.git(
            &["hash-object", "-w", "-t", "tree", "--literally", "--stdin"],
            &bytes,
        )
    }

    /// A commit of this tree; `main` points to it.
    pub fn commit(&self, tree: &str) -> CommitId {
        let id = self.git(&["commit-tree", tree, "-m", "A commit"], b"");
        self.git(&["update-ref", "refs/heads/main", &id], b"");
        id.parse().expect("git names commits so")
    }

    /// A commit of what stands in `directory`, as `git add` sees it.
    pub fn commit_directory(&self, directory: &Path) -> CommitId {
        let index = self.home.path().join("index");
        let _ = fs::remove_file(&index);
        for arguments in [&["add", "--all", "--force", "."][..], &["write-tree"]] {
            let mut command = Command::new("git");
            isolate(&mut command);
            let output = command
                .args(arguments)
                .current_dir(directory)
                .env("GIT_DIR", self.git_dir())
                .env("GIT_WORK_TREE", directory)
                .env("GIT_INDEX_FILE", &index)
                .output()
                .expect("git runs");
            assert!(output.status.success(), "{output:?}");
            if arguments[0] == "write-tree" {
                return self.commit(String::from_utf8_lossy(&output.stdout).trim());
            }
        }
        unreachable!("write-tree came last")
    }

    /// What git itself makes of a commit.
    pub fn checkout(&self, commit: &CommitId) -> TempDir {
        let directory = TempDir::new().expect("a place for a checkout");
        let (fine, said) = self.run(
            &[
                "--work-tree",
                directory.path().to_str().expect("an ordinary path"),
                "checkout",
                "--quiet",
                "--force",
                commit.as_str(),
                "--",
                ".",
            ],
            b"",
            directory.path(),
        );
        assert!(fine, "{said}");
        directory
    }
}

/// Only the repository itself decides what git does.
fn isolate(command: &mut Command) {
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("LC_ALL", "C");
    for who in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{who}_NAME"), "A")
            .env(format!("GIT_{who}_EMAIL"), "a@example.org")
            .env(format!("GIT_{who}_DATE"), "1700000000 +0000");
    }
}

/// One request as a server sees it.
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

type Handler = dyn Fn(&Request, &mut TcpStream) + Send + Sync;

/// A server on loopback that stops when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// One connection is one request.
    pub fn start(handler: impl Fn(&Request, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let stop = Arc::new(AtomicBool::new(false));
        let handler: Arc<Handler> = Arc::new(handler);
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let handler = Arc::clone(&handler);
                thread::spawn(move || serve(stream, &*handler));
            }
        });
        Self {
            address,
            stop,
            thread: Some(thread),
        }
    }

    /// git's own, speaking the newest protocol, or the first one as behind Pagure, which does not
    /// pass `Git-Protocol` on.
    pub fn git(repository: &Repository, newest: bool) -> Self {
        let root = repository.home.path().to_owned();
        Self::start(move |request, stream| backend(&root, newest, request, stream))
    }

    pub fn url(&self) -> String {
        format!("http://{}/repo.git", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut stream: TcpStream, handler: &Handler) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut line = String::new();
    if reader.read_line(&mut line).is_err() {
        return;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return;
    };
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        let _ = reader.read_line(&mut line);
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_ok() {
        let request = Request {
            method,
            target,
            headers,
            body,
        };
        handler(&request, &mut stream);
    }
    let _ = stream.shutdown(Shutdown::Write);
    let _ = reader.read_to_end(&mut Vec::new());
}

/// The Common Gateway Interface, as far as git needs it.
fn backend(root: &Path, newest: bool, request: &Request, stream: &mut TcpStream) {
    let header = |wanted: &str| {
        let found = request.headers.iter().find(|(name, _)| name == wanted);
        found.map_or("", |(_, value)| value)
    };
    let (path, query) = request
        .target
        .split_once('?')
        .unwrap_or((&request.target, ""));
    let mut command = Command::new("git");
    isolate(&mut command);
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", &request.method)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if newest {
        command.env("GIT_PROTOCOL", header("git-protocol"));
    }
    let mut child = command.spawn().expect("git http-backend runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(&request.body).expect("it reads");
    drop(stdin);
    let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
    let (mut status, mut headers) = ("200 OK".to_owned(), String::new());
    loop {
        let mut line = String::new();
        if out.read_line(&mut line).unwrap_or(0) == 0 || line.trim_end().is_empty() {
            break;
        }
        match line.strip_prefix("Status: ") {
            Some(told) => told.trim_end().clone_into(&mut status),
            None => headers.push_str(&line),
        }
    }
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
    if stream.write_all(head.as_bytes()).is_ok() {
        let _ = std::io::copy(&mut out, stream);
    }
    // A client that has enough leaves; git then ends by itself.
    drop(out);
    let _ = child.wait();
}

/// Strict, but for this one server.
pub fn policy(source: &Source) -> Policy {
    let port = source.clone_url.port().expect("tests take free ports");
    Policy::default()
        .with(Setting::AllowHttp, &format!("127.0.0.1:{port}"))
        .and_then(|policy| policy.with(Setting::AllowHosts, "127.0.0.1"))
        .expect("entries that can be read")
}

pub fn source(server: &Server, commit: Option<&CommitId>) -> Source {
    Source {
        clone_url: server.url().parse().expect("a URL"),
        refname: Refname::Branch("main".to_owned()),
        commit: commit.cloned(),
    }
}

/// A target that is not there yet, in a directory where nothing else may be left.
pub struct Place {
    parent: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self {
            parent: TempDir::new().expect("a place for a target"),
        }
    }

    pub fn target(&self) -> PathBuf {
        self.parent.path().join("target")
    }

    pub fn left(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.parent.path()).expect("it is there");
        entries
            .map(|entry| entry.expect("it reads").path())
            .collect()
    }
}

/// Fetches with these limits, and checks what is left behind.
pub fn fetch_within(limits: Limits, source: &Source, place: &Place) -> Result<Fetched, Error> {
    let result = Fetcher::new(policy(source), limits).fetch(source, &place.target());
    let expected = if result.is_ok() {
        vec![place.target()]
    } else {
        Vec::new()
    };
    assert_eq!(place.left(), expected, "{result:?} left something behind");
    result
}

pub fn fetch(source: &Source, place: &Place) -> Result<Fetched, Error> {
    fetch_within(Limits::default(), source, place)
}

/// One file of a tree as a test compares it.
#[derive(Debug, PartialEq, Eq)]
pub enum Item {
    Directory(u32),
    File(u32, Vec<u8>),
    Link(Vec<u8>),
}

/// Every path below a directory.
pub fn listing(root: &Path) -> BTreeMap<Vec<u8>, Item> {
    let mut items = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).expect("it reads") {
            let path = entry.expect("it reads").path();
            let meta = fs::symlink_metadata(&path).expect("it is there");
            let mode = meta.permissions().mode() & 0o7777;
            let item = if meta.is_symlink() {
                let target = fs::read_link(&path).expect("a link");
                Item::Link(target.into_os_string().into_vec())
            } else if meta.is_dir() {
                waiting.push(path.clone());
                Item::Directory(mode)
            } else {
                Item::File(mode, fs::read(&path).expect("it reads"))
            };
            let name = path.strip_prefix(root).expect("it is below");
            items.insert(name.as_os_str().as_bytes().to_vec(), item);
        }
    }
    items
}

/// A path of any bytes.
pub fn path_of(root: &Path, name: &[u8]) -> PathBuf {
    root.join(OsStr::from_bytes(name))
}
