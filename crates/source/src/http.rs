//! HTTP to the addresses that the guard has passed: no redirect, no proxy, no credentials, no
//! decompression, and every byte counted.

use std::cell::RefCell;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use chela_outbound::{Destination, Failure, Guard, Policy, Refused, Resolve, Wire};
use ureq::http::header::{CONTENT_TYPE, LOCATION};
use ureq::http::{Request, Response};
use ureq::{Agent, AsSendBody, Body, Timeout};
use url::Url;

use crate::error::{Error, Excess};
use crate::limits::{Deadline, Limits, Tally};
use crate::note::Place;

/// For a name to be resolved, and for a connection to be made.
const CONNECT: Duration = Duration::from_secs(10);

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
        wire: &Wire,
        limits: &Limits,
        deadline: Deadline,
    ) -> Result<Self, Error> {
        if !matches!(clone_url.scheme(), "https" | "http") {
            return Err(Refused::Scheme.into());
        }
        let destination = Destination::parse(clone_url.as_str(), None, None, policy)?;
        let base = Url::parse(destination.url()).map_err(|_| Refused::OddCharacter)?;
        let addresses = Guard::new(policy)
            .sockets(&destination, resolver, deadline.left()?.min(CONNECT))
            .map_err(Error::from_failure)?;
        Ok(Self {
            agent: wire.agent(addresses),
            base,
            host: destination.host().to_owned(),
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
        let request = request.map_err(|_| Refused::OddCharacter)?;
        let request = self
            .agent
            .configure_request(request)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(self.deadline.left()?))
            .build();
        self.agent.run(request).map_err(|error| match error {
            ureq::Error::Timeout(kind) if kind != Timeout::Connect => self.deadline.over(),
            error => Error::Unreachable(Failure::of(&self.host, error)),
        })
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
