//! The whole receiver: everything wired, started and stopped.

use std::{
    io,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use chela_contract::{BuildId, webhook::Key};
use chela_local::{OpenError, Store, StoreError};
use chela_outbound::Sender;
use chela_receiver::{Bounds, Build, Forge, Strangers};
use chela_runner::{Confine, Kind};
use chela_settings::{Environment, Interrupted, Settings, Strangers as Wish, Tokens};
use chela_source::{Fetcher, Limits};
use secrecy::SecretString;
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time};
use url::Url;

use crate::{
    clock::now,
    engine::LocalEngine,
    entry::{self, Desk},
    folders::Folders,
    hands::Hands,
    http,
    projects::Projects,
    reporter::Reporter,
    secret,
    shelf::{BuildShelf, Lists, list_key},
    slots::Slot,
    sources::GitSources,
    sweep::Sweep,
    wakeful::{Bell, Wakeful},
    walls::{NoWalls, Walls},
};

/// Reports that are sent at the same time: one slow answer does not hold the others up.
const REPORTERS: usize = 4;
/// What answers and reports that are under way may still take when the server stops.
const LAST: Duration = Duration::from_secs(2);

/// A receiver that runs.
pub struct Server {
    address: SocketAddr,
    kind: Kind,
    closing: watch::Sender<bool>,
    stopped: watch::Sender<bool>,
    tasks: JoinSet<()>,
    slots: Vec<JoinHandle<()>>,
    reporters: Vec<JoinHandle<()>>,
    hands: Hands,
    drain: Duration,
}

/// Why the receiver does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder.
    #[error("the data folder {path}: {cause}; make it, and give it to the user that chela runs as")]
    Data {
        /// Which.
        path: String,
        /// Why.
        cause: io::Error,
    },
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database.
    #[error("the database: {0}")]
    Store(#[from] StoreError),
    /// The sandbox.
    #[error(transparent)]
    Walls(#[from] NoWalls),
    /// The port.
    #[error("cannot listen on {address}: {cause}; see serve.listen")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        cause: io::Error,
    },
    /// The system gives no threads.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
}

