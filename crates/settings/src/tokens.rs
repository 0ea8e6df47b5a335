//! The projects' CI tokens, as they are now.

use std::collections::BTreeMap;

use chela_contract::webhook::Key;
use chela_pagure::ProjectName;

use crate::{
    Settings,
    environment::Environment,
    secret::{TokenSource, Unreadable, trimmed},
};

/// The tokens of all projects. A file is read whenever its token is asked for: no cache can be stale,
/// and a new token counts without a restart.
#[derive(Clone, Debug)]
pub struct Tokens {
    sources: BTreeMap<String, TokenSource>,
    environment: Environment,
}

/// Why there is no key. Only the first is the asker's fault: for the others ask to try again.
#[derive(Debug, thiserror::Error)]
pub enum NoKey {
    /// The project is not in the settings.
    #[error("{project} is not in the settings; add [projects.\"{project}\"] with its token_file")]
    UnknownProject {
        /// Its name.
        project: ProjectName,
    },
    /// Its file gives no token.
    #[error("the token of {project}: {cause}")]
    File {
        /// The project's full name.
        project: String,
        /// Why.
        cause: Unreadable,
    },
    /// Its variable gives no token. The variable is not named: it may be the token, in the wrong place.
    #[error(
        "the token of {project}: the variable that its token_env names is not set, or empty; set it \
         where chela is started"
    )]
    Variable {
        /// The project's full name.
        project: String,
    },
    /// There is nothing but white space.
    #[error("the token of {project}: {cause}")]
    Empty {
        /// The project's full name.
        project: String,
        /// What to do.
        cause: chela_contract::webhook::EmptyToken,
    },
}

impl Tokens {
    /// The tokens of these projects; those in variables are `environment`'s.
    #[must_use]
    pub fn new(settings: &Settings, environment: &Environment) -> Self {
        let source =
            |(name, project): (&String, &crate::Project)| (name.clone(), project.token.clone());
        Self {
            sources: settings.by_name().iter().map(source).collect(),
            environment: environment.clone(),
        }
    }

    /// The key that signs and verifies for this project, as of now.
    pub fn key_of(&self, project: &ProjectName) -> Result<Key, NoKey> {
        let name = project.fullname();
        match self.sources.get(&name) {
            Some(source) => self.read(&name, source),
            None => Err(NoKey::UnknownProject {
                project: project.clone(),
            }),
        }
    }

    /// What is wrong with any of them now, for a look before the start.
    #[must_use]
    pub fn problems(&self) -> Vec<NoKey> {
        let read = |(name, source): (&String, &TokenSource)| self.read(name, source).err();
        self.sources.iter().filter_map(read).collect()
    }

    fn read(&self, name: &str, source: &TokenSource) -> Result<Key, NoKey> {
        let project = || name.to_owned();
        let secret = match source {
            TokenSource::File(file) => file.read().map_err(|cause| NoKey::File {
                project: project(),
                cause,
            })?,
            TokenSource::Variable(variable) => self
                .environment
                .secret(variable)
                .ok_or_else(|| NoKey::Variable { project: project() })?,
        };
        Key::new(trimmed(&secret)).map_err(|cause| NoKey::Empty {
            project: project(),
            cause,
        })
    }
}
