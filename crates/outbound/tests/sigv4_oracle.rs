//! Each signature on the wire is the one that botocore makes for the same request.
//!
//! Needs a Python with botocore: `python3 -m venv target/venv` and
//! `target/venv/bin/pip install botocore`, or another one in `CHELA_PYTHON`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use chela_contract::webhook::Key;
use chela_contract::{Micros, webhook};
use chela_outbound::{Destination, Message, Timeouts, USER_AGENT};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use support::{OK, Received, Server, loopback_policy, loopback_sender};

const CASES: usize = 400;
const INSTALL: &str = "this test needs botocore; run `python3 -m venv target/venv` and \
    `target/venv/bin/pip install botocore`, or name a Python that has it in CHELA_PYTHON";

#[derive(Debug)]
struct Case {
    host: &'static str,
    path_and_query: String,
    fragment: &'static str,
    access_key_id: String,
    secret: String,
    token: String,
    id: String,
    body: Vec<u8>,
    at: i64,
}

fn cases() -> impl Strategy<Value = Case> {
    let host = prop_oneof![
        Just(("abc.lambda-url.eu-central-1.on.aws", "")),
        Just(("abc.lambda-url.us-gov-west-1.on.aws", "")),
        Just(("x1.execute-api.us-east-1.amazonaws.com", "")),
        Just(("ci.test", "#region=eu-west-3&service=execute-api")),
    ];
    let segment = prop_oneof![
        "[a-zA-Z0-9._~-]{0,8}",
        "[!-~&&[^?#/%\\\\]]{1,8}",
        "(%[0-9a-fA-F]{2}){1,3}",
        "[äöü€]{1,3}"
    ];
    let path = proptest::collection::vec(segment, 0..5).prop_map(|parts| parts.join("/"));
    let text = prop_oneof![
        "[a-zA-Z0-9._~-]{0,8}",
        "[!-~&&[^#&%\\\\]]{0,8}",
        "(%[2-7][0-9a-e]){1,3}",
        "[äöü€]{1,3}"
    ];
    let query = prop_oneof![
        Just(String::new()),
        proptest::collection::vec((text.clone(), text), 0..6).prop_map(|pairs| {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            format!("?{}", pairs.join("&"))
        }),
    ];
    let words = (
        "[A-Z0-9]{16,20}",
        "[A-Za-z0-9/+=]{20,40}",
        "[ -~]{1,40}",
        "[0-9a-f-]{36}",
    );
    (
        host,
        path,
        query,
        words,
        any::<Vec<u8>>(),
        1_000_000_000_i64..4_000_000_000,
    )
        .prop_map(
            |((host, fragment), path, query, (access_key_id, secret, token, id), body, at)| Case {
                host,
                path_and_query: format!("/{path}{query}"),
                fragment,
                access_key_id,
                secret,
                token,
                id,
                body,
                at,
            },
        )
}

/// What arrived, and what botocore needs to sign the same.
fn send(case: &Case, server: &Server) -> (Value, Received) {
    let Case {
        host,
        path_and_query,
        fragment,
        ..
    } = case;
    let policy = loopback_policy(server.port);
    let url = format!(
        "http+sigv4://{host}:{}{path_and_query}{fragment}",
        server.port
    );
    let secret = Some(case.secret.clone().into());
    let destination = Destination::parse(&url, Some(&case.access_key_id), secret, &policy)
        .unwrap_or_else(|refused| panic!("{url}: {refused}"));
    let key = Key::new(case.token.clone().into()).unwrap();
    let message = Message {
        id: &case.id,
        body: &case.body,
        key: &key,
        user_agent: USER_AGENT,
    };
    let now = Micros::new(case.at * 1_000_000);
    loopback_sender(Timeouts::default())
        .send(&destination, &message, &policy, now)
        .unwrap();
    let received = server.request();
    let authorization = received.header("authorization").unwrap();
    let scope: Vec<_> = authorization.split('/').collect();
    // The host and the target of the wire, not of our own idea of them.
    let target = received.line.split(' ').nth(1).unwrap();
    let signed = [
        "content-type",
        webhook::ID,
        webhook::TIMESTAMP,
        webhook::SIGNATURE,
    ];
    let headers = signed.map(|name| (name, received.header(name).unwrap()));
    let input = json!({
        "url": format!("http://{}{target}", received.header("host").unwrap()),
        "headers": headers,
        "body": received.body,
        "date": received.header("x-amz-date").unwrap(),
        "access_key_id": case.access_key_id,
        "secret": case.secret,
        "region": scope[2],
        "service": scope[3],
    });
    (input, received)
}

const BOTOCORE: &str = r#"
import sys, json
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

for line in sys.stdin:
    case = json.loads(line)
    request = AWSRequest("POST", case["url"], dict(case["headers"]), bytes(case["body"]))
    signer = SigV4Auth(
        Credentials(case["access_key_id"], case["secret"]), case["service"], case["region"])
    # add_auth would take the time of now.
    request.context["timestamp"] = case["date"]
    request.headers["X-Amz-Date"] = case["date"]
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(to_sign, request))
    print(json.dumps([request.headers["Authorization"], signer.canonical_request(request)]))
"#;

fn python() -> PathBuf {
    std::env::var_os("CHELA_PYTHON").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python"),
        PathBuf::from,
    )
}

fn botocore(inputs: &[Value]) -> Vec<(String, String)> {
    let mut child = Command::new(python())
        .args(["-c", BOTOCORE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect(INSTALL);
    let mut stdin = child.stdin.take().unwrap();
    let lines: Vec<_> = inputs.iter().map(Value::to_string).collect();
    let lines = lines.join("\n");
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{INSTALL}");
    writer.join().unwrap().expect(INSTALL);
    let output = String::from_utf8(output.stdout).unwrap();
    output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn botocore_signs_the_same_requests_alike() {
    let server = Server::answering(OK);
    let mut runner = TestRunner::deterministic();
    let cases: Vec<_> = (0..CASES)
        .map(|_| cases().new_tree(&mut runner).unwrap().current())
        .collect();
    let (inputs, received): (Vec<_>, Vec<_>) = cases.iter().map(|case| send(case, &server)).unzip();
    let theirs = botocore(&inputs);
    assert_eq!(theirs.len(), CASES);
    for ((case, ours), (authorization, canonical)) in cases.iter().zip(&received).zip(&theirs) {
        assert_eq!(
            ours.header("authorization"),
            Some(authorization.as_str()),
            "botocore signs {case:?} otherwise; its canonical request is\n{canonical}"
        );
    }
    for name in [webhook::ID, webhook::TIMESTAMP, webhook::SIGNATURE] {
        assert!(
            theirs
                .iter()
                .all(|(authorization, _)| authorization.contains(name))
        );
    }
}
