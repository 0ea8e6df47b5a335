//! HTTP over the addresses that were judged: no redirect, no proxy, no decompression.

use std::fmt;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chela_contract::Micros;
use ureq::config::Config;
use ureq::http::header::{CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use ureq::http::{HeaderMap, HeaderName, Request, Response, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, NextTimeout, RustlsConnector, TcpConnector, Transport,
};
use ureq::{Agent, Body, Timeout};

use crate::answer::{Answer, Failure, Stage};
use crate::backoff;
use crate::destination::Destination;
use crate::problem;
use crate::sender::USER_AGENT;

/// How much of an answer is read: contract, section 1.4.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// As many as ureq's list of addresses holds.
const MAX_ADDRESSES: usize = 16;

/// What connections share: the certificates of the system, read when the first one is made. Its
/// clones share them too.
#[derive(Clone, Debug)]
pub struct Wire {
    tls: SharedTls,
    tls_config: TlsConfig,
}

/// One request, ready to go.
pub(crate) struct Post<'a> {
    pub destination: &'a Destination,
    pub headers: HeaderMap,
    pub body: &'a [u8],
    pub addresses: Vec<SocketAddr>,
    pub connect: Duration,
    pub total: Duration,
    pub now: Micros,
}

impl Default for Wire {
    fn default() -> Self {
        Self::new()
    }
}

impl Wire {
    /// Nothing is read and no thread or socket is made before the first connection.
    #[must_use]
    pub fn new() -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls_config = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(provider)
            .build();
        Self {
            tls: SharedTls(Arc::default()),
            tls_config,
        }
    }

    #[cfg(test)]
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.tls.0, &other.tls.0)
    }

    /// A client that connects to these addresses, whatever a request's host is: those that
    /// [`crate::Guard::sockets`] has passed. No redirect, no proxy of the environment, nothing
    /// unpacked; every status is an answer. It has no time-outs of its own.
    #[must_use]
    pub fn agent(&self, addresses: Vec<SocketAddr>) -> Agent {
        let config = Config::builder()
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .accept_encoding("identity")
            .user_agent(USER_AGENT)
            .tls_config(self.tls_config.clone())
            .build();
        let connector = TcpConnector::default().chain(self.tls.clone());
        Agent::with_parts(config, connector, Judged(addresses))
    }

    /// Sends the request over a connection of its own: one that was kept could lead to an address
    /// that another policy allowed, and the target may have closed it meanwhile.
    pub(crate) fn post(&self, post: &Post<'_>) -> Result<Answer, Failure> {
        let agent = self.agent(post.addresses.clone());
        let mut request = Request::post(post.destination.uri().clone()).body(post.body);
        if let Ok(request) = &mut request {
            request.headers_mut().clone_from(&post.headers);
        }
        let response = request
            .map_err(ureq::Error::from)
            .map(|request| {
                agent
                    .configure_request(request)
                    .timeout_connect(Some(post.connect))
                    .timeout_global(Some(post.total))
                    .build()
            })
            .and_then(|request| agent.run(request));
        match response {
            Ok(response) => Ok(read(response, post.now)),
            Err(error) => Err(Failure::of(post.destination.host(), error)),
        }
    }
}

/// The status counts even if the body breaks off: the target has decided by then.
fn read(response: Response<Body>, now: Micros) -> Answer {
    let text = |name: HeaderName| {
        let value = response.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let retry_after = text(RETRY_AFTER).and_then(|value| backoff::retry_after(&value, now));
    let (content_type, location) = (text(CONTENT_TYPE), text(LOCATION));
    let date = text(DATE).and_then(|value| backoff::http_date(&value));
    let status = response.status().as_u16();
    let mut body = Vec::new();
    let mut reader = response
        .into_body()
        .into_reader()
        .take(MAX_ANSWER_BYTES as u64 + 1);
    let complete = reader.read_to_end(&mut body).is_ok() && body.len() <= MAX_ANSWER_BYTES;
    body.truncate(MAX_ANSWER_BYTES);
    Answer {
        status,
        date,
        retry_after,
        content_type,
        location,
        body,
        truncated: !complete,
    }
}

impl Failure {
    /// What an error of a client of [`Wire::agent`] means.
    #[must_use]
    pub fn of(host: &str, error: ureq::Error) -> Self {
        let host = host.to_owned();
        // A certificate's names, which rustls lists, are the target's to choose.
        let line = |cause: &dyn fmt::Display| problem::shorten(&problem::clean(&cause.to_string()));
        match error {
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => Failure::Slow {
                host,
                stage: Stage::Connecting,
            },
            ureq::Error::Timeout(_) => Failure::Slow {
                host,
                stage: Stage::Answering,
            },
            ureq::Error::Rustls(error) => Failure::Tls {
                host,
                cause: line(&error),
            },
            ureq::Error::Tls(cause) => Failure::Tls {
                host,
                cause: line(&cause),
            },
            ureq::Error::Io(error) => match error.get_ref() {
                Some(inner) if inner.is::<rustls::Error>() => Failure::Tls {
                    host,
                    cause: line(inner),
                },
                _ => Failure::Connection {
                    host,
                    cause: line(&error),
                },
            },
            ureq::Error::Protocol(error) => Failure::Garbage {
                host,
                cause: line(&error),
            },
            ureq::Error::LargeResponseHeader(..) => Failure::Garbage {
                host,
                cause: "its headers are too long".to_owned(),
            },
            error => Failure::Connection {
                host,
                cause: line(&error),
            },
        }
    }
}

/// Answers every question with the addresses that the guard has passed.
#[derive(Debug)]
struct Judged(Vec<SocketAddr>);

impl Resolver for Judged {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        for &address in self.0.iter().take(MAX_ADDRESSES) {
            addresses.push(address);
        }
        Ok(addresses)
    }
}

/// Every request has an agent of its own, but reading the system's certificates is worth sharing.
#[derive(Clone, Debug)]
struct SharedTls(Arc<RustlsConnector>);

impl<In: Transport> Connector<In> for SharedTls {
    type Out = <RustlsConnector as Connector<In>>::Out;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        // A request with time-outs has a configuration of its own, and ureq keeps no certificates
        // for those. Ours all have the same TLS.
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            request_level: false,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: Arc::clone(&details.current_time),
            run_connector: Arc::clone(&details.run_connector),
            register_shutdown: Arc::clone(&details.register_shutdown),
        };
        self.0.connect(&details, chained)
    }
}
