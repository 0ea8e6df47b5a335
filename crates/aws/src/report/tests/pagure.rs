//! A Pagure that answers as the test says, over real sockets.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use chela_contract::webhook::{self, Key};
use serde_json::Value;

/// It runs until the process ends.
pub(super) struct Pagure {
    port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
}

/// A report as it came.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) line: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Pagure {
    /// Answers with a status and a body.
    pub(super) fn answering(answer: impl Fn(&Heard) -> (u16, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let Some(one) = read(&stream) else { continue };
                all.lock().unwrap().push(one.clone());
                let (status, body) = answer(&one);
                write(&stream, status, &body);
            }
        });
        Self { port, heard }
    }

    /// Takes everything.
    pub(super) fn taking() -> Self {
        Self::answering(|_| (200, r#"{"applied": true}"#.to_owned()))
    }

    /// Nobody listens there.
    pub(super) fn gone() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Self {
            port: listener.local_addr().unwrap().port(),
            heard: Arc::default(),
        }
    }

    pub(super) fn url(&self) -> url::Url {
        format!("http://127.0.0.1:{}/forge/", self.port)
            .parse()
            .unwrap()
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// Status and description of each report.
    pub(super) fn flags(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let flag = |one: &Heard| {
            let data = &one.json()["data"];
            (text(&data["status"]), text(&data["description"]))
        };
        self.heard().iter().map(flag).collect()
    }
}

impl Heard {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Whether whoever has this token signed it.
    pub(super) fn is_signed_with(&self, token: &str) -> bool {
        let key = Key::new(token.into()).unwrap();
        let [id, at, signature] =
            [webhook::ID, webhook::TIMESTAMP, webhook::SIGNATURE].map(|name| self.header(name));
        let now = crate::clock::now();
        key.verify(id, at, signature, self.body.as_bytes(), now)
            .is_ok()
    }
}

fn read(stream: &TcpStream) -> Option<Heard> {
    let mut reader = BufReader::new(stream);
    let mut next = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let line = next()?;
    let mut headers = Vec::new();
    while let Some((name, value)) = next()?.split_once(": ") {
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?;
    let mut body = vec![0; length.1.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Heard {
        line,
        headers,
        body: String::from_utf8(body).ok()?,
    })
}

fn write(mut stream: &TcpStream, status: u16, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Word\r\nconnection: close\r\ncontent-length: {length}");
    let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes());
}
