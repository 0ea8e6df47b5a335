//! What the settings say of a project and its jobs.

use std::sync::Arc;

use chela_contract::webhook::Key;
use chela_pagure::ProjectName;
use chela_receiver::{Build, Refusal};
use chela_settings::{Job, NoKey, Settings, Tokens};

/// The projects of the settings. Clones share them.
#[derive(Clone)]
pub struct Projects {
    settings: Arc<Settings>,
    tokens: Arc<Tokens>,
}

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyless {
    /// The project is not served here.
    Unknown,
    /// Its token cannot be read just now: the operator's business.
    Unreadable,
}

impl Projects {
    /// Those of `settings`, with their tokens.
    pub fn new(settings: Arc<Settings>, tokens: Tokens) -> Self {
        let tokens = Arc::new(tokens);
        Self { settings, tokens }
    }

    /// The project's key as of now.
    pub fn key(&self, fullname: &str) -> Result<Key, Keyless> {
        let name: Option<ProjectName> = fullname.parse().ok();
        let name = name
            .filter(|name| name.fullname() == fullname)
            .ok_or(Keyless::Unknown)?;
        self.tokens.key_of(&name).map_err(|error| match error {
            NoKey::UnknownProject { .. } => Keyless::Unknown,
            NoKey::File { .. } | NoKey::Variable { .. } | NoKey::Empty { .. } => {
                tracing::error!(project = fullname, %error, "no token");
                Keyless::Unreadable
            }
        })
    }

    /// The job of this name, if the project has it.
    pub fn job(&self, project: &str, asked: &chela_contract::Job) -> Result<&Job, Refusal> {
        let name: Option<ProjectName> = project.parse().ok();
        let found = name.and_then(|name| self.settings.project(&name));
        found.and_then(|found| found.job(asked)).ok_or_else(|| {
            let jobs = found.into_iter().flat_map(chela_settings::Project::jobs);
            let known: Vec<String> = jobs.map(|job| format!("local/{}", job.name)).collect();
            Refusal::Job {
                job: asked.as_str().to_owned(),
                project: project.to_owned(),
                known: if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                },
            }
        })
    }

    /// The job of a build, which may have left the settings since it was accepted.
    pub fn job_of(&self, build: &Build) -> Result<&Job, Refusal> {
        self.job(&build.request.project.fullname, &build.request.job)
    }
}
