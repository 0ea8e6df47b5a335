//! One request over real sockets: what arrives, and what each kind of target does to us.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc;
use std::time::Duration;

use chela_contract::webhook;
use chela_outbound::{
    Audience, Destination, Failure, MAX_ANSWER_BYTES, Policy, Sender, Stage, Timeouts, Verdict,
};
use rstest::rstest;

use support::{OK, Server, key, loopback_policy, loopback_sender, message, now, post};

fn usual() -> Timeouts {
    Timeouts::default()
}

/// For targets that would keep us waiting.
fn short() -> Timeouts {
    Timeouts {
        connect: Duration::from_millis(300),
        total: Duration::from_millis(300),
    }
}

#[test]
fn a_signed_request_arrives_with_the_headers_of_the_contract() {
    let server = Server::answering(OK);
    let answer = post(server.port, usual()).unwrap();
    assert_eq!(
        (answer.status, answer.body.as_slice(), answer.truncated),
        (200, &b"{}"[..], false)
    );
    assert_eq!(answer.content_type.as_deref(), Some("application/json"));

    let request = server.request();
    assert_eq!(request.line, "POST /hook HTTP/1.1");
    assert_eq!(
        request.header("host"),
        Some(format!("ci.test:{}", server.port).as_str())
    );
    assert_eq!(request.header("content-type"), Some("application/json"));
    let version = concat!("chela/", env!("CARGO_PKG_VERSION"));
    assert_eq!(request.header("user-agent"), Some(version));
    assert_eq!(request.header("authorization"), None);
    let header = |name| request.header(name);
    let (id, at, signature) = (
        header(webhook::ID),
        header(webhook::TIMESTAMP),
        header(webhook::SIGNATURE),
    );
    assert_eq!(id, Some(support::ID));
    assert_eq!(
        key().verify(id, at, signature, &request.body, now()),
        Ok(())
    );
    assert!(
        !format!("{request:?}").contains(support::TOKEN),
        "the token travelled"
    );
}

#[test]
fn basic_authentication_arrives_and_the_query_too() {
    let server = Server::answering(OK);
    let policy = loopback_policy(server.port);
    let url = format!("http://ci.test:{}/hook?a=b&c", server.port);
    let password = Some("open sesame".into());
    let destination = Destination::parse(&url, Some("Aladdin"), password, &policy).unwrap();
    let key = key();
    loopback_sender(usual())
        .send(&destination, &message(&key, b"{}"), &policy, now())
        .unwrap();
    let request = server.request();
    assert_eq!(request.line, "POST /hook?a=b&c HTTP/1.1");
    // The example of RFC 7617, section 2.
    assert_eq!(
        request.header("authorization"),
        Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    );
}

#[test]
fn a_report_can_show_the_token_instead() {
    let server = Server::answering(OK);
    let policy = Policy::unguarded();
    let url = format!(
        "http://127.0.0.1:{}/api/0/ci/webhook/demo/hello",
        server.port
    );
    let destination = Destination::parse(&url, None, None, &policy).unwrap();
    let key = key();
    let sender = Sender::default();
    sender
        .send_bearer(&destination, &message(&key, b"{}"), &policy, now())
        .unwrap();
    let request = server.request();
    assert_eq!(
        request.header("authorization"),
        Some("Bearer a project's token")
    );
    assert_eq!(request.header(webhook::SIGNATURE), None);
}

#[rstest]
fn a_redirect_is_not_followed(#[values(301, 302, 303, 307, 308)] status: u16) {
    let elsewhere = Server::answering(OK);
    let server = Server::answering(format!(
        "HTTP/1.1 {status} Moved\r\nlocation: http://ci.test:{}/\r\ncontent-length: 0\r\n\r\n",
        elsewhere.port
    ));
    let result = post(server.port, usual());
    assert_eq!(result.as_ref().unwrap().status, status);
    assert!(matches!(
        Verdict::of(&result, Audience::Forge),
        Verdict::Refused { .. }
    ));
    assert!(
        elsewhere.received.try_recv().is_err(),
        "the redirect was followed"
    );
}

#[rstest]
#[case("7", 7_000_000)]
#[case("Sun, 22 Nov 2026 20:16:27 GMT", 59_895_678)]
fn retry_after_is_understood(#[case] value: &str, #[case] micros: u64) {
    let server = Server::answering(format!(
        "HTTP/1.1 503 Busy\r\nretry-after: {value}\r\ncontent-length: 0\r\n\r\n"
    ));
    let answer = post(server.port, usual()).unwrap();
    assert_eq!(answer.retry_after, Some(Duration::from_micros(micros)));
}

