//! What the pages show, out of the ledger and the builds' folders.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use chela_contract::BuildId;
use chela_local::{Kept, Outgoing, PhaseState as Known, Store, StoreError};
use chela_pages::{
    Artifact, ArtifactFile, BuildState, BuildView, Found, Link, ListView, LogFile, LogSize,
    Outside, PageKey, Phase, PhaseState, PullRequestView, Reference, Row, Shelf, Unavailable,
};
use chela_receiver::{Build, Stage};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_blocking;

use crate::{entry::hex, folders::Folders, hands::Hands};

/// Builds on one page of a list.
const ROWS: usize = 50;
/// Files of a build that its page names.
const MAX_ARTIFACTS: usize = 500;

/// The builds of one machine; clones share them.
#[derive(Clone)]
pub struct BuildShelf {
    pub store: Store,
    pub folders: Folders,
    pub hands: Hands,
    pub lists: Arc<Lists>,
    /// Bytes of a log that are kept.
    pub log_limit: u64,
}

/// The lists that there are, by their keys: one of each project, one of all.
pub struct Lists(HashMap<[u8; 16], Option<String>>);

impl Lists {
    /// Those of these projects.
    pub fn new(secret: &SecretSlice<u8>, projects: impl Iterator<Item = String>) -> Self {
        let all = projects.map(Some).chain([None]);
        let keyed = all.map(|project| (*list_key(secret, project.as_deref()).as_bytes(), project));
        Self(keyed.collect())
    }

    fn key(&self, project: &str) -> Option<PageKey> {
        let mut all = self.0.iter();
        let found = all.find(|(_, listed)| listed.as_deref() == Some(project));
        found.map(|(key, _)| PageKey::from_bytes(*key))
    }
}

/// The key of a project's list, or of every project's.
pub fn list_key(secret: &SecretSlice<u8>, project: Option<&str>) -> PageKey {
    let mut hash = Sha256::new();
    // The secret has one length, so that nothing can move between the two.
    hash.update(secret.expose_secret());
    hash.update(project.unwrap_or_default());
    let digest: [u8; 32] = hash.finalize().into();
    let (first, _) = digest.split_first_chunk().expect("a digest is longer");
    PageKey::from_bytes(*first)
}

impl Shelf for BuildShelf {
    fn build(&self, key: &PageKey) -> impl Future<Output = Found<BuildView>> + Send {
        self.look_up(key, |shelf, kept| Ok(shelf.view(&kept)))
    }

    async fn list(&self, key: &PageKey, before: Option<BuildId>) -> Found<ListView> {
        let Some(project) = self.lists.0.get(key.as_bytes()).cloned() else {
            return Ok(None);
        };
        let this = self.clone();
        let read = move || {
            this.store
                .list(project.as_deref(), before, ROWS + 1)
                .map(|kept| (project, kept))
        };
        let (project, kept) = blocking(read).await?;
        Ok(Some(list_view(project, &kept)))
    }

    fn log(&self, key: &PageKey) -> impl Future<Output = Found<LogFile>> + Send {
        self.look_up(key, |shelf, kept| {
            let build = &kept.build;
            let path = shelf.folders.of(build.id()).log();
            if build.is_over() && !shelf.hands.runs(build.id()) {
                return Ok(LogFile::ended(path));
            }
            let progress = shelf.hands.watch(build.id());
            // It may have ended between the look and the watch; then nobody would say so.
            let now = shelf.store.by_id(build.id())?;
            let over = now.is_none_or(|kept| kept.build.is_over()) && !shelf.hands.runs(build.id());
            Ok(if over {
                LogFile::ended(path)
            } else {
                LogFile { path, progress }
            })
        })
    }

    fn artifact(
        &self,
        key: &PageKey,
        number: usize,
    ) -> impl Future<Output = Found<ArtifactFile>> + Send {
        let found = self.look_up(key, move |shelf, kept| {
            let root = shelf.folders.of(kept.build.id()).artifacts();
            let name = artifacts(&root).into_iter().nth(number);
            Ok(name.map(|(name, _)| ArtifactFile {
                path: root.join(&name),
                name: name.display().to_string().into(),
            }))
        });
        async { Ok(found.await?.flatten()) }
    }
}

