//! Forgets what is old.

use std::time::Duration;

use chela_contract::Micros;
use chela_local::{Store, StoreError};
use tokio::{sync::watch, task::spawn_blocking, time};

use crate::{clock::now, folders::Folders};

/// Between two looks.
const EVERY: Duration = Duration::from_mins(10);

/// Removes the records, logs and artifacts of old builds.
pub struct Sweep {
    pub store: Store,
    pub folders: Folders,
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
        for build in self.store.forget(before, self.keep_builds, now)? {
            if let Err(error) = self.folders.of(build.id()).remove() {
                tracing::warn!(build = %build.id(), %error, "cannot remove an old build's files");
            }
        }
        Ok(())
    }
}
