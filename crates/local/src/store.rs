//! The store of one machine: what others see of this crate.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use chela_contract::{BuildId, Micros};
use chela_receiver::{After, Build, End, Happened, Standing};
use rusqlite::Connection;
use tokio::sync::watch;

use crate::open::{Opened, open};
use crate::outbox::{self, Leases};
use crate::writer::Writer;
use crate::{Accepted, Asked, Due, Kept, OpenError, StoreError};
use crate::{accept, ledger, queue, read, retention};

/// How many times a hundred builds one call forgets.
const ROUNDS: usize = 10;

/// The records, the inbox and the outbox in one folder. A clone is the same store; the folder is
/// free for another process when the last one is dropped.
///
/// What writes without being `async` blocks until it lasts on the disk: call it from a thread that
/// may wait. What only reads takes microseconds.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

struct Inner {
    // Closed before the writer: SQLite tidies up when its last connection closes, and this one may
    // not write.
    reader: Mutex<Connection>,
    writer: Writer,
    leases: Leases,
    wake: Arc<watch::Sender<u64>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in this folder, and makes it where there is none.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        Self::start(open(folder)?)
    }

    pub(crate) fn start(opened: Opened) -> Result<Self, OpenError> {
        let Opened {
            writer,
            reader,
            lock,
        } = opened;
        let wake = Arc::new(watch::Sender::new(0));
        Ok(Self(Arc::new(Inner {
            reader: Mutex::new(reader),
            writer: Writer::start(writer, lock, Arc::clone(&wake))?,
            leases: Leases::default(),
            wake,
        })))
    }

    /// Decides what becomes of a request, and keeps it. What is answered lasts.
    pub async fn accept(&self, asked: Asked) -> Result<Accepted, StoreError> {
        let write = self.0.writer.write(|tx| accept::accept(tx, asked));
        write.await
    }

    /// Takes the build that is next, for [`chela_receiver::walk`].
    pub fn claim(&self, now: Micros) -> Result<Option<Build>, StoreError> {
        self.0
            .writer
            .write_blocking(move |tx| queue::claim(tx, now))
    }

    /// Once after opening: the builds that ran when the last process ended are interrupted; `again`
    /// tells whether one may be run again by itself. They are given as they are then.
    pub fn recover(
        &self,
        now: Micros,
        again: &dyn Fn(&Build) -> bool,
    ) -> Result<Vec<Build>, StoreError> {
        let running = read::running(&self.reader())?;
        let running: Vec<_> = running
            .iter()
            .map(|build| (build.id(), again(build)))
            .collect();
        self.0.writer.write_blocking(move |tx| {
            let mut interrupted = Vec::new();
            for (id, again) in running {
                let what = Happened::Interrupted { again };
                interrupted.extend(ledger::happened(tx, id, what, now)?);
            }
            Ok(interrupted)
        })
    }

    /// Lets something happen to a build at this moment; [`chela_receiver::Ledger`] does it now.
    pub fn happened_at(
        &self,
        id: BuildId,
        what: Happened,
        now: Micros,
    ) -> Result<Standing, StoreError> {
        self.0.writer.write_blocking(move |tx| {
            let build = ledger::happened(tx, id, what, now)?;
            Ok(ledger::standing(build.as_ref()))
        })
    }

    /// Stops a build, as its operator wants; what became of it.
    pub fn stop(&self, id: BuildId, now: Micros) -> Result<Build, StoreError> {
        self.0.writer.write_blocking(move |tx| {
            let build = ledger::happened(tx, id, Happened::Ended(End::Stopped), now)?;
            build.ok_or(StoreError::Unknown(id))
        })
    }

    /// Whether a build is wanted still.
    pub fn standing(&self, id: BuildId) -> Result<Standing, StoreError> {
        let kept = self.by_id(id)?;
        Ok(ledger::standing(kept.map(|kept| kept.build).as_ref()))
    }

    /// The report to send next, if it is time for one.
    pub fn due(&self, now: Micros) -> Result<Option<Due>, StoreError> {
        outbox::due(&self.reader(), &self.0.leases, now)
    }

    /// Keeps what became of a report. `acknowledged` is the moment at which the forge took it, if it
    /// did, by the forge's clock ([`chela_receiver::acknowledged_at`]).
    pub fn settle(
        &self,
        due: &Due,
        after: &After,
        acknowledged: Micros,
        now: Micros,
    ) -> Result<(), StoreError> {
        let of = (due.build, due.report_seq, due.holds);
        let after = after.clone();
        self.0
            .writer
            .write_blocking(move |tx| outbox::settle(tx, of, &after, (acknowledged, now)))
    }

    /// Whether it can be written to: false once its thread has ended, which only a defect does.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.writer.is_open()
    }

    /// Changes after each commit that others should look at: something waits now, or shows.
    #[must_use]
    pub fn wake(&self) -> watch::Receiver<u64> {
        self.0.wake.subscribe()
    }

    /// The earliest moment after `now` for which a build or a report waits. `now` is to be the one
    /// that [`Store::claim`] and [`Store::due`] found nothing for.
    pub fn next_at(&self, now: Micros) -> Result<Option<Micros>, StoreError> {
        queue::next_at(&self.reader(), now)
    }

    /// The build whose page has this key.
    pub fn by_key(&self, key: &str) -> Result<Option<Kept>, StoreError> {
        read::by_key(&self.reader(), key)
    }

    /// The build with this id.
    pub fn by_id(&self, id: BuildId) -> Result<Option<Kept>, StoreError> {
        read::by_id(&self.reader(), id)
    }

    /// The newest builds, of one project or of all; those before `before`, if it is given.
    pub fn list(
        &self,
        project: Option<&str>,
        before: Option<BuildId>,
        limit: usize,
    ) -> Result<Vec<Kept>, StoreError> {
        read::list(&self.reader(), project, before, limit)
    }

    /// Ends builds that have been held since before `held_before`: of a pull request that was merged
    /// or closed nobody ever asks for a rebuild. At most a hundred, so call it until it gives none.
    pub fn expire(&self, held_before: Micros, now: Micros) -> Result<Vec<Build>, StoreError> {
        let held = retention::held_since(&self.reader(), held_before)?;
        self.0.writer.write_blocking(move |tx| {
            let mut expired = Vec::new();
            for id in held {
                expired.extend(ledger::expire(tx, id, now)?);
            }
            Ok(expired)
        })
    }

    /// Forgets builds that ended before `ended_before`, and those of a project that has more than
    /// `keep_at_most`; a build whose last report is still on its way stays. They are given so
    /// that what else there is of them can go: at most a thousand, so call it until it gives none.
    pub fn forget(
        &self,
        ended_before: Micros,
        keep_at_most: usize,
        now: Micros,
    ) -> Result<Vec<Build>, StoreError> {
        let mut gone = Vec::new();
        for _ in 0..ROUNDS {
            let rows = retention::expendable(&self.reader(), ended_before, keep_at_most)?;
            let any = !rows.is_empty();
            let writer = &self.0.writer;
            gone.extend(writer.write_blocking(move |tx| retention::forget(tx, &rows, now))?);
            if !any {
                break;
            }
        }
        Ok(gone)
    }

    /// Whatever a test wants.
    #[cfg(test)]
    pub(crate) fn on_writer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&crate::writer::Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.writer.write_blocking(work)
    }

    fn reader(&self) -> std::sync::MutexGuard<'_, Connection> {
        // A panic while reading leaves the connection as it was.
        self.0.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
