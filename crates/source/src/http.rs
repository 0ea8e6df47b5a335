//! HTTP to the addresses that the guard has passed: no redirect, no proxy, no credentials, no
//! decompression, and every byte counted.

use std::cell::RefCell;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chela_outbound::guard::Guard;
use chela_outbound::{Destination, Failure, Policy, Resolve, Stage};
use ureq::config::Config;
use ureq::http::header::{CONTENT_TYPE, LOCATION};
use ureq::http::{Request, Response};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, NextTimeout, RustlsConnector, TcpConnector, Transport,
};
use ureq::{Agent, AsSendBody, Body};
use url::Url;

use crate::error::{Error, Excess};
use crate::limits::{Deadline, Limits, Tally};
use crate::note::Place;

/// For a name to be resolved, and for a connection to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// As many as ureq's list of addresses holds.
const MAX_ADDRESSES: usize = 16;

/// One server during one fetch: its name is resolved once, and its connections are shared.
pub struct Server {
    agent: Agent,
    base: Url,
    host: String,
    deadline: Deadline,
    received: RefCell<Tally>,
}

impl Server {
    /// Nothing is connected before each address of the host has been judged.
    pub fn new(
        clone_url: &Url,
        policy: &Policy,
        resolver: &Arc<dyn Resolve>,
        tls: &Tls,
        limits: &Limits,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        if !matches!(clone_url.scheme(), "https" | "http") {
            return Err(chela_outbound::Refused::Scheme.into());
        }
        let destination = Destination::parse(clone_url.as_str(), None, None, policy)?;
        let base =
            Url::parse(destination.url()).map_err(|_| chela_outbound::Refused::OddCharacter)?;
        let host = destination.host().to_owned();
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let limit = deadline.left()?.min(CONNECT);
        let addresses = match name.parse() {
            Ok(address) => {
                Guard::new(policy).check(&host, address)?;
                vec![address]
            }
            Err(_) => Guard::new(policy)
                .resolve(&host, resolver, limit)
                .map_err(Error::from_failure)?,
        };
        let port = destination.port();
        let judged = addresses
            .into_iter()
            .take(MAX_ADDRESSES)
            .map(|address| SocketAddr::new(address, port))
            .collect();
        Ok(Self {
            agent: tls.agent(Judged(judged)),
            base,
            host,
            deadline,
            received: RefCell::new(Tally::new(Excess::Received, limits.received)),
        })
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    /// The list of refs, or of what the server can do.
    pub fn advertisement(&self) -> Result<Received<'_>, Error> {
        let url = self.url("/info/refs", Some("service=git-upload-pack"));
        let request = Request::get(url.as_str()).header("Git-Protocol", "version=2");
        let response = self.run(request.body(()))?;
        self.expect(response, "application/x-git-upload-pack-advertisement")
    }