impl Server {
    /// Opens everything, takes up what an earlier run left, and begins to listen.
    ///
    /// `confine` is how the sandbox reaches its helper stage, where that is not this very program.
    pub async fn start(
        settings: Settings,
        environment: &Environment,
        confine: Option<Confine>,
    ) -> Result<Self, StartError> {
        let address = settings.serve.listen;
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|cause| StartError::Listen { address, cause })?;
        Self::start_on(listener, settings, environment, confine).await
    }

    /// The same with a listener that is there already, whatever the settings say of one.
    pub async fn start_on(
        listener: TcpListener,
        settings: Settings,
        environment: &Environment,
        confine: Option<Confine>,
    ) -> Result<Self, StartError> {
        let tokens = Tokens::new(&settings, environment);
        let start = move || Self::open(listener, Arc::new(settings), tokens, confine);
        let started = tokio::task::spawn_blocking(start).await;
        started.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    fn open(
        listener: TcpListener,
        settings: Arc<Settings>,
        tokens: Tokens,
        confine: Option<Confine>,
    ) -> Result<Self, StartError> {
        let data = &settings.serve.data;
        let folders = open_folders(data)?;
        let store = Store::open(data)?;
        let walls = Walls::build(&settings.sandbox, confine)?;
        let parts = Parts {
            forge: Forge::new(settings.pagure.url.clone(), settings.pagure.git.clone()),
            projects: Projects::new(Arc::clone(&settings), tokens),
            hands: Hands::default(),
            settings,
            store,
            folders,
        };
        parts.take_up()?;
        parts.run(walls, listener)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the walls around builds are made of.
    #[must_use]
    pub fn walls(&self) -> Kind {
        self.kind
    }

    /// Takes nothing new, waits for the builds that run, then ends them and leaves what they did not
    /// finish to the next start.
    pub async fn stop(mut self) {
        self.closing.send_replace(true);
        let mut drained = all_end(self.slots);
        if time::timeout(self.drain, &mut drained).await.is_err() {
            tracing::warn!("builds still run; they will be taken up again at the next start");
            self.hands.leave();
        }
        self.stopped.send_replace(true);
        let last = async {
            while self.tasks.join_next().await.is_some() {}
            let _ = all_end(self.reporters).await;
            if !drained.is_finished() {
                let _ = drained.await;
            }
        };
        let _ = time::timeout(LAST, last).await;
    }
}

/// The address of the list of all builds, or of one project's: for the operator. The receiver must
/// have run once.
pub fn list_page(settings: &Settings, project: Option<&str>) -> Result<Url, StartError> {
    let data = &settings.serve.data;
    let secret = secret::read(&secret::path(data)).map_err(|cause| data_error(data, cause))?;
    let key = list_key(&secret, project);
    let url = &settings.serve.url;
    Ok(url
        .join(key.list_path().trim_start_matches('/'))
        .expect("a key is a path's segment"))
}

/// What the workers share.
struct Parts {
    settings: Arc<Settings>,
    store: Store,
    folders: Folders,
    forge: Forge,
    projects: Projects,
    hands: Hands,
}

impl Parts {
    /// Builds that ran when the last process ended go back to the queue, or end.
    fn take_up(&self) -> Result<(), StoreError> {
        let again = |build: &Build| match self.projects.job_of(build) {
            Ok(job) => job.interrupted == Interrupted::Restart,
            Err(_) => false,
        };
        for build in self.store.recover(now(), &again)? {
            tracing::warn!(build = %build.id(), stage = ?build.stage, "was interrupted");
        }
        // Also of those that were over already, such as one that was overtaken while it ran.
        if let Err(error) = self.folders.clear() {
            tracing::warn!(%error, "cannot clear the builds' folders");
        }
        Ok(())
    }

    fn run(self, walls: Walls, listener: TcpListener) -> Result<Server, StartError> {
        let (closing, closes) = watch::channel(false);
        let (stopped, stops) = watch::channel(false);
        let kind = walls.kind();
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        let (work, reports) = (Bell::default(), Bell::default());
        tasks.spawn(work.clone().ring_for(self.store.clone(), closes.clone()));
        tasks.spawn(reports.clone().ring_for(self.store.clone(), stops.clone()));
        let slots = self.slots(walls, &work)?;
        let reporters = self.reporters(&reports)?;
        tasks.spawn(self.sweep().work(stops.clone()));
        let router = self.router()?;
        tasks.spawn(http::serve(listener, router, closes));
        tracing::info!(%address, walls = ?kind, "ready");
        Ok(Server {
            address,
            kind,
            closing,
            stopped,
            tasks,
            slots,
            reporters,
            hands: self.hands,
            drain: self.settings.serve.drain,
        })
    }

    fn slots(&self, walls: Walls, bell: &Bell) -> Result<Vec<JoinHandle<()>>, io::Error> {
        let slot = Slot {
            store: self.store.clone(),
            sources: Arc::new(GitSources {
                fetcher: Fetcher::new(self.settings.egress.clone(), self.source_limits()),
                folders: self.folders.clone(),
                projects: self.projects.clone(),
                pagure: self.settings.pagure.clone(),
            }),
            engine: Arc::new(LocalEngine {
                folders: self.folders.clone(),
                projects: self.projects.clone(),
                settings: Arc::clone(&self.settings),
                walls,
                hands: self.hands.clone(),
            }),
            folders: self.folders.clone(),
            hands: self.hands.clone(),
        };
        let start = |number| {
            let (slot, wakeful) = (slot.clone(), Wakeful::new(bell));
            worker(format!("slot-{number}"), move || slot.work(wakeful))
        };
        (0..self.settings.builds.parallel).map(start).collect()
    }

    fn reporters(&self, bell: &Bell) -> Result<Vec<JoinHandle<()>>, io::Error> {
        let reporter = Reporter {
            store: self.store.clone(),
            forge: self.forge.clone(),
            projects: self.projects.clone(),
            sender: Arc::new(Sender::default()),
        };
        let start = |number| {
            let (reporter, wakeful) = (reporter.clone(), Wakeful::new(bell));
            worker(format!("reporter-{number}"), move || reporter.work(wakeful))
        };
        (0..REPORTERS).map(start).collect()
    }

    fn sweep(&self) -> Sweep {
        Sweep {
            store: self.store.clone(),
            folders: self.folders.clone(),
            hands: self.hands.clone(),
            keep: self.settings.builds.keep,
            keep_builds: self.settings.builds.keep_builds,
        }
    }

    fn router(&self) -> Result<Router, StartError> {
        let desk = Desk {
            store: self.store.clone(),
            forge: self.forge.clone(),
            projects: self.projects.clone(),
            base: self.settings.serve.url.clone(),
            strangers: match self.settings.builds.strangers {
                Wish::Hold => Strangers::Hold,
                Wish::Refuse => Strangers::Refuse,
            },
            bounds: Bounds {
                queued: self.settings.builds.queue,
                held: self.settings.builds.held_per_project,
            },
            hands: self.hands.clone(),
            nobody: nobody(),
        };
        let data = &self.settings.serve.data;
        let secret = secret::open(data).map_err(|cause| data_error(data, cause))?;
        let projects = self
            .settings
            .projects()
            .map(|project| project.name.fullname());
        let builds = BuildShelf {
            store: self.store.clone(),
            folders: self.folders.clone(),
            hands: self.hands.clone(),
            lists: Arc::new(Lists::new(&secret, projects)),
            log_limit: self.settings.log.limit.bytes(),
        };
        let health = Router::new()
            .route("/healthz", get(health))
            .with_state(self.store.clone());
        let pages = chela_pages::router(Arc::new(builds));
        Ok(entry::router(Arc::new(desk)).merge(health).merge(pages))
    }

    fn source_limits(&self) -> Limits {
        let source = &self.settings.source;
        Limits {
            received: source.received.bytes(),
            unpacked: source.unpacked.bytes(),
            file: source.file.bytes(),
            files: source.files,
            time: source.time,
            ..Limits::default()
        }
    }
}

/// For a load balancer: 200 while the database takes work. A full disk shows at the next request.
async fn health(State(store): State<Store>) -> impl IntoResponse {
    if store.is_open() {
        (StatusCode::OK, Json(serde_json::json!({ "status": "ok" })))
    } else {
        let status = serde_json::json!({ "status": "the database has failed; restart it" });
        (StatusCode::SERVICE_UNAVAILABLE, Json(status))
    }
}

/// Ready when the threads have ended.
fn all_end(threads: Vec<JoinHandle<()>>) -> tokio::task::JoinHandle<()> {
    tokio::task::spawn_blocking(move || {
        for thread in threads {
            // One that a defect has ended has said so.
            drop(thread.join());
        }
    })
}

fn worker(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name).spawn(work)
}

fn open_folders(data: &Path) -> Result<Folders, StartError> {
    Folders::open(data).map_err(|cause| data_error(data, cause))
}

fn data_error(data: &Path, cause: io::Error) -> StartError {
    let path = data.display().to_string();
    StartError::Data { path, cause }
}

/// A key that nobody has.
fn nobody() -> Key {
    let secret = SecretString::from(BuildId::new(now()).to_string());
    Key::new(secret).expect("an id is not empty")
}
