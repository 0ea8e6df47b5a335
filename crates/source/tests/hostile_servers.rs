//! Servers that redirect, lie, stall, break off, or never end.

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chela_source::{Error, Excess, Fetched, Limits};
use rstest::rstest;
use support::lies::{
    ADVERTISEMENT, Packer, RESULT, answer, fine, packet, sends_pack, speaks, stored,
};
use support::{Place, Repository, Server, fetch, fetch_within, source};

fn ask(server: &Server) -> Result<Fetched, Error> {
    let commit = "12".repeat(20).parse().expect("the test makes it so");
    fetch(&source(server, Some(&commit)), &Place::new())
}

#[rstest]
#[case("301 Moved Permanently")]
#[case("302 Found")]
#[case("307 Temporary Redirect")]
fn a_redirect_is_named_and_not_followed(#[case] status: &'static str) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let elsewhere = Server::start(move |_, _| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let location = format!("Location: {}\r\n", elsewhere.url());
    let server = Server::start(move |_, stream| answer(stream, status, &location, b""));
    let error = ask(&server).unwrap_err();
    assert!(matches!(error, Error::Redirected { .. }), "{error}");
    assert!(error.to_string().contains(&elsewhere.url()), "{error}");
    assert!(!error.may_pass());
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[rstest]
#[case("401 Unauthorized", false)]
#[case("404 Not Found", false)]
#[case("429 Too Many Requests", true)]
#[case("500 Internal Server Error", true)]
#[case("503 Service Unavailable", true)]
fn a_status_says_whether_a_retry_may_help(#[case] status: &'static str, #[case] may_pass: bool) {
    let server = Server::start(move |_, stream| answer(stream, status, "", b""));
    let error = ask(&server).unwrap_err();
    assert!(error.to_string().contains(&status[..3]), "{error}");
    assert_eq!(error.may_pass(), may_pass);
}

#[test]
fn a_web_page_is_no_repository() {
    let server = Server::start(|_, stream| fine(stream, "text/html", b"<html>"));
    assert!(matches!(ask(&server).unwrap_err(), Error::NotGit { .. }));
    let server = Server::start(|_, stream| fine(stream, ADVERTISEMENT, b"<html><body>"));
    assert!(matches!(ask(&server).unwrap_err(), Error::NotGit { .. }));
}

#[test]
fn nobody_there_may_pass() {
    let server = Server::start(|_, _| {});
    let source = source(&server, None);
    drop(server);
    let error = fetch(&source, &Place::new()).unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error}");
    assert!(error.may_pass());
}

#[test]
fn the_servers_own_words_are_passed_on_harmless() {
    let server = speaks(|stream| fine(stream, RESULT, &packet(b"ERR \x1b[2Jno\n")));
    let error = ask(&server).unwrap_err();
    assert!(matches!(error, Error::Said { .. }), "{error}");
    assert!(!error.to_string().contains('\u{1b}'));
}

#[test]
fn a_stalling_server_ends_with_the_time() {
    let limits = Limits {
        time: Duration::from_millis(300),
        ..Limits::default()
    };
    let waits = |stream: &mut TcpStream| {
        // Until the client has gone.
        let _ = stream.read(&mut [0]);
    };
    let before = Server::start(move |_, stream| waits(stream));
    let between = speaks(move |stream| {
        fine(stream, RESULT, &packet(b"packfile\n"));
        waits(stream);
    });
    for server in [before, between] {
        let commit = "12".repeat(20).parse().unwrap();
        let source = source(&server, Some(&commit));
        let error = fetch_within(limits.clone(), &source, &Place::new()).unwrap_err();
        assert!(matches!(error, Error::TooSlow { .. }), "{error}");
    }
}

