//! Brings a build's source from git into its folder.

use std::{fs, io, time::Duration};

use chela_contract::{Micros, Refname, Source};
use chela_outbound::Backoff;
use chela_receiver::{Brought, Build, NotBrought, Sources};
use chela_settings::{Pagure, Whose};
use chela_source::{Error, Fetcher};

use crate::{
    clock::now,
    folders::{BuildFolder, Folders},
    projects::Projects,
};

/// After so many attempts, some minutes in all, the build ends.
const MAX_MISSES: u32 = 6;

/// Git, through the egress guard.
pub struct GitSources {
    pub fetcher: Fetcher,
    pub folders: Folders,
    pub projects: Projects,
    pub pagure: Pagure,
}

impl Sources for GitSources {
    fn bring(&self, build: &Build) -> Result<Brought, NotBrought> {
        let folder = self.folders.of(build.id());
        fresh(&folder).map_err(|e| not_now(build, &format!("the data folder: {e}"), None))?;
        let job = self
            .projects
            .job_of(build)
            .map_err(|e| NotBrought::Never(e.to_string()))?;
        let fetched = self
            .fetcher
            .fetch(&build.request.source, &folder.source())
            .map_err(|error| not_brought(build, &error))?;
        if let (Whose::Target, Some(source)) = (job.from, self.target(build)) {
            self.fetcher
                .fetch(&source, &folder.pinned())
                .map_err(|error| not_brought(build, &error))?;
        }
        Ok(Brought {
            commit: fetched.commit,
            place: folder.source(),
            notes: fetched.notes.iter().map(ToString::to_string).collect(),
        })
    }
}

impl GitSources {
    /// The branch that a pull request goes into, where its project's own repository lies: on the
    /// server that the pull request's source is on, if that is one of the forge's.
    fn target(&self, build: &Build) -> Option<Source> {
        let pull = build.request.pull_request.as_ref()?;
        let own = format!("{}.git", build.request.project.fullname);
        let origin = build.request.source.clone_url.origin();
        let mut servers = self.pagure.git.iter();
        let server = servers
            .find(|server| server.origin() == origin)
            .unwrap_or(&self.pagure.url);
        Some(Source {
            clone_url: server.join(&own).ok()?,
            refname: Refname::Branch(pull.target_branch.clone()),
            commit: None,
        })
    }
}

/// The build's folder without what an earlier run left.
fn fresh(folder: &BuildFolder) -> io::Result<()> {
    folder.make()?;
    folder.clear()?;
    match fs::remove_dir_all(folder.artifacts()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn not_brought(build: &Build, error: &Error) -> NotBrought {
    let why = error.to_string();
    if error.may_pass() {
        not_now(build, &why, None)
    } else {
        NotBrought::Never(why)
    }
}

fn not_now(build: &Build, why: &str, after: Option<Duration>) -> NotBrought {
    let misses = build.misses + 1;
    let now: Micros = now();
    let next = Backoff::next(misses, now, now, after, 0.0);
    match next.filter(|_| misses < MAX_MISSES) {
        Some(next) => NotBrought::Yet {
            why: why.to_owned(),
            until: next.0,
        },
        None => NotBrought::Never(format!("{why} (tried {misses} times)")),
    }
}
