//! The one thread that writes: what waits goes into one transaction, and is answered when that is
//! on the disk.
//!
//! A durable commit costs the disk's time, not the processor's; shared by all that wait, it costs
//! each of them little.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::ops::Deref;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::{OpenError, StoreError};

/// How many jobs may wait; whoever brings one more waits with it.
const WAITING: usize = 1024;
/// How many jobs go into one transaction.
const BATCH: usize = 256;

/// The thread, as others see it. It ends, with all that was asked of it done, when this is dropped.
pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// Writes, and hands back what is to be done when it is known whether the writing lasts.
type Job = Box<dyn FnOnce(&Tx<'_>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), StoreError>)>;

/// The transaction that a job writes in.
pub(crate) struct Tx<'c> {
    connection: &'c Connection,
    stirred: Cell<bool>,
    /// Why there is no transaction any more, although it has not been committed.
    lost: RefCell<Option<StoreError>>,
}

impl Tx<'_> {
    /// Others should look: something waits now, or shows.
    pub(crate) fn stir(&self) {
        self.stirred.set(true);
    }

    /// Does the work in a savepoint of its own: if it fails, it alone is undone.
    fn alone<T>(&self, work: impl FnOnce(&Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.within()?;
        self.run("SAVEPOINT job")?;
        let done = work(self).and_then(|done| self.run("RELEASE job").map(|()| done));
        if let Err(error) = &done {
            // On some errors, such as a full disk, SQLite has undone the whole transaction already.
            if self.is_autocommit() {
                self.lost.replace(Some(error.clone()));
            } else {
                self.run("ROLLBACK TO job")?;
                self.run("RELEASE job")?;
            }
        }
        done
    }

    /// Whether there is a transaction: without one, a savepoint would begin one and commit it.
    fn within(&self) -> Result<(), StoreError> {
        if !self.is_autocommit() {
            return Ok(());
        }
        Err(self.lost.borrow().clone().unwrap_or(StoreError::Closed))
    }

    fn run(&self, statement: &str) -> Result<(), StoreError> {
        self.prepare_cached(statement)?.execute([])?;
        Ok(())
    }
}

impl Deref for Tx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Writer {
    /// Starts the thread; the lock is given back when it ends. `wake` changes when others should
    /// look.
    pub(crate) fn start(
        connection: Connection,
        lock: File,
        wake: Arc<watch::Sender<u64>>,
    ) -> Result<Self, OpenError> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let thread = thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                run(&connection, waiting, &wake);
                // The database is closed before another process may open it.
                drop(connection);
                drop(lock);
            });
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread.map_err(OpenError::Thread)?),
        })
    }

    /// Has the work done, and waits until it lasts.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (job, answer) = job(work);
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// The same, for a thread that may block.
    pub(crate) fn write_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (job, answer) = job(work);
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.blocking_send(job).map_err(|_| StoreError::Closed)?;
        answer.blocking_recv().map_err(|_| StoreError::Closed)?
    }
}

impl Writer {
    /// Whether the thread is there.
    pub(crate) fn is_open(&self) -> bool {
        self.jobs.as_ref().is_some_and(|jobs| !jobs.is_closed())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // If it panicked, its message is on standard error already.
            let _ = thread.join();
        }
    }
}

fn job<T: Send + 'static>(
    work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> (Job, oneshot::Receiver<Result<T, StoreError>>) {
    let (sender, answer) = oneshot::channel();
    let job: Job = Box::new(move |tx| {
        let done = tx.alone(work);
        Box::new(move |lasting| {
            // Nobody may wait for it any more.
            let _ = sender.send(lasting.and(done));
        })
    });
    (job, answer)
}

fn run(connection: &Connection, mut waiting: mpsc::Receiver<Job>, wake: &watch::Sender<u64>) {
    while let Some(first) = waiting.blocking_recv() {
        let tx = Tx {
            connection,
            stirred: Cell::new(false),
            lost: RefCell::new(None),
        };
        let rest = std::iter::from_fn(|| waiting.try_recv().ok());
        let jobs = std::iter::once(first).chain(rest).take(BATCH);
        let (lasting, answers) = together(&tx, jobs);
        for answer in answers {
            answer(lasting.clone());
        }
        if lasting.is_ok() && tx.stirred.get() {
            wake.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}

/// Does the jobs in one transaction.
fn together(tx: &Tx<'_>, jobs: impl Iterator<Item = Job>) -> (Result<(), StoreError>, Vec<Answer>) {
    if let Err(error) = tx.run("BEGIN IMMEDIATE") {
        tx.lost.replace(Some(error));
    }
    let mut answers = Vec::new();
    for job in jobs {
        answers.push(job(tx));
        if tx.is_autocommit() {
            break;
        }
    }
    let lasting = tx.within().and_then(|()| tx.run("COMMIT"));
    if lasting.is_err() && !tx.is_autocommit() {
        // If even this fails, the next BEGIN does too, and says so.
        let _ = tx.run("ROLLBACK");
    }
    (lasting, answers)
}
