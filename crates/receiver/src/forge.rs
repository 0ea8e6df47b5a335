//! The forge that the receiver serves: what a request may name of it.

use chela_contract::BuildRequest;
use chela_outbound::{Audience, Destination, Policy};
use chela_pagure::ProjectName;
use url::Url;

/// A forge, and where its repositories lie.
#[derive(Clone, Debug)]
pub struct Forge {
    /// Its address.
    url: Url,
    /// Below which addresses its repositories are cloned from.
    clones: Vec<Url>,
    /// How those settings are called.
    named: Named,
    /// What may be cloned from, where a request is judged by that too.
    egress: Option<Policy>,
}

/// How the receiver's own settings are called, for whoever has to change one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// The forge's address.
    pub url: &'static str,
    /// That, or the further addresses of its repositories.
    pub clones: &'static str,
}

impl Default for Named {
    /// As the file of `chela serve` has them.
    fn default() -> Self {
        Self {
            url: "[pagure] url",
            clones: "[pagure] url or git",
        }
    }
}

/// Why a request that is signed rightly is still refused for good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The names contradict each other.
    #[error("data.project: {0} is not one project of a Pagure")]
    Project(String),
    /// The answers would go elsewhere.
    #[error("data.report_url is {got}, but reports go to {expected} only; check {setting}")]
    ReportUrl {
        /// What the request says.
        got: String,
        /// What it should say.
        expected: String,
        /// The setting that says so.
        setting: &'static str,
    },
    /// No place that is only a place.
    #[error("data.source.clone_url must have neither credentials nor a query: {0}")]
    CloneUrl(String),
    /// A fork on a server that the receiver does not ask.
    #[error("data.source.clone_url: {0}")]
    Server(String),
    /// Another project's repository, and the pull request comes from no fork.
    #[error(
        "data.source.clone_url {got} is not {expected} below an address of {setting}; \
         the receiver's operator can add it"
    )]
    OtherRepository {
        /// What the request says.
        got: String,
        /// What it should be.
        expected: String,
        /// The settings that say where.
        setting: &'static str,
    },
    /// Nobody has configured this.
    #[error("no such job: {job}; the receiver runs {known} for {project}")]
    Job {
        /// What was asked for.
        job: String,
        /// For which project.
        project: String,
        /// What there is.
        known: String,
    },
}

impl Forge {
    /// The forge at `url`; its repositories are cloned from below `url` and each of `clones`.
    #[must_use]
    pub fn new(url: Url, clones: Vec<Url>) -> Self {
        Self {
            url,
            clones,
            named: Named::default(),
            egress: None,
        }
    }

    /// The same, whose settings are called otherwise.
    #[must_use]
    pub fn with_names(self, named: Named) -> Self {
        Self { named, ..self }
    }

    /// The same, which refuses at once what `egress` would not let be fetched.
    #[must_use]
    pub fn guarded(self, egress: Policy) -> Self {
        Self {
            egress: Some(egress),
            ..self
        }
    }

    /// The address that the forge's reports of `project` go to: out of the configuration, never
    /// out of a request.
    #[must_use]
    pub fn report_url(&self, project: &ProjectName) -> Url {
        project
            .report_url(self.url.as_str())
            .expect("a URL with a project's path after it is a URL")
    }

    /// Checks what a request names, and tells its project.
    pub fn check(&self, request: &BuildRequest) -> Result<ProjectName, Refusal> {
        let project = named(request)?;
        let expected = self.report_url(&project);
        if request.report_url != expected {
            return Err(Refusal::ReportUrl {
                got: request.report_url.to_string(),
                expected: expected.to_string(),
                setting: self.named.url,
            });
        }
        self.check_clone(request, &project)?;
        Ok(project)
    }

    /// A fork may lie anywhere that the egress guard lets through: Pagure has remote pull requests.
    fn check_clone(&self, request: &BuildRequest, project: &ProjectName) -> Result<(), Refusal> {
        let clone = &request.source.clone_url;
        if !clone.username().is_empty() || clone.password().is_some() || clone.query().is_some() {
            let mut shown = clone.clone();
            // Both fail only where there is nothing to hide. A name alone may be a token.
            let _ = shown.set_username("");
            let _ = shown.set_password(None);
            shown.set_query(None);
            return Err(Refusal::CloneUrl(shown.to_string()));
        }
        let from_fork = request
            .pull_request
            .as_ref()
            .is_some_and(|pull| pull.from_fork);
        let own = project.fullname();
        let mut bases = std::iter::once(&self.url).chain(&self.clones);
        let is_own = |base| {
            let path = below(clone, base).unwrap_or_default();
            path.strip_suffix(".git").unwrap_or(path) == own
        };
        if from_fork || bases.any(is_own) {
            self.check_server(clone)
        } else {
            Err(Refusal::OtherRepository {
                got: clone.to_string(),
                expected: format!("{own}.git"),
                setting: self.named.clones,
            })
        }
    }

    fn check_server(&self, clone: &Url) -> Result<(), Refusal> {
        let Some(egress) = &self.egress else {
            return Ok(());
        };
        match Destination::parse(clone.as_str(), None, None, egress) {
            Ok(_) => Ok(()),
            Err(refused) => Err(Refusal::Server(refused.explain(Audience::Forge))),
        }
    }
}

/// The project, if its parts and its full name say the same.
fn named(request: &BuildRequest) -> Result<ProjectName, Refusal> {
    let project = &request.project;
    let (user, namespace) = (project.username.as_deref(), project.namespace.as_deref());
    ProjectName::new(user, namespace, &project.name)
        .ok()
        .filter(|name| name.fullname() == project.fullname)
        .ok_or_else(|| Refusal::Project(project.fullname.clone()))
}

/// What follows `base` in `url`, if it lies below it.
fn below<'a>(url: &'a Url, base: &Url) -> Option<&'a str> {
    if url.origin() != base.origin() {
        return None;
    }
    let rest = url.path().strip_prefix(base.path().trim_end_matches('/'))?;
    rest.strip_prefix('/')
}

#[cfg(test)]
mod tests;