    /// An answer of `git-upload-pack`.
    pub fn ask(&self, message: &[u8], version: Version) -> Result<Received<'_>, Error> {
        let url = self.url("/git-upload-pack", None);
        let mut request = Request::post(url.as_str())
            .header(CONTENT_TYPE, "application/x-git-upload-pack-request");
        if version == Version::Two {
            request = request.header("Git-Protocol", "version=2");
        }
        let response = self.run(request.body(message))?;
        self.expect(response, "application/x-git-upload-pack-result")
    }

    fn url(&self, suffix: &str, query: Option<&str>) -> Url {
        let mut url = self.base.clone();
        let path = format!("{}{suffix}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url.set_query(query);
        url
    }

    fn run<B: AsSendBody>(
        &self,
        request: ureq::http::Result<Request<B>>,
    ) -> Result<Response<Body>, Error> {
        let request = request.map_err(|_| chela_outbound::Refused::OddCharacter)?;
        let request = self
            .agent
            .configure_request(request)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(self.deadline.left()?))
            .build();
        self.agent.run(request).map_err(|error| self.failure(error))
    }

    fn expect(&self, response: Response<Body>, wanted: &str) -> Result<Received<'_>, Error> {
        let host = || self.host.clone();
        let header = |name| {
            response
                .headers()
                .get(name)
                .map_or(&b""[..], |value| value.as_bytes())
        };
        match response.status().as_u16() {
            200 => {}
            300..=399 => {
                return Err(Error::Redirected {
                    host: host(),
                    location: Place::new(header(LOCATION)),
                });
            }
            status @ (401 | 403 | 404 | 410) => {
                return Err(Error::NotPublic {
                    host: host(),
                    status,
                });
            }
            status => {
                return Err(Error::Status {
                    host: host(),
                    status,
                });
            }
        }
        if header(CONTENT_TYPE) != wanted.as_bytes() {
            return Err(Error::NotGit {
                host: host(),
                cause: "its content type is another one",
            });
        }
        Ok(Received {
            server: self,
            body: Box::new(response.into_body().into_reader()),
        })
    }

    fn failure(&self, error: ureq::Error) -> Error {
        let host = self.host.clone();
        let shown = |cause: &dyn std::fmt::Display| Place::new(cause.to_string().as_bytes());
        Error::Unreachable(match error {
            ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => {
                Failure::Slow {
                    host,
                    stage: Stage::Connecting,
                }
            }
            ureq::Error::Timeout(_) => return self.deadline.over(),
            ureq::Error::Rustls(error) => Failure::Tls {
                host,
                cause: shown(&error).to_string(),
            },
            ureq::Error::Io(error) if is_tls(&error) => Failure::Tls {
                host,
                cause: shown(&error).to_string(),
            },
            ureq::Error::Protocol(error) => Failure::Garbage {
                host,
                cause: shown(&error).to_string(),
            },
            error => Failure::Connection {
                host,
                cause: shown(&error).to_string(),
            },
        })
    }
}

fn is_tls(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        .is_some()
}

impl Error {
    fn from_failure(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refused) => refused.into(),
            failure => Self::Unreachable(failure),
        }
    }
}

/// Of git's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The first one: the server lists every ref before it is asked.
    Zero,
    /// gitprotocol-v2(5).
    Two,
}

/// The body of an answer, counted towards the limit.
pub struct Received<'a> {
    server: &'a Server,
    body: Box<dyn Read>,
}

impl Read for Received<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let got = self.body.read(bytes).map_err(|error| {
            match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(ureq::Error::Timeout(_)) => self.server.deadline.over().into_io(),
                _ => error,
            }
        })?;
        let mut received = self.server.received.borrow_mut();
        received.add(got as u64).map_err(Error::into_io)?;
        Ok(got)
    }
}

/// Answers every question with the addresses that the guard has passed.
#[derive(Debug)]
struct Judged(Vec<SocketAddr>);

impl Resolver for Judged {
    fn resolve(
        &self,
        _: &ureq::http::Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut addresses = self.empty();
        for &address in &self.0 {
            addresses.push(address);
        }
        Ok(addresses)
    }
}

/// The certificates of the system, read when the first fetch needs them and shared by all.
#[derive(Clone, Debug, Default)]
pub struct Tls(Arc<OnceLock<(TlsConfig, SharedTls)>>);

impl Tls {
    fn agent(&self, judged: Judged) -> Agent {
        let (tls, connector) = self.0.get_or_init(|| {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = TlsConfig::builder()
                .root_certs(RootCerts::PlatformVerifier)
                .unversioned_rustls_crypto_provider(provider)
                .build();
            (config, SharedTls::default())
        });
        let config = Config::builder()
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .accept_encoding("identity")
            .user_agent(chela_outbound::USER_AGENT)
            .tls_config(tls.clone())
            .build();
        Agent::with_parts(
            config,
            TcpConnector::default().chain(connector.clone()),
            judged,
        )
    }
}

#[derive(Clone, Debug, Default)]
struct SharedTls(Arc<RustlsConnector>);

impl<In: Transport> Connector<In> for SharedTls {
    type Out = <RustlsConnector as Connector<In>>::Out;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        self.0.connect(details, chained)
    }
}