#[rstest]
#[case::words("hello, this is not HTTP\r\n\r\n")]
#[case::binary("\x16\x03\x01\x00\x00\x00\r\n\r\n")]
#[case::bad_status("HTTP/1.1 abc\r\n\r\n")]
#[case::no_length("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n")]
#[case::nothing("")]
#[case::half_a_line("HTTP/1.1 2")]
fn garbage_is_no_answer(#[case] bytes: &str) {
    let server = Server::answering(bytes);
    let result = post(server.port, usual());
    assert!(
        matches!(
            result,
            Err(Failure::Garbage { .. } | Failure::Connection { .. })
        ),
        "{result:?}"
    );
    assert!(matches!(
        Verdict::of(&result, Audience::Forge),
        Verdict::Retry { .. }
    ));
}

#[test]
fn endless_headers_end() {
    let server = Server::start(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream
            .write_all(b"x-filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n")
            .is_ok()
        {}
    });
    let result = post(server.port, usual());
    assert!(matches!(result, Err(Failure::Garbage { .. })), "{result:?}");
}

#[test]
fn a_silent_target_is_left() {
    let (keep, kept) = mpsc::channel();
    let server = Server::start(move |stream| keep.send(stream).unwrap());
    let result = post(server.port, short());
    assert!(
        matches!(
            result,
            Err(Failure::Slow {
                stage: Stage::Answering,
                ..
            })
        ),
        "{result:?}"
    );
    assert!(matches!(
        Verdict::of(&result, Audience::Forge),
        Verdict::Retry { .. }
    ));
    drop(kept);
}

#[test]
fn of_a_gigabyte_only_the_beginning_is_read() {
    let (sender, stopped) = mpsc::channel();
    let server = Server::start(move |mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n");
        let block = vec![b'x'; 65_536];
        let written = (0..16_384)
            .take_while(|_| stream.write_all(&block).is_ok())
            .count();
        sender.send(written).unwrap();
    });
    let answer = post(server.port, usual()).unwrap();
    assert_eq!(
        (answer.status, answer.body.len(), answer.truncated),
        (200, MAX_ANSWER_BYTES, true)
    );
    let written = stopped.recv_timeout(Duration::from_secs(10)).unwrap();
    assert!(written < 16_384, "the whole gigabyte was taken");
}

#[test]
fn an_answer_of_exactly_the_limit_is_whole() {
    let mut bytes = format!("HTTP/1.1 200 OK\r\ncontent-length: {MAX_ANSWER_BYTES}\r\n\r\n");
    bytes.extend(std::iter::repeat_n('x', MAX_ANSWER_BYTES));
    let answer = post(Server::answering(bytes).port, usual()).unwrap();
    assert_eq!(
        (answer.body.len(), answer.truncated),
        (MAX_ANSWER_BYTES, false)
    );
}

/// The target has accepted: what it fails to say afterwards does not make us ask again.
#[test]
fn an_endless_trickle_ends_and_its_status_counts() {
    let server = Server::start(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n");
        while stream.write_all(b"1\r\nx\r\n").is_ok() {
            std::thread::park_timeout(Duration::from_millis(20));
        }
    });
    let result = post(server.port, short());
    let answer = result.as_ref().unwrap();
    assert!(answer.truncated && answer.body.len() < MAX_ANSWER_BYTES);
    assert_eq!(Verdict::of(&result, Audience::Forge), Verdict::Accepted);
}

#[test]
fn a_packed_answer_stays_packed() {
    // `printf x | gzip` as it would begin a bomb.
    let packed =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\x00\x00\x83\x16\xdc\x8c\x01\x00\x00\x00";
    let mut bytes = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        packed.len()
    )
    .into_bytes();
    bytes.extend(packed);
    let server = Server::answering(bytes);
    assert_eq!(post(server.port, usual()).unwrap().body, packed);
    assert_eq!(server.request().header("accept-encoding"), Some("identity"));
}

#[test]
fn a_closed_port_is_tried_again() {
    let port = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap().port()
    };
    let result = post(port, usual());
    assert!(
        matches!(result, Err(Failure::Connection { .. })),
        "{result:?}"
    );
    assert!(matches!(
        Verdict::of(&result, Audience::Forge),
        Verdict::Retry { .. }
    ));
}
