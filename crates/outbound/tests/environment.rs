//! What a request takes from the process's environment: certificates, and nothing else. Each case
//! runs in a process of its own, because an environment cannot be changed safely in this one.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use chela_outbound::{Answer, Audience, Destination, Failure, Timeouts, Verdict};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use support::{OK, Received, Server, key, loopback_policy, loopback_sender, message, now};

const URL: &str = "CHELA_TEST_URL";
const PASSING: &str = "CHELA_TEST_PASSING";

/// The other process of the tests below: posts to `CHELA_TEST_URL` and prints what came of it. If
/// there is a `CHELA_TEST_PASSING`, it removes that file and posts again.
#[test]
#[ignore = "run by the other tests of this file"]
fn child() {
    let url = std::env::var(URL).unwrap();
    let port = url
        .rsplit(':')
        .next()
        .unwrap()
        .trim_end_matches('/')
        .parse()
        .unwrap();
    let policy = loopback_policy(port);
    let destination = Destination::parse(&url, None, None, &policy).unwrap();
    let key = key();
    let sender = loopback_sender(Timeouts::default());
    let answer = || sender.send(&destination, &message(&key, b"{}"), &policy, now());
    say(&answer());
    if let Some(passing) = std::env::var_os(PASSING) {
        fs::remove_file(passing).unwrap();
        say(&answer());
    }
}

#[expect(
    clippy::print_stdout,
    reason = "its output is what the other process reads"
)]
fn say(result: &Result<Answer, Failure>) {
    match result {
        Ok(answer) => println!("answered {}", answer.status),
        Err(Failure::Tls { cause, .. }) => {
            assert!(matches!(
                Verdict::of(result, Audience::Forge),
                Verdict::Retry { .. }
            ));
            println!("distrusted: {cause}");
        }
        Err(failure) => println!("failed: {failure:?}"),
    }
}

fn post_from_a_process_with(url: &str, environment: &[(&str, &str)]) -> String {
    let Output {
        stdout,
        stderr,
        status,
    } = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "child", "--nocapture"])
        .env(URL, url)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&stdout).into_owned();
    assert!(
        status.success(),
        "{stdout}{}",
        String::from_utf8_lossy(&stderr)
    );
    stdout
}

/// A server behind TLS for `ci.test`, its certificate signed by an authority of our own.
struct TlsServer {
    url: String,
    authority: PathBuf,
    asked: Receiver<()>,
}

impl TlsServer {
    fn start(name: &str, certified: &str) -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let own = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![certified.to_owned()])
            .unwrap()
            .signed_by(&own, &issuer)
            .unwrap();
        let authority =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("authority-{name}.pem"));
        fs::write(&authority, issuer.pem()).unwrap();

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(own.serialize_der().into()),
            )
            .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("https://ci.test:{}/", listener.local_addr().unwrap().port());
        let (sender, asked) = mpsc::channel();
        thread::spawn(move || serve_tls(&listener, &Arc::new(config), &sender));
        Self {
            url,
            authority,
            asked,
        }
    }

    fn post_trusting_it(&self) -> String {
        let authority = self.authority.to_str().unwrap();
        post_from_a_process_with(&self.url, &[("SSL_CERT_FILE", authority)])
    }
}

fn serve_tls(listener: &TcpListener, config: &Arc<ServerConfig>, asked: &mpsc::Sender<()>) {
    use std::io::{Read as _, Write as _};
    for stream in listener.incoming().map_while(Result::ok) {
        let connection = ServerConnection::new(Arc::clone(config)).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        let mut seen = Vec::new();
        let mut block = [0; 1024];
        while !seen.ends_with(b"\r\n\r\n{}") {
            match stream.read(&mut block) {
                Ok(read) if read > 0 => seen.extend_from_slice(&block[..read]),
                _ => break,
            }
        }
        if seen.ends_with(b"{}") {
            asked.send(()).unwrap();
            let _ = stream.write_all(OK.as_bytes());
        }
    }
}

#[test]
fn an_administrators_own_authority_is_trusted() {
    let server = TlsServer::start("own", "ci.test");
    let output = server.post_trusting_it();
    assert!(output.contains("answered 200"), "{output}");
    server
        .asked
        .try_recv()
        .expect("the request came through TLS");
}

/// It costs more than a request.
#[test]
fn certificates_are_read_once() {
    let server = TlsServer::start("passing", "ci.test");
    let authority = server.authority.to_str().unwrap();
    let environment = [("SSL_CERT_FILE", authority), (PASSING, authority)];
    let output = post_from_a_process_with(&server.url, &environment);
    assert_eq!(
        output.matches("answered 200").count(),
        2,
        "the second request read them again: {output}"
    );
}

#[test]
fn an_unknown_authority_is_not_trusted() {
    let server = TlsServer::start("unknown", "ci.test");
    let other = TlsServer::start("other", "ci.test");
    let trusted = other.authority.to_str().unwrap();
    let output = post_from_a_process_with(&server.url, &[("SSL_CERT_FILE", trusted)]);
    assert!(output.contains("distrusted"), "{output}");
    assert!(
        server.asked.try_recv().is_err(),
        "the request was sent to a stranger"
    );
}

#[test]
fn a_certificate_for_another_host_is_not_trusted() {
    let server = TlsServer::start("foreign", "other.test");
    let output = server.post_trusting_it();
    assert!(
        output.contains("distrusted") && output.contains("ci.test"),
        "{output}"
    );
    assert!(
        server.asked.try_recv().is_err(),
        "the request was sent to a stranger"
    );
}

#[test]
fn proxies_and_ambient_credentials_are_not_used() {
    let server = Server::answering(OK);
    let proxy = Server::answering(OK);
    let proxy_url = format!("http://127.0.0.1:{}", proxy.port);
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("home");
    fs::create_dir_all(&home).unwrap();
    fs::write(
        home.join(".netrc"),
        "machine ci.test login ada password hunter2\n",
    )
    .unwrap();
    let proxies = [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ];
    let mut environment: Vec<_> = proxies
        .iter()
        .map(|name| (*name, proxy_url.as_str()))
        .collect();
    environment.extend([
        ("HOME", home.to_str().unwrap()),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
    ]);
    let url = format!("http://ci.test:{}", server.port);
    let output = post_from_a_process_with(&url, &environment);
    assert!(output.contains("answered 200"), "{output}");
    let request: Received = server.request();
    assert_eq!(request.header("authorization"), None);
    assert!(
        proxy.received.try_recv().is_err(),
        "the proxy of the environment was asked"
    );
}
