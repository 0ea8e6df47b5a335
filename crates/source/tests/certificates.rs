//! The system's certificates, which a process reads. It cannot be this one: its environment says
//! which they are, and cannot be changed safely.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;

use chela_contract::{Refname, Source};
use chela_outbound::{Policy, Setting};
use chela_source::{Fetcher, Limits};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use support::Place;
use url::Url;

const URL: &str = "CHELA_TEST_URL";
const AUTHORITY: &str = "SSL_CERT_FILE";

/// The other process of the test below: fetches, removes the certificates, and fetches again.
#[test]
#[ignore = "run by the other test of this file"]
#[expect(
    clippy::print_stdout,
    reason = "its output is what the other process reads"
)]
fn child() {
    let url: Url = std::env::var(URL).unwrap().parse().unwrap();
    let port = url.port().unwrap().to_string();
    let source = Source {
        clone_url: url,
        refname: Refname::Branch("main".to_owned()),
        commit: None,
    };
    let policy = Policy::default()
        .with(Setting::AllowHosts, "127.0.0.1")
        .and_then(|policy| policy.with(Setting::AllowPorts, &port))
        .unwrap();
    let fetcher = Fetcher::new(policy, Limits::default());
    let place = Place::new();
    println!("{}", fetcher.fetch(&source, &place.target()).unwrap_err());
    fs::remove_file(std::env::var_os(AUTHORITY).unwrap()).unwrap();
    println!("{}", fetcher.fetch(&source, &place.target()).unwrap_err());
}

/// A server behind TLS that has no repository; its certificate is signed by an authority that is
/// written to `authority`.
fn server(authority: &Path) -> String {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    fs::write(authority, issuer.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        );
    let config = Arc::new(config.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/repo.git", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            refuse(StreamOwned::new(connection, stream));
        }
    });
    url
}

fn refuse(mut stream: StreamOwned<ServerConnection, std::net::TcpStream>) {
    let (mut seen, mut block) = (Vec::new(), [0; 1024]);
    while !seen.ends_with(b"\r\n\r\n") {
        match stream.read(&mut block) {
            Ok(read) if read > 0 => seen.extend_from_slice(&block[..read]),
            _ => return,
        }
    }
    let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let _ = stream.write_all(answer);
}

/// It costs more than a request.
#[test]
fn certificates_are_read_once_for_all_fetches() {
    let authority = Path::new(env!("CARGO_TARGET_TMPDIR")).join("source-authority.pem");
    let url = server(&authority);
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "child", "--nocapture"])
        .env(URL, url)
        .env(AUTHORITY, &authority)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        said.matches("(HTTP status 404)").count(),
        2,
        "both fetches trust the server: {said}"
    );
}
