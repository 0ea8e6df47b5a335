//! A shelf of made-up builds over real files, and a server of its pages.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "only for tests, and each of them uses a part of it"
)]

pub mod client;

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Write as _,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use chela_contract::{BuildId, Micros, Refname};
use chela_pages::{
    Artifact, ArtifactFile, BuildState, BuildView, Found, Limits, Link, ListView, LogFile, LogSize,
    PageKey, Progress, Reference, Row, Shelf, Unavailable, router_with,
};
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};

/// The key of the list of all builds.
pub const LIST: PageKey = PageKey::from_bytes([0xaa; 16]);
/// The key of a list on which nothing stands.
pub const EMPTY_LIST: PageKey = PageKey::from_bytes([0xbb; 16]);

/// Builds in a folder that goes when the shelf goes.
pub struct Made {
    folder: TempDir,
    builds: Mutex<HashMap<PageKey, Build>>,
    broken: AtomicBool,
}

struct Build {
    view: BuildView,
    progress: Option<watch::Sender<Progress>>,
}

impl Made {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            folder: tempfile::tempdir().unwrap(),
            builds: Mutex::default(),
            broken: AtomicBool::new(false),
        })
    }

    /// Puts a build onto the shelf.
    pub fn add(&self, view: BuildView) -> PageKey {
        let key = PageKey::random().unwrap();
        let progress = (!view.state.is_final()).then(|| watch::channel(Progress::default()).0);
        let build = Build { view, progress };
        self.builds.lock().unwrap().insert(key, build);
        key
    }

    /// A build that runs, as `change` has it.
    pub fn add_running(&self, change: impl FnOnce(&mut BuildView)) -> PageKey {
        let mut view = running();
        change(&mut view);
        self.add(view)
    }

    /// Appends to the log and tells the viewers.
    pub fn write(&self, key: PageKey, bytes: &[u8]) {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(self.log_path(key))
            .unwrap();
        file.write_all(bytes).unwrap();
        let length = file.metadata().unwrap().len();
        self.with(key, |build| {
            build.view.log = Some(LogSize {
                bytes: length,
                truncated: false,
            });
            if let Some(progress) = &build.progress {
                progress.send_modify(|progress| progress.log_bytes = length);
            }
        });
    }

    /// Changes what is known of a build and tells the viewers.
    pub fn change(&self, key: PageKey, change: impl FnOnce(&mut BuildView)) {
        self.with(key, |build| {
            change(&mut build.view);
            let ended = build.view.state.is_final();
            if let Some(progress) = &build.progress {
                progress.send_modify(|progress| {
                    progress.changes += 1;
                    progress.ended = ended;
                });
            }
        });
    }

    /// What a server that stops does: the viewers' connections end.
    pub fn stop_telling(&self, key: PageKey) {
        self.with(key, |build| build.progress = None);
    }

    /// From now on nothing can be read.
    pub fn break_down(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }

    /// Writes a file that the build leaves behind; where it is.
    pub fn leave(&self, key: PageKey, name: &str, bytes: &[u8]) -> PathBuf {
        let number = self.with(key, |build| {
            build.view.artifacts.push(Artifact {
                name: name.into(),
                bytes: bytes.len() as u64,
            });
            build.view.artifacts.len() - 1
        });
        let path = self.artifact_path(key, number);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub fn log_path(&self, key: PageKey) -> PathBuf {
        self.folder.path().join(name(key, "log"))
    }

    /// How many live views hold on to the build.
    pub fn viewers(&self, key: PageKey) -> usize {
        self.with(key, |build| {
            build
                .progress
                .as_ref()
                .map_or(0, watch::Sender::receiver_count)
        })
    }

    fn artifact_path(&self, key: PageKey, number: usize) -> PathBuf {
        self.folder.path().join(name(key, &number.to_string()))
    }

    fn with<T>(&self, key: PageKey, work: impl FnOnce(&mut Build) -> T) -> T {
        work(self.builds.lock().unwrap().get_mut(&key).unwrap())
    }

    fn find<T>(&self, key: &PageKey, look: impl FnOnce(&Build) -> T) -> Found<T> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(Unavailable);
        }
        Ok(self.builds.lock().unwrap().get(key).map(look))
    }
}

