//! The projects' CI tokens, out of the environment or out of Secrets Manager.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_secretsmanager::Client;
use chela_contract::webhook::{EmptyToken, Key};
use chela_pagure::ProjectName;
use secrecy::{ExposeSecret as _, SecretString};

use crate::failure::{Call, Failure};

/// Where the tokens are.
#[derive(Debug)]
pub struct Tokens {
    source: Source,
    /// What was read last.
    kept: Mutex<Option<Arc<Held>>>,
}

#[derive(Debug)]
enum Source {
    /// A variable of the function's environment: it changes with a deploy only.
    Environment(SecretString),
    /// A secret: it may be rotated at any time.
    Secret { client: Client, name: String },
}

/// The tokens as they are kept.
#[derive(Debug)]
enum Held {
    /// One token, of every project that there is.
    One(SecretString),
    /// One for each project, by its full name.
    Each(BTreeMap<String, SecretString>),
}

/// Why there is no token. None of these shows what the secret holds.
#[derive(Debug, thiserror::Error)]
pub enum NoToken {
    /// Secrets Manager does not give it.
    #[error(transparent)]
    Secret(#[from] Failure),
    /// There is nothing in it.
    #[error("{place} is empty: put the project's CI token into it")]
    Empty {
        /// Which secret or variable.
        place: String,
    },
    /// It holds bytes.
    #[error("{place} holds bytes: store the CI token as text (SecretString)")]
    Bytes {
        /// Which secret.
        place: String,
    },
    /// It begins like JSON, and is none that is known here.
    #[error(
        "{place} is neither a bare token nor a JSON object of texts: write \
         {{\"<namespace>/<project>\": \"<CI token>\"}}"
    )]
    Shape {
        /// Which secret or variable.
        place: String,
    },
    /// Another project's tokens.
    #[error("{place} has no token of {project}: add one under that name")]
    Project {
        /// Which secret or variable.
        place: String,
        /// Whose is missing.
        project: String,
    },
}

impl Tokens {
    /// The tokens that a variable of the environment holds.
    #[must_use]
    pub fn given(value: SecretString) -> Self {
        Self::of(Source::Environment(value))
    }

    /// The tokens that the secret of this name or ARN holds.
    #[must_use]
    pub fn secret(client: Client, name: String) -> Self {
        Self::of(Source::Secret { client, name })
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            kept: Mutex::new(None),
        }
    }

    /// The key that signs the reports of `project`.
    pub async fn key(&self, project: &ProjectName) -> Result<Key, NoToken> {
        let known = self.kept().clone();
        let held = match known {
            Some(held) => held,
            None => self.read().await?,
        };
        held.key(project, || self.place())
    }

    /// Reads them again when they are asked for the next time. Those of the environment cannot
    /// have changed: `false`.
    #[must_use]
    pub fn forget(&self) -> bool {
        *self.kept() = None;
        matches!(self.source, Source::Secret { .. })
    }

    async fn read(&self) -> Result<Arc<Held>, NoToken> {
        let held = match &self.source {
            Source::Environment(value) => Held::read(value, || self.place())?,
            Source::Secret { client, name } => {
                let value = self.fetch(client, name).await?;
                Held::read(&value, || self.place())?
            }
        };
        let held = Arc::new(held);
        *self.kept() = Some(Arc::clone(&held));
        Ok(held)
    }

    async fn fetch(&self, client: &Client, name: &str) -> Result<SecretString, NoToken> {
        let answer = client.get_secret_value().secret_id(name).send().await;
        let call = || Call::new("secretsmanager:GetSecretValue", name);
        let answer = answer.map_err(|error| Failure::of(call(), error))?;
        match (answer.secret_string, answer.secret_binary) {
            (Some(text), _) => Ok(text.into()),
            (None, Some(_)) => Err(NoToken::Bytes {
                place: self.place(),
            }),
            (None, None) => Err(NoToken::Empty {
                place: self.place(),
            }),
        }
    }

    /// How people know it.
    fn place(&self) -> String {
        match &self.source {
            Source::Environment(_) => "the variable CHELA_TOKEN".to_owned(),
            Source::Secret { name, .. } => format!("the secret {name}"),
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<Arc<Held>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// White space is never part of a token: an editor may have put a line end behind it.
    fn read(value: &SecretString, place: impl Fn() -> String) -> Result<Self, NoToken> {
        let text = value.expose_secret().trim();
        match text.chars().next() {
            None => Err(NoToken::Empty { place: place() }),
            // The error is not shown: it may quote the secret.
            Some('{') => match serde_json::from_str::<BTreeMap<String, String>>(text) {
                Ok(each) => Ok(Self::Each(each.into_iter().map(held).collect())),
                Err(_) => Err(NoToken::Shape { place: place() }),
            },
            Some('[' | '"') => Err(NoToken::Shape { place: place() }),
            Some(_) => Ok(Self::One(text.into())),
        }
    }

    fn key(&self, project: &ProjectName, place: impl Fn() -> String) -> Result<Key, NoToken> {
        let project = project.fullname();
        let token = match self {
            Self::One(token) => Some(token),
            Self::Each(each) => each.get(&project),
        };
        let token = token.ok_or_else(|| NoToken::Project {
            place: place(),
            project: project.clone(),
        })?;
        Key::new(token.clone()).map_err(|EmptyToken| NoToken::Empty {
            place: format!("{} ({project})", place()),
        })
    }
}

fn held((project, token): (String, String)) -> (String, SecretString) {
    (project, token.trim().into())
}

#[cfg(test)]
mod tests;
