//! The places where builds run: one thread each.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use chela_contract::BuildId;
use chela_local::{Store, StoreError};
use chela_receiver::{Build, End, Engine, Happened, Ledger, Sources, Standing, walk};

use crate::{clock::now, folders::Folders, hands::Hands, texts, wakeful::Wakeful};

/// One place; clones share everything but their thread.
#[derive(Clone)]
pub struct Slot {
    pub store: Store,
    pub sources: Arc<dyn Sources + Send + Sync>,
    pub engine: Arc<dyn Engine + Send + Sync>,
    pub folders: Folders,
    pub hands: Hands,
}

impl Slot {
    /// Until the server stops; a build that is under way then goes on.
    pub fn work(&self, mut wakeful: Wakeful) {
        while wakeful.goes_on() {
            let looked = now();
            match self.store.claim(looked) {
                Ok(Some(build)) => self.build(&build),
                Ok(None) => wakeful.rest(&self.store, looked),
                Err(error) => {
                    tracing::error!(%error, "cannot look for builds");
                    wakeful.rest(&self.store, looked);
                }
            }
        }
    }

    fn build(&self, build: &Build) {
        let id = build.id();
        let span = tracing::info_span!("build", %id, project = build.request.project.fullname);
        let _entered = span.enter();
        tracing::info!(run = build.runs, "started");
        self.hands.begin(id);
        self.hands.changed(id);
        let ledger = Telling {
            store: &self.store,
            hands: &self.hands,
        };
        // A defect ends one build, and not the place where others wait for their turn.
        let walked = AssertUnwindSafe(|| walk(build, &ledger, &*self.sources, &*self.engine));
        let kept = catch_unwind(walked).unwrap_or_else(|_| {
            tracing::error!("a defect of the receiver has ended the build");
            let end = End::Errored(texts::DEFECT.to_owned());
            ledger.happened(build, Happened::Ended(end)).map(|_| ())
        });
        // It is still taken then; the next start runs it again.
        match kept {
            Ok(()) => {}
            Err(Untold::Leaving) => tracing::info!("left to the next start"),
            Err(Untold::Store(error)) => {
                tracing::error!(%error, "cannot keep what became of the build");
            }
        }
        self.after(id);
    }

    fn after(&self, id: BuildId) {
        match self.store.by_id(id).map(|kept| kept.map(|kept| kept.build)) {
            Ok(Some(build)) if build.is_over() => {
                tracing::info!(
                    status = build.said.status.as_str(),
                    description = build.said.description,
                    "ended"
                );
                // The engine does it too, but not for what was overtaken before it began.
                if let Err(error) = self.folders.of(id).clear() {
                    tracing::warn!(%error, "cannot remove what the build needed while it ran");
                }
                self.hands.ended(id);
            }
            _ => self.hands.rest(id),
        }
    }
}

/// The ledger, and those who watch.
struct Telling<'a> {
    store: &'a Store,
    hands: &'a Hands,
}

/// Why nothing more is kept of a build.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the server stops")]
    Leaving,
}

impl Ledger for Telling<'_> {
    type Error = Untold;

    fn happened(&self, build: &Build, what: Happened) -> Result<Standing, Untold> {
        if self.hands.is_leaving() {
            return Err(Untold::Leaving);
        }
        let standing = self.store.happened(build, what)?;
        self.hands.changed(build.id());
        Ok(standing)
    }
}