#[rstest]
#[case::refs(false)]
#[case::progress(true)]
fn endless_data_ends_at_the_limit(#[case] in_the_pack: bool) {
    let endless = |stream: &mut TcpStream, line: &[u8]| {
        let many = packet(line).repeat(1000);
        while stream.write_all(&many).is_ok() {}
    };
    let server = if in_the_pack {
        speaks(move |stream| {
            fine(stream, RESULT, &packet(b"packfile\n"));
            endless(stream, b"\x02still counting");
        })
    } else {
        Server::start(move |_, stream| {
            fine(stream, ADVERTISEMENT, &packet(b"version 2\n"));
            endless(stream, b"a-capability\n");
        })
    };
    let limits = Limits {
        received: 1_000_000,
        ..Limits::default()
    };
    let commit = "12".repeat(20).parse().unwrap();
    let error = fetch_within(limits, &source(&server, Some(&commit)), &Place::new()).unwrap_err();
    let received = matches!(
        error,
        Error::TooMuch {
            what: Excess::Received,
            ..
        }
    );
    assert!(received, "{error}");
}

/// A real pack of one commit, one tree and one file.
fn real_pack() -> (Repository, Vec<u8>, chela_contract::CommitId) {
    let repository = Repository::new();
    let blob = repository.blob(&b"some text\n".repeat(100));
    let tree = repository.raw_tree(&[("100644", b"file", &blob)]);
    let commit = repository.commit(&tree);
    let ids = format!("{commit}\n{tree}\n{blob}\n");
    let base = repository.home.path().join("out");
    let base = base.to_str().expect("the test makes it so");
    let name = repository.git(&["pack-objects", "-q", base], ids.as_bytes());
    let pack = std::fs::read(format!("{base}-{name}.pack")).expect("the test makes it so");
    (repository, pack, commit)
}

#[test]
fn every_truncation_and_every_flipped_byte_of_a_pack_is_found() {
    let (_repository, pack, commit) = real_pack();
    let sent = Arc::new(std::sync::Mutex::new(pack.clone()));
    let current = Arc::clone(&sent);
    let server = speaks(move |stream| {
        let mut body = packet(b"packfile\n");
        body.extend(packet(&[b"\x01", &current.lock().unwrap()[..]].concat()));
        body.extend_from_slice(b"0000");
        fine(stream, RESULT, &body);
    });
    let source = source(&server, Some(&commit));
    fetch(&source, &Place::new()).expect("the pack as it is");
    for at in 0..pack.len() {
        let mut flipped = pack.clone();
        flipped[at] ^= 1 << (at % 8);
        *sent.lock().unwrap() = flipped;
        let error = fetch(&source, &Place::new()).expect_err("a flipped bit");
        let known = matches!(
            error,
            Error::BadPack { .. } | Error::BrokeOff { .. } | Error::TooMuch { .. }
        );
        assert!(known, "byte {at}: {error}");
        *sent.lock().unwrap() = pack[..at].to_vec();
        let error = fetch(&source, &Place::new()).expect_err("a part of it");
        assert!(
            matches!(error, Error::BrokeOff { .. }),
            "up to {at}: {error}"
        );
    }
}

#[test]
fn another_commit_than_asked_for_is_not_taken() {
    let (_repository, pack, _) = real_pack();
    let server = sends_pack(pack);
    let error = ask(&server).unwrap_err();
    assert!(matches!(error, Error::Incomplete { .. }), "{error}");
}

/// Kinds, sizes, and the bytes as they stand.
fn pack_of(entries: &[(u8, u64, Vec<u8>)]) -> Vec<u8> {
    let mut packer = Packer::default();
    for (kind, size, bytes) in entries {
        packer.raw(*kind, *size, bytes);
    }
    packer.done()
}

