//! The oracle: the official `standardwebhooks` package for Python takes what we sign, we take what
//! it signs, and both refuse the same.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is the report"
)]

use std::{
    cell::RefCell,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::SystemTime,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chela_contract::{
    Micros,
    webhook::{Headers, Key},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

const CASES: u32 = 300;
/// The child's program: one JSON object a line in, one a line out.
const PROGRAM: &str = r#"
import datetime, json, sys
from standardwebhooks import Webhook
for line in sys.stdin:
    case = json.loads(line)
    hook = Webhook(case["key"])
    if "signature" in case:
        names = ("id", "timestamp", "signature")
        headers = {"webhook-" + name: case[name] for name in names}
        try:
            hook.verify(case["body"].encode(), headers, json_parse=False)
            answer = True
        except Exception:
            answer = False
    else:
        at = datetime.datetime.fromtimestamp(int(case["timestamp"]), datetime.timezone.utc)
        answer = hook.sign(case["id"], at, case["body"])
    print(json.dumps(answer), flush=True)
"#;

/// The package, in a process of its own that ends with it.
struct Package {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Package {
    fn start() -> Self {
        let python = python();
        let how = "install it: python3 -m venv target/venv && \
                   target/venv/bin/pip install -r tests/requirements.txt \
                   (or name another Python in CHELA_PYTHON)";
        let has_package = Command::new(&python)
            .args(["-c", "import standardwebhooks"])
            .output();
        assert!(
            has_package.is_ok_and(|output| output.status.success()),
            "{} cannot import standardwebhooks; {how}",
            python.display()
        );
        let mut child = Command::new(python)
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            stdin,
            stdout,
        }
    }

    fn ask(&mut self, case: &Value) -> Value {
        writeln!(self.stdin, "{case}").unwrap();
        let mut answer = String::new();
        self.stdout.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).expect("the package's process answers each line")
    }

    fn sign(&mut self, case: &Case) -> String {
        let answer = self.ask(&json!({
            "key": case.library_key(), "id": case.id, "body": case.body,
            "timestamp": case.sent.seconds().to_string(),
        }));
        answer.as_str().unwrap().to_owned()
    }

    fn accepts(&mut self, case: &Case, headers: &Headers) -> bool {
        let answer = self.ask(&json!({
            "key": case.library_key(), "body": case.body, "id": headers.id,
            "timestamp": headers.timestamp.to_string(), "signature": headers.signature,
        }));
        answer.as_bool().unwrap()
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn python() -> PathBuf {
    std::env::var_os("CHELA_PYTHON").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python"),
        PathBuf::from,
    )
}

/// The package has no clock but the system's.
fn now() -> Micros {
    Micros::from(jiff::Timestamp::try_from(SystemTime::now()).unwrap())
}

#[derive(Debug)]
struct Case {
    token: String,
    id: String,
    body: String,
    sent: Micros,
}

impl Case {
    fn key(&self) -> Key {
        Key::new(SecretString::from(self.token.clone())).unwrap()
    }

    /// As a stranger would make it, from the contract's text alone.
    fn library_key(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.token))
    }

    fn we_accept(&self, headers: &Headers) -> bool {
        let timestamp = headers.timestamp.to_string();
        let (id, signature) = (Some(&*headers.id), Some(&*headers.signature));
        let body = self.body.as_bytes();
        self.key()
            .verify(id, Some(&timestamp), signature, body, now())
            .is_ok()
    }
}

/// Tokens, ids and bodies with every kind of character; now and then an empty body.
fn cases() -> impl Strategy<Value = Case> {
    let body = prop_oneof![1 => Just(String::new()), 9 => "\\PC{0,200}", 3 => "(?s).{0,60}"];
    // Inside the window for as long as the test may take, or clearly outside.
    let ago = prop_oneof![8 => -200_i64..200, 1 => 400_i64..90_000, 1 => -90_000_i64..-400];
    ("[!-~]{1,64}|\\PC{1,20}", "[!-~]{1,60}", body, ago).prop_map(|(token, id, body, ago)| Case {
        token,
        id,
        body,
        sent: now().plus_seconds(-ago),
    })
}

fn for_each_case(check: impl Fn(&mut Package, Case) -> Result<(), TestCaseError>) {
    let package = RefCell::new(Package::start());
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome =
        TestRunner::new(config).run(&cases(), |case| check(&mut package.borrow_mut(), case));
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

fn in_window(case: &Case) -> bool {
    case.sent.seconds().abs_diff(now().seconds()) <= 300
}

#[test]
fn both_sign_alike_and_take_what_the_other_signs() {
    for_each_case(|package, case| {
        let ours = case.key().sign(&case.id, case.sent, case.body.as_bytes());
        let theirs = Headers {
            signature: package.sign(&case),
            ..ours.clone()
        };
        prop_assert_eq!(&ours, &theirs);
        prop_assert_eq!(package.accepts(&case, &ours), in_window(&case));
        prop_assert_eq!(case.we_accept(&theirs), in_window(&case));
        Ok(())
    });
}

#[test]
fn both_refuse_a_changed_message() {
    for_each_case(|package, case| {
        let headers = case.key().sign(&case.id, case.sent, case.body.as_bytes());
        let body = Case {
            body: format!("{} ", case.body),
            ..case
        };
        prop_assert!(!package.accepts(&body, &headers));
        prop_assert!(!body.we_accept(&headers));
        let id = Headers {
            id: format!("{}x", headers.id),
            ..headers
        };
        prop_assert!(!package.accepts(&body, &id));
        prop_assert!(!body.we_accept(&id));
        Ok(())
    });
}

#[test]
fn both_take_one_good_signature_among_several() {
    for_each_case(|package, case| {
        let mut headers = case.key().sign(&case.id, case.sent, case.body.as_bytes());
        headers.signature = format!("v1,AAAA {} v2,BBBB", headers.signature);
        prop_assert_eq!(package.accepts(&case, &headers), in_window(&case));
        prop_assert_eq!(case.we_accept(&headers), in_window(&case));
        Ok(())
    });
}

#[test]
fn the_key_in_the_librarys_form_is_the_documented_one() {
    let case = Case {
        token: "a project's token, größer".to_owned(),
        id: "m".to_owned(),
        body: String::new(),
        sent: now(),
    };
    assert_eq!(
        case.key().library_form().expose_secret(),
        case.library_key()
    );
}
