//! Names to addresses, within a time.

use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::answer::{Failure, Stage};

/// Looks names up.
pub trait Resolve: Send + Sync + 'static {
    /// All addresses of `host`. It may block: it runs on a thread of its own.
    fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's own resolver: `/etc/hosts`, DNS, whatever the machine is set up for.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok((host, 0)
            .to_socket_addrs()?
            .map(|address| address.ip())
            .collect())
    }
}

/// The addresses of `host`, at least one.
///
/// `getaddrinfo` cannot be interrupted, so it gets a thread, which ends by itself when the system's
/// own resolver gives up.
pub fn within(
    limit: Duration,
    host: &str,
    resolver: &Arc<dyn Resolve>,
) -> Result<Vec<IpAddr>, Failure> {
    let unresolved = |cause: String| Failure::Unresolved {
        host: host.to_owned(),
        cause,
    };
    let (sender, receiver) = mpsc::sync_channel(1);
    let (resolver, name) = (Arc::clone(resolver), host.to_owned());
    thread::Builder::new()
        .name("chela-resolve".to_owned())
        .spawn(move || sender.send(resolver.addresses(&name)))
        .map_err(|error| unresolved(error.to_string()))?;
    match receiver.recv_timeout(limit) {
        Ok(Ok(addresses)) if addresses.is_empty() => {
            Err(unresolved("it has no address".to_owned()))
        }
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(error)) => Err(unresolved(error.to_string())),
        Err(RecvTimeoutError::Timeout) => Err(Failure::Slow {
            host: host.to_owned(),
            stage: Stage::Resolving,
        }),
        Err(RecvTimeoutError::Disconnected) => Err(unresolved("the resolver broke".to_owned())),
    }
}
