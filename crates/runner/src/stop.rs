//! The handle by which another thread ends a build, and the bell that wakes whoever listens to it.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::event::{EventfdFlags, eventfd};

/// Stops a build from any thread. Clones stop the same build.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Asked>);

#[derive(Debug, Default)]
struct Asked {
    stopped: AtomicBool,
    bell: Mutex<Option<Bell>>,
}

impl Stop {
    /// Asks for the end. The build's processes are killed, and `run` returns.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::SeqCst);
        if let Some(bell) = &*self.bell() {
            bell.ring();
        }
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::SeqCst)
    }

    /// Rings this bell too when the end is asked for. A later `is_stopped` finds what came before.
    pub(crate) fn rings(&self, bell: &Bell) {
        *self.bell() = Some(bell.clone());
    }

    fn bell(&self) -> std::sync::MutexGuard<'_, Option<Bell>> {
        self.0.bell.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Once rung, it stays readable: what it announces is the end of the build.
#[derive(Clone, Debug)]
pub(crate) struct Bell(Arc<OwnedFd>);

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Self(Arc::new(eventfd(0, flags)?)))
    }

    pub(crate) fn ring(&self) {
        // Fails only when the counter is full: then it is readable already.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
