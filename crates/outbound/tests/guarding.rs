//! Where a request may lead: names are resolved once, judged, and only then connected to.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use chela_outbound::{
    Destination, Failure, Guard, Policy, Refused, Resolve, Sender, Setting, Stage, Timeouts,
};
use rstest::rstest;

use support::{Fixed, OK, Server, key, loopback_policy, loopback_sender, message, now};

fn usual() -> Timeouts {
    Timeouts::default()
}

fn send_resolving(resolver: impl Resolve, policy: &Policy, timeouts: Timeouts) -> Failure {
    let destination = Destination::parse("https://ci.example.org/", None, None, policy).unwrap();
    let key = key();
    Sender::new(Arc::new(resolver), timeouts)
        .send(&destination, &message(&key, b"{}"), policy, now())
        .unwrap_err()
}

#[rstest]
#[case::private(&["10.1.2.3"], "10.1.2.3")]
#[case::metadata(&["169.254.169.254"], "169.254.169.254")]
#[case::mixed(&["1.1.1.1", "127.0.0.1"], "127.0.0.1")]
#[case::mapped(&["::ffff:1.1.1.1"], "::ffff:1.1.1.1")]
#[case::far_down(
    &["1.1.1.1", "1.1.1.1", "1.1.1.1", "1.1.1.1", "1.1.1.1", "1.1.1.1", "1.1.1.1", "1.1.1.1",
      "1.1.1.1", "1.1.1.1", "1.1.1.1", "1.1.1.1", "1.1.1.1", "1.1.1.1", "1.1.1.1", "1.1.1.1", "::1"],
    "::1"
)]
fn a_name_that_leads_inside_is_refused(#[case] addresses: &[&str], #[case] culprit: IpAddr) {
    // The guard alone: a sender whose guard had a hole would knock at these addresses.
    let addresses = addresses.iter().map(|address| address.parse().unwrap());
    let resolver: Arc<dyn Resolve> = Arc::new(Fixed(addresses.collect()));
    let failure = Guard::new(&Policy::default())
        .resolve("ci.example.org", &resolver, usual().connect)
        .unwrap_err();
    let Failure::Refused(Refused::Address { address, .. }) = &failure else {
        panic!("not refused for its address: {failure:?}");
    };
    assert_eq!(*address, culprit);
    assert!(failure.is_final());
}

#[test]
fn a_sender_does_not_knock_where_the_guard_refuses() {
    let server = Server::answering(OK);
    let port = server.port.to_string();
    let policy = Policy::default()
        .with(Setting::AllowHttp, "ci.test")
        .and_then(|policy| policy.with(Setting::AllowPorts, &port))
        .unwrap();
    let url = format!("http://ci.test:{port}/");
    let destination = Destination::parse(&url, None, None, &policy).unwrap();
    let key = key();
    let sent = loopback_sender(usual()).send(&destination, &message(&key, b"{}"), &policy, now());
    assert!(
        matches!(sent, Err(Failure::Refused(Refused::Address { .. }))),
        "{sent:?}"
    );
    assert!(
        server.received.try_recv().is_err(),
        "the request was sent all the same"
    );
}

/// A second answer could be another one, so there must be no second question.
struct Rebinding(AtomicUsize);

impl Resolve for Rebinding {
    fn addresses(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        let asked = self.0.fetch_add(1, Ordering::SeqCst);
        assert_eq!(
            asked, 0,
            "the name was resolved again after its addresses were judged"
        );
        Ok(vec![Ipv4Addr::LOCALHOST.into()])
    }
}

#[test]
fn the_connection_goes_to_the_address_that_was_judged() {
    let server = Server::answering(OK);
    let policy = loopback_policy(server.port);
    let url = format!("http://ci.test:{}/", server.port);
    let destination = Destination::parse(&url, None, None, &policy).unwrap();
    let key = key();
    let sender = Sender::new(Arc::new(Rebinding(0.into())), usual());
    sender
        .send(&destination, &message(&key, b"{}"), &policy, now())
        .unwrap();
    assert_eq!(server.request().line, "POST / HTTP/1.1");
}

#[test]
fn a_policy_that_became_stricter_counts() {
    let lenient = Policy::default().with(Setting::AllowPorts, "8443").unwrap();
    let url = "https://ci.example.org:8443/";
    let destination = Destination::parse(url, None, None, &lenient).unwrap();
    let key = key();
    let sent = loopback_sender(usual()).send(
        &destination,
        &message(&key, b"{}"),
        &Policy::default(),
        now(),
    );
    assert!(
        matches!(
            sent,
            Err(Failure::Refused(Refused::Port { port: 8443, .. }))
        ),
        "{sent:?}"
    );
}

#[test]
fn no_time_left_is_no_time_for_a_connection() {
    let server = Server::answering(OK);
    let policy = Policy::unguarded();
    let url = format!("http://127.0.0.1:{}/", server.port);
    let destination = Destination::parse(&url, None, None, &policy).unwrap();
    let timeouts = Timeouts {
        connect: Duration::ZERO,
        total: Duration::from_secs(15),
    };
    let key = key();
    let sent = loopback_sender(timeouts).send(&destination, &message(&key, b"{}"), &policy, now());
    assert!(
        matches!(
            sent,
            Err(Failure::Slow {
                stage: Stage::Connecting,
                ..
            })
        ),
        "{sent:?}"
    );
}

struct Broken;

impl Resolve for Broken {
    fn addresses(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        Err(std::io::Error::other("no such name"))
    }
}

#[rstest]
#[case::error(Arc::new(Broken))]
#[case::nothing(Arc::new(Fixed(Vec::new())))]
fn an_unknown_name_is_tried_again(#[case] resolver: Arc<dyn Resolve>) {
    struct Through(Arc<dyn Resolve>);
    impl Resolve for Through {
        fn addresses(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
            self.0.addresses(host)
        }
    }
    let failure = send_resolving(Through(resolver), &Policy::default(), usual());
    assert!(matches!(failure, Failure::Unresolved { .. }), "{failure:?}");
    assert!(!failure.is_final());
}

struct Hanging(Mutex<mpsc::Receiver<()>>);

impl Resolve for Hanging {
    fn addresses(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        let _ = self.0.lock().unwrap().recv();
        Ok(vec![])
    }
}

#[test]
fn a_name_server_that_hangs_is_within_the_time_out() {
    let (release, wait) = mpsc::channel();
    let timeouts = Timeouts {
        connect: Duration::from_millis(100),
        ..usual()
    };
    let failure = send_resolving(Hanging(wait.into()), &Policy::default(), timeouts);
    assert!(
        matches!(
            failure,
            Failure::Slow {
                stage: Stage::Resolving,
                ..
            }
        ),
        "{failure:?}"
    );
    drop(release);
}
