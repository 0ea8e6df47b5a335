//! Real servers on loopback, and senders that find them.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use chela_contract::{Micros, webhook::Key};
use chela_outbound::{
    Answer, Destination, Failure, Message, Policy, Resolve, Sender, Setting, Timeouts, USER_AGENT,
};

/// An answer that accepts.
pub const OK: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

/// A request as it came over the wire.
#[derive(Debug)]
pub struct Received {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} was sent twice");
        value
    }
}

/// A server that treats each connection as `serve` does, once the request has been read.
pub struct Server {
    pub port: u16,
    pub received: Receiver<Received>,
}

impl Server {
    pub fn start(serve: impl Fn(TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, received) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let Some(request) = read_request(&stream) else {
                    continue;
                };
                if sender.send(request).is_err() {
                    return;
                }
                serve(stream);
            }
        });
        Self { port, received }
    }

    /// Answers everything with these bytes.
    pub fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::start(move |mut stream| {
            let _ = stream.write_all(&bytes);
        })
    }

    pub fn request(&self) -> Received {
        self.received
            .recv_timeout(Duration::from_secs(10))
            .expect("the server was asked")
    }
}

fn read_request(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut next = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let line = next()?;
    let mut headers = Vec::new();
    while let Some((name, value)) = next()?.split_once(": ") {
        headers.push((name.to_owned(), value.to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    let mut body = vec![0; length.1.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Received {
        line,
        headers,
        body,
    })
}

/// Every name leads to these addresses.
pub struct Fixed(pub Vec<IpAddr>);

impl Resolve for Fixed {
    fn addresses(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(self.0.clone())
    }
}

/// Loopback may be reached, without TLS, on this port, as any host below `.test` and of AWS.
pub fn loopback_policy(port: u16) -> Policy {
    let mut policy = Policy::default();
    for host in ["127.0.0.1", "*.test", "*.on.aws", "*.amazonaws.com"] {
        policy.add(Setting::AllowHttp, host).unwrap();
    }
    policy.add(Setting::AllowNetworks, "127.0.0.0/8").unwrap();
    policy.add(Setting::AllowPorts, &port.to_string()).unwrap();
    policy
}

/// Finds every name on loopback.
pub fn loopback_sender(timeouts: Timeouts) -> Sender {
    Sender::new(Arc::new(Fixed(vec![Ipv4Addr::LOCALHOST.into()])), timeouts)
}

pub const ID: &str = "0199a1c2-6f0e-7c3a-9d6b-2f6f1f1f0a11";
pub const TOKEN: &str = "a project's token";

pub fn now() -> Micros {
    "2026-11-22T20:15:27.104322Z".parse().unwrap()
}

pub fn key() -> Key {
    Key::new(TOKEN.to_owned().into()).unwrap()
}

pub fn message<'a>(key: &'a Key, body: &'a [u8]) -> Message<'a> {
    Message {
        id: ID,
        body,
        key,
        user_agent: USER_AGENT,
    }
}

/// Posts `{}` to `http://ci.test:<port>/hook`.
pub fn post(port: u16, timeouts: Timeouts) -> Result<Answer, Failure> {
    let policy = loopback_policy(port);
    let url = format!("http://ci.test:{port}/hook");
    let destination = Destination::parse(&url, None, None, &policy).unwrap();
    let key = key();
    loopback_sender(timeouts).send(&destination, &message(&key, b"{}"), &policy, now())
}
