//! What is allowed and yet may not be meant.

use std::fmt;

use url::{Host, Url};

use crate::{
    Settings,
    parts::{Job, Kind, Network, Project},
};

/// Something to look at before the start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// Pages travel readable by everybody on the way.
    #[error("serve.url is plain HTTP; put a web server with TLS before chela and write https://")]
    PlainPages,
    /// Requests too, and from the whole network.
    #[error(
        "serve.listen takes connections from the network, without TLS; write 127.0.0.1 and let a web \
         server with TLS pass them on"
    )]
    OpenListener,
    /// Sources and reports can be changed on the way.
    #[error(
        "{url} is plain HTTP; what is built could be changed on the way, so write https:// if you can"
    )]
    PlainForge {
        /// The server.
        url: Url,
    },
    /// No request will be taken.
    #[error(
        "there are no projects, so nothing will be built; add [projects.\"…\"] with its token_file"
    )]
    NoProjects,
    /// No request of this project will be taken.
    #[error(
        "{project} has no jobs, so nothing will be built; add [projects.\"{project}\".jobs.test]"
    )]
    NoJobs {
        /// The project.
        project: String,
    },
    /// Builds can do what the program can.
    #[error(
        "sandbox.kind is \"none\": builds can read and change all that chela can, its tokens too, and \
         strangers' builds are refused; install bubblewrap and write \"auto\""
    )]
    NoSandbox,
    /// Strangers' builds will not run.
    #[error(
        "sandbox.kind is \"landlock\": strangers' builds are refused, which need \"bubblewrap\""
    )]
    Landlock,
    /// A stranger's build can talk to the network.
    #[error(
        "{job} gives strangers' builds the network: they reach whatever this machine reaches, inside \
         your network too"
    )]
    StrangersNetwork {
        /// The job.
        job: JobKey,
    },
    /// It looks like a secret, where everybody can see it.
    #[error(
        "{job} sets {name} for everybody to see; if it is a secret, put it into a file and name that \
         in secret_files"
    )]
    VisibleSecret {
        /// The job.
        job: JobKey,
        /// The variable.
        name: String,
    },
}

/// A job of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobKey {
    /// The project's full name.
    pub project: String,
    /// The job's.
    pub job: String,
}

impl fmt::Display for JobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the job {} of {}", self.job, self.project)
    }
}

/// All that may not be meant, in the order of the file. Reads nothing.
#[must_use]
pub fn check(settings: &Settings) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if plain(&settings.serve.url) {
        warnings.push(Warning::PlainPages);
    }
    if !settings.serve.listen.ip().is_loopback() {
        warnings.push(Warning::OpenListener);
    }
    let forges = settings.pagure.servers().filter(|url| plain(url));
    warnings.extend(forges.map(|url| Warning::PlainForge { url: url.clone() }));
    match settings.sandbox.kind {
        Kind::None => warnings.push(Warning::NoSandbox),
        Kind::Landlock => warnings.push(Warning::Landlock),
        Kind::Auto | Kind::Bubblewrap => {}
    }
    if settings.projects().next().is_none() {
        warnings.push(Warning::NoProjects);
    }
    warnings.extend(settings.projects().flat_map(of_project));
    warnings
}

fn of_project(project: &Project) -> Vec<Warning> {
    let name = project.name.fullname();
    if project.jobs().next().is_none() {
        return vec![Warning::NoJobs { project: name }];
    }
    project.jobs().flat_map(|job| of_job(&name, job)).collect()
}

fn of_job(project: &str, job: &Job) -> Vec<Warning> {
    let key = || JobKey {
        project: project.to_owned(),
        job: job.name.clone(),
    };
    let network =
        (job.strangers_network == Network::On).then(|| Warning::StrangersNetwork { job: key() });
    let visible = job.environment.keys().filter(|name| looks_secret(name));
    let visible = visible.map(|name| Warning::VisibleSecret {
        job: key(),
        name: name.clone(),
    });
    network.into_iter().chain(visible).collect()
}

fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words = [
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PRIVATE_KEY",
        "API_KEY",
        "ACCESS_KEY",
    ];
    words.iter().any(|word| name.contains(word))
}

/// Without TLS, over a network.
fn plain(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    };
    url.scheme() == "http" && !loopback
}
