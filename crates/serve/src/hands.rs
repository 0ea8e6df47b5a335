//! The builds that run here and now: how each is stopped, and who watches it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use chela_contract::BuildId;
use chela_pages::Progress;
use chela_runner::Stop;
use tokio::sync::watch;

/// A handle on all of them; clones share it.
#[derive(Clone, Default)]
pub struct Hands {
    all: Arc<Mutex<HashMap<BuildId, Hand>>>,
    leaving: Arc<AtomicBool>,
}

/// One build: it runs, or somebody waits to see it run.
struct Hand {
    stop: Stop,
    running: bool,
    progress: watch::Sender<Progress>,
}

impl Default for Hand {
    fn default() -> Self {
        Self {
            stop: Stop::default(),
            running: false,
            progress: watch::channel(Progress::default()).0,
        }
    }
}

impl Hands {
    /// What stops this build.
    pub fn begin(&self, id: BuildId) -> Stop {
        let mut all = self.all();
        let hand = all.entry(id).or_default();
        hand.running = true;
        hand.stop.clone()
    }

    /// Stops those of them that run; their records say already that they are over.
    pub fn stop(&self, ids: &[BuildId]) {
        for id in ids {
            let running = self
                .all()
                .get(id)
                .map(|hand| (hand.stop.clone(), hand.running));
            match running {
                Some((stop, true)) => {
                    stop.stop();
                    self.changed(*id);
                }
                Some((_, false)) => self.ended(*id),
                None => {}
            }
        }
    }

    /// Stops them all, because the server stops: what becomes of them is not theirs, and the next
    /// start runs them again.
    pub fn leave(&self) {
        self.leaving.store(true, Ordering::SeqCst);
        let stops: Vec<Stop> = self.all().values().map(|hand| hand.stop.clone()).collect();
        stops.iter().for_each(Stop::stop);
    }

    /// Whether what happens now is left to the next start.
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::SeqCst)
    }

    /// For a live view of a build that is not over.
    pub fn watch(&self, id: BuildId) -> watch::Receiver<Progress> {
        self.all().entry(id).or_default().progress.subscribe()
    }

    /// Whether the build runs here: its log may still grow although its record says that it is over.
    pub fn runs(&self, id: BuildId) -> bool {
        self.all().get(&id).is_some_and(|hand| hand.running)
    }

    /// So much log is in the file.
    pub fn logged(&self, id: BuildId, bytes: u64) {
        self.tell(id, |progress| progress.log_bytes = bytes);
    }

    /// There is something new to say of the build.
    pub fn changed(&self, id: BuildId) {
        self.tell(id, |progress| progress.changes += 1);
    }

    /// The build is over and its log is whole: nobody needs to watch it any more.
    pub fn ended(&self, id: BuildId) {
        self.tell(id, |progress| {
            progress.changes += 1;
            progress.ended = true;
        });
        self.all().remove(&id);
    }

    /// The build goes back to the queue: the next run has a new handle, and the same viewers.
    pub fn rest(&self, id: BuildId) {
        if let Some(hand) = self.all().get_mut(&id) {
            hand.stop = Stop::default();
            hand.running = false;
        }
    }

    fn tell(&self, id: BuildId, change: impl FnOnce(&mut Progress)) {
        if let Some(hand) = self.all().get(&id) {
            hand.progress.send_modify(change);
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<BuildId, Hand>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