impl Shelf for Made {
    async fn build(&self, key: &PageKey) -> Found<BuildView> {
        self.find(key, |build| build.view.clone())
    }

    async fn list(&self, key: &PageKey, before: Option<BuildId>) -> Found<ListView> {
        if *key == EMPTY_LIST {
            let project = Some(running().project);
            return Ok(Some(ListView {
                project,
                builds: Vec::new(),
                older: None,
            }));
        }
        if *key != LIST {
            return Ok(None);
        }
        let builds = self.builds.lock().unwrap();
        let mut rows: Vec<_> = builds
            .iter()
            .filter(|(_, build)| before.is_none_or(|before| build.view.id < before))
            .map(|(key, build)| (build.view.id, row(*key, &build.view)))
            .collect();
        rows.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        let older = rows.get(10).and(rows.get(9)).map(|(id, _)| *id);
        let builds = rows.into_iter().take(10).map(|(_, row)| row).collect();
        Ok(Some(ListView {
            project: None,
            builds,
            older,
        }))
    }

    async fn log(&self, key: &PageKey) -> Found<LogFile> {
        let path = self.log_path(*key);
        self.find(key, |build| match &build.progress {
            Some(progress) => LogFile {
                path,
                progress: progress.subscribe(),
            },
            None => LogFile::ended(path),
        })
    }

    async fn artifact(&self, key: &PageKey, number: usize) -> Found<ArtifactFile> {
        let path = self.artifact_path(*key, number);
        let file = self.find(key, |build| {
            let name = build.view.artifacts.get(number)?.name.clone();
            Some(ArtifactFile { path, name })
        });
        file.map(Option::flatten)
    }
}

fn name(key: PageKey, what: &str) -> String {
    let number = u128::from_be_bytes(*key.as_bytes());
    format!("{number:x}.{what}")
}

fn row(key: PageKey, view: &BuildView) -> Row {
    Row {
        key,
        project: view.project.text.clone(),
        job: view.job.clone(),
        pull_request: view.pull_request.clone(),
        refname: view.refname.clone(),
        commit: view.commit.as_ref().map(|(id, _)| id.clone()),
        requested_by: view.requested_by.clone(),
        state: view.state,
        created: view.created,
        started: view.started,
        ended: view.ended,
    }
}

/// A build that runs, without a pull request or phases.
pub fn running() -> BuildView {
    let created: Micros = "2026-11-23T20:15:27.104322Z".parse().unwrap();
    let started = created.plus_seconds(2);
    BuildView {
        id: BuildId::new(created),
        project: Reference {
            text: "demo/hello".into(),
            link: Link::parse("https://pagure.example.org/demo/hello"),
        },
        job: "local/test".into(),
        pull_request: None,
        refname: Refname::Branch("main".into()),
        commit: Some((
            "7a1b5e0c3d2f4a6b8c9d0e1f2a3b4c5d6e7f8091".parse().unwrap(),
            None,
        )),
        requested_by: Some("ada".into()),
        state: BuildState::Running,
        description: "Phase build".into(),
        created,
        started: Some(started),
        ended: None,
        phases: Vec::new(),
        notes: Vec::new(),
        log: None,
        artifacts: Vec::new(),
        list: None,
    }
}

/// Ends a build.
pub fn end(view: &mut BuildView, state: BuildState) {
    view.state = state;
    view.ended = view.started.map(|started| started.plus_seconds(63));
}

/// The pages of a shelf, over HTTP on a port of its own.
pub struct Server {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(shelf: &Arc<Made>) -> Self {
        Self::start_with(shelf, Limits::default())
    }

    pub fn start_with(shelf: &Arc<Made>, limits: Limits) -> Self {
        Self::serve(shelf, limits, "127.0.0.1:0")
    }

    pub fn start_at(shelf: &Arc<Made>, address: &str) -> Self {
        Self::serve(shelf, Limits::default(), address)
    }

    fn serve(shelf: &Arc<Made>, limits: Limits, address: &str) -> Self {
        let pages = router_with(Arc::clone(shelf), limits);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind(address));
        let listener = listener.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    served = axum::serve(listener, pages).into_future() => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}
