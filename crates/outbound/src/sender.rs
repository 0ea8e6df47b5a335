//! Sends one message, once: resolve, judge, connect to what was judged, read a little.

use std::process;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chela_contract::{Micros, webhook};
use ureq::http::HeaderMap;

use crate::answer::{Answer, Failure, Stage};
use crate::destination::Destination;
use crate::guard::Guard;
use crate::policy::Policy;
use crate::resolve::{Resolve, SystemResolver};
use crate::transport::{Post, Wire};

/// How Chela's own senders introduce themselves.
pub const USER_AGENT: &str = concat!("chela/", env!("CARGO_PKG_VERSION"));

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// `webhook-id`: the same in every retry.
    pub id: &'a str,
    /// The body, as it is signed.
    pub body: &'a [u8],
    /// The project's CI token.
    pub key: &'a webhook::Key,
    /// The `User-Agent`, [`USER_AGENT`] most often.
    pub user_agent: &'a str,
}

/// How long an attempt may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands: name resolution, TCP and TLS.
    pub connect: Duration,
    /// Altogether.
    pub total: Duration,
}

impl Default for Timeouts {
    /// Those of the contract, section 1.4.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(15),
        }
    }
}

/// Sends messages. Making one does nothing yet, so it may exist before a process forks.
pub struct Sender {
    resolver: Arc<dyn Resolve>,
    timeouts: Timeouts,
    /// Belongs to the process that made it: a child of a fork makes its own.
    wire: Mutex<Option<(u32, Wire)>>,
}

impl Default for Sender {
    fn default() -> Self {
        Self::new(Arc::new(SystemResolver), Timeouts::default())
    }
}

impl Sender {
    /// A sender with another resolver or other time-outs than the usual ones.
    #[must_use]
    pub fn new(resolver: Arc<dyn Resolve>, timeouts: Timeouts) -> Self {
        Self {
            resolver,
            timeouts,
            wire: Mutex::new(None),
        }
    }

    /// Posts a signed message: a build request, or a report whose token does not travel.
    pub fn send(
        &self,
        destination: &Destination,
        message: &Message<'_>,
        policy: &Policy,
        now: Micros,
    ) -> Result<Answer, Failure> {
        let headers = destination.headers(message, now)?;
        self.post(destination, headers, message.body, policy, now)
    }

    /// Posts a message with `Authorization: Bearer` and the token, for a forge that knows no
    /// signatures. The destination's own authentication is not used.
    pub fn send_bearer(
        &self,
        destination: &Destination,
        message: &Message<'_>,
        policy: &Policy,
        now: Micros,
    ) -> Result<Answer, Failure> {
        let headers = Destination::bearer_headers(message)?;
        self.post(destination, headers, message.body, policy, now)
    }

    fn post(
        &self,
        destination: &Destination,
        headers: HeaderMap,
        body: &[u8],
        policy: &Policy,
        now: Micros,
    ) -> Result<Answer, Failure> {
        // The policy may have changed since the destination was parsed.
        destination.admitted_by(policy)?;
        let started = Instant::now();
        let addresses =
            Guard::new(policy).sockets(destination, &self.resolver, self.timeouts.connect)?;
        let spent = started.elapsed();
        // For ureq a time-out of zero is a second.
        let left = self
            .timeouts
            .connect
            .checked_sub(spent)
            .filter(|left| !left.is_zero());
        let Some(connect) = left else {
            let host = destination.host().to_owned();
            return Err(Failure::Slow {
                host,
                stage: Stage::Connecting,
            });
        };
        self.wire().post(&Post {
            destination,
            headers,
            body,
            addresses,
            connect,
            total: self.timeouts.total.saturating_sub(spent),
            now,
        })
    }

    /// This process's own.
    ///
    /// Never waits for the lock: one that another thread held when the process forked stays locked
    /// in the child for ever. Then, or while another thread makes its own, this makes one more.
    fn wire(&self) -> Wire {
        let pid = process::id();
        let Ok(mut kept) = self.wire.try_lock() else {
            return Wire::new();
        };
        match &*kept {
            Some((owner, wire)) if *owner == pid => wire.clone(),
            _ => {
                let wire = Wire::new();
                *kept = Some((pid, wire.clone()));
                wire
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(sender: &Sender) -> Option<u32> {
        sender
            .wire
            .lock()
            .unwrap()
            .as_ref()
            .map(|(owner, _)| *owner)
    }

    #[test]
    fn nothing_is_made_before_the_first_request() {
        assert_eq!(kept(&Sender::default()), None);
    }

    #[test]
    fn a_process_uses_its_own_wire_and_not_its_parents() {
        let sender = Sender::default();
        let parents = Wire::new();
        *sender.wire.lock().unwrap() = Some((process::id().wrapping_add(1), parents.clone()));
        let first = sender.wire();
        assert!(
            !first.is(&parents),
            "the parent's connections were taken over"
        );
        assert_eq!(kept(&sender), Some(process::id()));
        assert!(
            sender.wire().is(&first),
            "each request made a wire of its own"
        );
    }

    #[test]
    fn a_lock_that_the_fork_left_locked_stops_nobody() {
        let sender = Sender::default();
        let _locked = sender.wire.lock().unwrap();
        let _ = sender.wire();
    }
}
