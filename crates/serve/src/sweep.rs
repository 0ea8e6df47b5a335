//! Forgets what is old.

use std::time::Duration;

use chela_contract::Micros;
use chela_local::{Store, StoreError};
use chela_receiver::Build;
use tokio::{sync::watch, task::spawn_blocking, time};

use crate::{clock::now, folders::Folders, hands::Hands};

/// Between two looks.
const EVERY: Duration = Duration::from_mins(10);

/// Removes the records, logs and artifacts of old builds.
pub struct Sweep {
    pub store: Store,
    pub folders: Folders,
    pub hands: Hands,
    pub keep: Duration,
    pub keep_builds: usize,
}

impl Sweep {
    /// At the start, and every ten minutes until `stopping` is true.
    pub async fn work(self, mut stopping: watch::Receiver<bool>) {
        let sweep = std::sync::Arc::new(self);
        loop {
            let one = std::sync::Arc::clone(&sweep);
            let swept = spawn_blocking(move || one.once()).await;
            if let Ok(Err(error)) = swept {
                tracing::error!(%error, "cannot forget old builds");
            }
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => return,
                () = time::sleep(EVERY) => {}
            }
        }
    }

    fn once(&self) -> Result<(), StoreError> {
        let age = i64::try_from(self.keep.as_secs()).unwrap_or(i64::MAX);
        let now: Micros = now();
        let before = now.plus_seconds(-age);
        for build in all(|| self.store.expire(before, now))? {
            tracing::info!(build = %build.id(), "nobody asked for a held build in time");
            self.hands.ended(build.id());
        }
        for build in all(|| self.store.forget(before, self.keep_builds, now))? {
            if let Err(error) = self.folders.of(build.id()).remove() {
                tracing::warn!(build = %build.id(), %error, "cannot remove an old build's files");
            }
        }
        Ok(())
    }
}

/// The store gives some at a time, so that requests need not wait for long.
fn all(some: impl Fn() -> Result<Vec<Build>, StoreError>) -> Result<Vec<Build>, StoreError> {
    let mut gone = Vec::new();
    loop {
        let next = some()?;
        if next.is_empty() {
            return Ok(gone);
        }
        gone.extend(next);
    }
}
