//! The demonstration itself: starts everything, asks, watches, and leaves nothing behind.

use std::{
    error::Error as StdError, future::pending, io, io::Write, path::PathBuf, pin::Pin,
    time::Duration,
};

use chela_contract::Job;
use chela_pagure::ProjectName;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::{
    signal::unix::{SignalKind, signal},
    time,
};
use url::Url;

use crate::{ask::Unaskable, look::Look, screen::Screen, stage::Stage, texts};

/// More than the two builds need on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long a receiver may take to stop.
const STOP: Duration = Duration::from_secs(10);

/// How to show it.
#[derive(Clone, Copy, Debug)]
pub struct Demo {
    /// What the output is good for.
    pub look: Look,
    /// What happens after the builds.
    pub afterwards: Afterwards,
    /// How long the builds may take, start and all.
    pub patience: Duration,
}

/// What happens after the builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// Everything is stopped and removed.
    End,
    /// The pages stay up until somebody interrupts.
    Stay,
}

/// What a receiver must know.
#[derive(Clone, Debug)]
pub struct Needs {
    /// Where reports go: the origin of the forge. Its repositories are there, too.
    pub forge: Url,
    /// The project whose builds are asked for.
    pub project: ProjectName,
    /// The job that they name.
    pub job: Job,
    /// The project's CI token.
    pub token: SecretString,
    /// An empty directory that is removed in the end.
    pub directory: PathBuf,
}

/// A receiver that runs.
pub struct Receiver {
    /// Where requests go.
    pub ci_url: Url,
    /// What people should know of it, such as that it has no sandbox.
    pub notices: Vec<String>,
    /// Stops it; ready when it is.
    pub stop: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The good pull request is green and the bad one red.
    AsExpected,
    /// One of them is not; the screen says which.
    Otherwise,
    /// Somebody interrupted it before both builds were done.
    Interrupted,
}

/// Why there was nothing to see.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The forge has no port.
    #[error("no server can be started on 127.0.0.1: {0}")]
    Listen(#[source] io::Error),
    /// There is no place for the receiver's files.
    #[error("no temporary folder can be made, see whether TMPDIR names a place to write: {0}")]
    Folder(#[source] io::Error),
    /// The receiver does not start.
    #[error("the receiver does not start: {0}")]
    Receiver(#[source] Box<dyn StdError + Send + Sync>),
    /// A request cannot be sent at all.
    #[error(transparent)]
    Asking(#[from] Unaskable),
    /// It took too long.
    #[error(
        "the builds did not end within {} seconds, so it is given up; on a machine with more rest \
         it takes less than a minute", .0.as_secs()
    )]
    TooSlow(Duration),
}

impl Demo {
    /// Stops after the builds, and takes two minutes at most.
    #[must_use]
    pub fn new(look: Look) -> Self {
        Self {
            look,
            afterwards: Afterwards::End,
            patience: PATIENCE,
        }
    }

    /// Starts a forge and the receiver that `start` makes, asks for two builds and shows what
    /// becomes of them. When `stop` is ready it ends early. It leaves nothing behind.
    pub async fn run<F>(
        self,
        start: impl FnOnce(Needs) -> F,
        stop: impl Future<Output = ()>,
        out: &mut (dyn Write + Send),
    ) -> Result<Ended, Error>
    where
        F: Future<Output = Result<Receiver, Box<dyn StdError + Send + Sync>>>,
    {
        let mut stop = std::pin::pin!(stop);
        let folder = tempfile::Builder::new().prefix("chela-demo-").tempdir();
        let folder = folder.map_err(Error::Folder)?;
        let mut stage = Stage::set(folder.path()).await?;
        let mut screen = Screen::new(out, self.look, &stage.forge.pull_requests);
        let mut receiver = None;
        let play = async {
            let started = start(stage.needs.clone()).await.map_err(Error::Receiver)?;
            stage.play(receiver.insert(started), &mut screen).await
        };
        let result = tokio::select! {
            biased;
            () = &mut stop => Ok(Ended::Interrupted),
            result = time::timeout(self.patience, play) => {
                result.unwrap_or(Err(Error::TooSlow(self.patience)))
            }
        };
        if let Ok(Ended::AsExpected | Ended::Otherwise) = result {
            self.linger(&folder, stop, &mut screen).await;
        }
        if let Some(receiver) = receiver {
            // What it does after that ends with the process.
            let _ = time::timeout(STOP, receiver.stop).await;
        }
        stage.forge.stop().await;
        clean_up(folder, &mut screen);
        if let Ok(Ended::Interrupted) = result {
            screen.say(texts::INTERRUPTED);
        }
        result
    }

    async fn linger(
        self,
        folder: &TempDir,
        stop: impl Future<Output = ()>,
        screen: &mut Screen<'_>,
    ) {
        match self.afterwards {
            Afterwards::End => screen.say(texts::KEEP),
            Afterwards::Stay => {
                screen.say(&texts::staying(folder.path()));
                stop.await;
            }
        }
    }
}

/// What cannot be removed is named.
fn clean_up(folder: TempDir, screen: &mut Screen<'_>) {
    let path = folder.path().to_owned();
    if let Err(error) = folder.close() {
        screen.say(&texts::left_behind(&path, &error));
    }
}

/// Ready when somebody presses Ctrl-C, or the process is told to end.
pub async fn interruption() {
    let told = async |kind| match signal(kind) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => pending().await,
    };
    tokio::select! {
        () = told(SignalKind::interrupt()) => {}
        () = told(SignalKind::terminate()) => {}
    }
}