impl BuildShelf {
    async fn look_up<T: Send + 'static>(
        &self,
        key: &PageKey,
        look: impl FnOnce(&Self, Kept) -> Result<T, StoreError> + Send + 'static,
    ) -> Found<T> {
        let (this, key) = (self.clone(), hex(key));
        let read = move || {
            let kept = this.store.by_key(&key)?;
            kept.map(|kept| look(&this, kept)).transpose()
        };
        blocking(read).await
    }

    fn view(&self, kept: &Kept) -> BuildView {
        let build = &kept.build;
        let request = &build.request;
        let folder = self.folders.of(build.id());
        let files = artifacts(&folder.artifacts());
        BuildView {
            id: build.id(),
            project: project(build),
            job: request.job.as_str().into(),
            pull_request: pull_request(build),
            refname: request.source.refname.clone(),
            commit: build.commit.clone().map(|commit| {
                let page = format!("{}/c/{}", request.project.url, commit.as_str());
                (commit, Link::parse(&page))
            }),
            requested_by: requested_by(build),
            state: state(build),
            description: build.said.description.clone().into(),
            created: build.id().time(),
            started: kept.started,
            ended: kept.ended,
            phases: kept.phases.iter().map(phase).collect(),
            notes: notes(&kept.report),
            log: self.log_size(&folder.log()),
            artifacts: files.into_iter().map(artifact).collect(),
            list: self.lists.key(&request.project.fullname),
        }
    }

    fn log_size(&self, path: &Path) -> Option<LogSize> {
        let bytes = fs::metadata(path).ok()?.len();
        Some(LogSize {
            bytes,
            truncated: bytes > self.log_limit,
        })
    }
}

/// What the database or the disk makes slow runs beside what serves everybody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Unavailable> {
    let done = spawn_blocking(work).await;
    done.map_err(|_| Unavailable)?.map_err(|error| {
        tracing::error!(%error, "cannot read the builds");
        Unavailable
    })
}

fn list_view(project: Option<String>, kept: &[Kept]) -> ListView {
    let shown = kept.get(..ROWS).unwrap_or(kept);
    let more = kept.len() > shown.len();
    ListView {
        project: project.map(|name| {
            let link = shown
                .first()
                .and_then(|kept| Link::new(kept.build.request.project.url.clone()));
            Reference {
                text: name.into(),
                link,
            }
        }),
        builds: shown.iter().filter_map(row).collect(),
        older: shown.last().filter(|_| more).map(|kept| kept.build.id()),
    }
}

fn row(kept: &Kept) -> Option<Row> {
    let build = &kept.build;
    let request = &build.request;
    Some(Row {
        key: kept.key.parse().ok()?,
        project: request.project.fullname.clone().into(),
        job: request.job.as_str().into(),
        pull_request: pull_request(build),
        refname: request.source.refname.clone(),
        commit: build.commit.clone(),
        requested_by: requested_by(build),
        state: state(build),
        created: build.id().time(),
        started: kept.started,
        ended: kept.ended,
    })
}

fn project(build: &Build) -> Reference {
    let project = &build.request.project;
    Reference {
        text: project.fullname.clone().into(),
        link: Link::new(project.url.clone()),
    }
}

fn pull_request(build: &Build) -> Option<PullRequestView> {
    build
        .request
        .pull_request
        .as_ref()
        .map(|pull| PullRequestView {
            id: pull.id.into(),
            title: pull.title.clone().into(),
            link: Link::new(pull.url.clone()),
        })
}

fn requested_by(build: &Build) -> Option<Outside> {
    build
        .request
        .requested_by
        .as_ref()
        .map(|by| by.user.clone().into())
}

fn state(build: &Build) -> BuildState {
    match build.stage {
        Stage::Held { .. } => BuildState::Held,
        Stage::Queued { .. } => BuildState::Waiting,
        Stage::Running => BuildState::Running,
        Stage::Ended(status) => status.into(),
    }
}

fn phase(phase: &chela_local::Phase) -> Phase {
    Phase {
        name: phase.name.clone().into(),
        state: match phase.state {
            Known::Running => PhaseState::Running,
            Known::Done => PhaseState::Success,
            Known::Failed => PhaseState::Failure,
            Known::Stopped => PhaseState::Canceled,
        },
        started: Some(phase.started),
        ended: phase.ended,
    }
}

fn notes(report: &Outgoing) -> Vec<Outside> {
    match report {
        Outgoing::Waiting {
            attempts,
            trouble: Some(trouble),
            ..
        } => {
            vec![format!("Pagure does not know yet, after {attempts} attempts: {trouble}").into()]
        }
        Outgoing::Dropped(reason) => vec![format!("Pagure was never told: {reason}").into()],
        Outgoing::Settled | Outgoing::Waiting { .. } => Vec::new(),
    }
}

fn artifact((name, bytes): (PathBuf, u64)) -> Artifact {
    Artifact {
        name: name.display().to_string().into(),
        bytes,
    }
}

/// The regular files below a folder, by name; links are not followed, for there are none that the
/// runner has not judged.
fn artifacts(root: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while found.len() < MAX_ARTIFACTS
        && let Some(folder) = waiting.pop()
    {
        // What cannot be read is not shown.
        let _ = list(&folder, root, &mut waiting, &mut found);
    }
    found.sort();
    found
}

fn list(
    folder: &Path,
    root: &Path,
    waiting: &mut Vec<PathBuf>,
    found: &mut Vec<(PathBuf, u64)>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, meta) = (entry.path(), entry.metadata()?);
        if found.len() >= MAX_ARTIFACTS {
            return Ok(());
        }
        if meta.is_dir() {
            waiting.push(path);
        } else if meta.is_file()
            && let Ok(name) = path.strip_prefix(root)
        {
            found.push((name.to_owned(), meta.len()));
        }
    }
    Ok(())
}