/// Twelve bytes that would become 16 MiB each: a delta of copies, as deltas may be.
#[test]
fn a_delta_that_unfolds_is_refused_by_the_size_it_says() {
    let base = stored(b"0123456789");
    let delta = [0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x90, 0x0a];
    let distance = u8::try_from(base.len() + 1).unwrap();
    let second = [vec![distance], stored(&delta)].concat();
    let server = sends_pack(pack_of(&[(3, 10, base), (6, delta.len() as u64, second)]));
    let error = ask(&server).unwrap_err();
    assert!(
        matches!(
            error,
            Error::TooMuch {
                what: Excess::File,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn an_entry_that_says_too_much_or_too_little_is_refused() {
    for (says, expected) in [(1 << 40, "too much"), (3, "longer"), (11, "shorter")] {
        let server = sends_pack(pack_of(&[(3, says, stored(b"0123456789"))]));
        let error = ask(&server).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// An offset at which no entry begins would make one out of any bytes.
#[test]
fn a_delta_upon_the_middle_of_an_entry_is_refused() {
    let hidden = [&[0x3a][..], &stored(b"0123456789")].concat();
    let base = stored(&hidden);
    // From the header of the delta back to what stands behind zlib's own header.
    let distance = u8::try_from(base.len() - 7).unwrap();
    let delta = [vec![distance], stored(&[0x0a, 0x02, 0x90, 0x02])].concat();
    let size = hidden.len() as u64;
    let server = sends_pack(pack_of(&[(3, size, base), (6, 4, delta)]));
    let error = ask(&server).unwrap_err().to_string();
    assert!(error.contains("has no base"), "{error}");
}

/// Inflating costs time whatever comes out of it, so that the instructions count as well.
#[test]
fn what_a_deltas_instructions_inflate_to_is_limited() {
    let base = stored(b"0123456789");
    let mut delta = vec![0x0a, 0x01];
    delta.resize(60_000, 0);
    let distance = u8::try_from(base.len() + 1).unwrap();
    let second = [vec![distance], stored(&delta)].concat();
    let server = sends_pack(pack_of(&[(3, 10, base), (6, delta.len() as u64, second)]));
    let limits = Limits {
        unpacked: 50_000,
        ..Limits::default()
    };
    let commit = "12".repeat(20).parse().unwrap();
    let error = fetch_within(limits, &source(&server, Some(&commit)), &Place::new()).unwrap_err();
    let unpacked = matches!(
        error,
        Error::TooMuch {
            what: Excess::Unpacked,
            ..
        }
    );
    assert!(unpacked, "{error}");
}

#[test]
fn a_delta_without_a_base_is_refused() {
    let delta = stored(&[0x0a, 0x0a, 0x90, 0x0a]);
    let far = [vec![0x7f], delta.clone()].concat();
    let itself = [vec![0x00], delta.clone()].concat();
    let named = [vec![7; 20], delta].concat();
    for entry in [
        (6, 4, far),
        (6, 4, itself),
        (7, 4, named),
        (5, 4, stored(b"none")),
    ] {
        let kind = entry.0;
        let server = sends_pack(pack_of(&[(3, 10, stored(b"0123456789")), entry]));
        let error = ask(&server).unwrap_err();
        let known = matches!(error, Error::BadPack { .. } | Error::BrokeOff { .. });
        assert!(known, "kind {kind}: {error}");
    }
}

#[test]
fn a_pack_that_promises_millions_of_objects_is_refused_at_its_header() {
    let mut pack = pack_of(&[]);
    pack[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
    let server = sends_pack(pack);
    let error = ask(&server).unwrap_err();
    assert!(
        matches!(
            error,
            Error::TooMuch {
                what: Excess::Files,
                ..
            }
        ),
        "{error}"
    );
    let server = sends_pack(pack_of(&[]));
    assert!(matches!(ask(&server).unwrap_err(), Error::BadPack { .. }));
}

#[test]
fn what_a_tree_names_and_the_pack_lacks_is_named() {
    let (repository, _, commit) = real_pack();
    let tree = repository.git(&["rev-parse", &format!("{commit}^{{tree}}")], b"");
    let base = repository.home.path().join("part");
    let base = base.to_str().unwrap();
    let ids = format!("{commit}\n{tree}\n");
    let name = repository.git(&["pack-objects", "-q", base], ids.as_bytes());
    let server = sends_pack(std::fs::read(format!("{base}-{name}.pack")).unwrap());
    let error = fetch(&source(&server, Some(&commit)), &Place::new()).unwrap_err();
    assert!(error.to_string().contains("\"file\" is missing"), "{error}");
}
