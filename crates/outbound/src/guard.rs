//! The egress guard: requests to URLs that strangers typed leave from inside somebody's network,
//! so every address that a name leads to must be public, or be allowed by the administrator.
//!
//! Whoever connects must use the addresses that [`Guard::resolve`] returned, never the name again:
//! its next answer may be another one.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::address;
use crate::answer::Failure;
use crate::destination::Destination;
use crate::policy::Policy;
use crate::refused::Refused;
use crate::resolve::{self, Resolve};

/// Judges addresses by a policy.
#[derive(Clone, Copy, Debug)]
pub struct Guard<'a> {
    policy: &'a Policy,
}

impl<'a> Guard<'a> {
    /// The guard of this policy.
    #[must_use]
    pub fn new(policy: &'a Policy) -> Self {
        Self { policy }
    }

    /// Whether `host` (in the spelling of [`crate::Destination::host`]) may be reached at `address`.
    pub fn check(&self, host: &str, address: IpAddr) -> Result<(), Refused> {
        match address::not_public(address) {
            Some(kind) if !self.policy.exempts(host, address) => Err(Refused::Address {
                host: host.to_owned(),
                address,
                kind,
            }),
            _ => Ok(()),
        }
    }

    /// The addresses of `host`, if each of them may be reached.
    ///
    /// One that may not is enough to refuse: a name that also leads into a private network is
    /// either a mistake or an attempt.
    pub fn resolve(
        &self,
        host: &str,
        resolver: &Arc<dyn Resolve>,
        limit: Duration,
    ) -> Result<Vec<IpAddr>, Failure> {
        let addresses = resolve::within(limit, host, resolver)?;
        for &address in &addresses {
            self.check(host, address)?;
        }
        Ok(addresses)
    }

    /// Where `destination` may be reached: at the address that its host is, or at those that its
    /// name has.
    pub fn sockets(
        &self,
        destination: &Destination,
        resolver: &Arc<dyn Resolve>,
        limit: Duration,
    ) -> Result<Vec<SocketAddr>, Failure> {
        let host = destination.host();
        let addresses = match destination.literal() {
            Some(address) => {
                self.check(host, address)?;
                vec![address]
            }
            None => self.resolve(host, resolver, limit)?,
        };
        let socket = |address: IpAddr| SocketAddr::new(address, destination.port());
        Ok(addresses.into_iter().map(socket).collect())
    }
}
