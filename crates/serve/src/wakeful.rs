//! How a worker's thread sleeps: until the ledger has something new, or something falls due, or the
//! server stops. A bell of the standard library's, because the threads may outlive the runtime.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chela_contract::Micros;
use chela_local::Store;
use tokio::sync::watch;

use crate::clock::now;

/// The longest sleep: a clock that was set back is noticed.
const LONGEST: Duration = Duration::from_mins(1);
/// The shortest: what fell due meanwhile, and where the ledger cannot be read.
const SHORTEST: Duration = Duration::from_millis(20);
/// Where the ledger cannot be read.
const TROUBLE: Duration = Duration::from_secs(1);

/// What wakes the threads of one kind; clones are the same bell.
#[derive(Clone, Default)]
pub struct Bell(Arc<(Mutex<Rung>, Condvar)>);

#[derive(Default)]
struct Rung {
    times: u64,
    stopping: bool,
}

impl Bell {
    /// Rings whenever the ledger has news, until `stopping` is true; and for the last time when
    /// this future is dropped.
    pub async fn ring_for(self, store: Store, mut stopping: watch::Receiver<bool>) {
        let last = LastRing(self);
        let mut news = store.wake();
        // Nobody waits for the store's own end.
        drop(store);
        loop {
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => return,
                changed = news.changed() => match changed {
                    Ok(()) => last.0.ring(false),
                    Err(_) => return,
                }
            }
        }
    }

    fn ring(&self, stopping: bool) {
        let mut rung = self.rung();
        rung.times += 1;
        rung.stopping |= stopping;
        self.0.1.notify_all();
    }

    fn rung(&self) -> MutexGuard<'_, Rung> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct LastRing(Bell);

impl Drop for LastRing {
    fn drop(&mut self) {
        self.0.ring(true);
    }
}

/// One thread's ear.
pub struct Wakeful {
    bell: Bell,
    heard: u64,
}

impl Wakeful {
    /// Hears this bell.
    pub fn new(bell: &Bell) -> Self {
        let bell = bell.clone();
        Self { bell, heard: 0 }
    }

    /// Whether there is work to look for. Marks what was rung so far as heard, so that what comes
    /// while the worker looks wakes it again.
    pub fn goes_on(&mut self) -> bool {
        let rung = self.bell.rung();
        self.heard = rung.times;
        !rung.stopping
    }

    /// Sleeps, after nothing was found that was due at `looked`.
    pub fn rest(&mut self, store: &Store, looked: Micros) {
        let wait = match store.next_at(looked) {
            Ok(Some(at)) => {
                let micros = at.get().saturating_sub(now().get()).max(0).unsigned_abs();
                Duration::from_micros(micros).clamp(SHORTEST, LONGEST)
            }
            Ok(None) => LONGEST,
            Err(_) => TROUBLE,
        };
        let rung = self.bell.rung();
        let heard = self.heard;
        // Early or late, the worker looks again.
        let _ = self
            .bell
            .0
            .1
            .wait_timeout_while(rung, wait, |rung| rung.times == heard);
    }
}
