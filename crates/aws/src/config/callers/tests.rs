use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use aws_sdk_s3::{operation::get_object::GetObjectOutput, primitives::ByteStream};
use aws_smithy_mocks::{MockResponse, Rule, RuleMode, mock, mock_client};

use super::*;

const HELLO: &str = "arn:aws:iam::123456789012:user/pagure-demo-hello";

/// An object in S3: what it holds, how often it was asked for, how often it was read whole.
#[derive(Clone, Default)]
struct Stored {
    state: Arc<Mutex<State>>,
    asked: Arc<AtomicUsize>,
    read: Arc<AtomicUsize>,
}

#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    Absent,
    Text(String),
    Bytes(&'static [u8]),
}

impl Stored {
    fn holding(text: &str) -> Self {
        let stored = Self::default();
        stored.put(text);
        stored
    }

    fn put(&self, text: &str) {
        self.set(State::Text(text.to_owned()));
    }

    fn set(&self, state: State) {
        *self.state.lock().unwrap() = state;
    }

    /// How often it was asked for, and how often read whole.
    fn reads(&self) -> (usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        (count(&self.asked), count(&self.read))
    }

    /// Answers as S3 does, conditions included.
    fn rule(&self) -> Rule {
        let this = self.clone();
        mock!(Client::get_object)
            .match_requests(|asked| {
                asked.bucket() == Some("ledger") && asked.key() == Some("config.json")
            })
            .then_compute_response(move |asked| {
                this.asked.fetch_add(1, Ordering::SeqCst);
                let bytes = match this.state.lock().unwrap().clone() {
                    State::Absent => return http(403),
                    State::Text(text) => text.into_bytes(),
                    State::Bytes(bytes) => bytes.to_vec(),
                };
                let etag = format!("\"{bytes:x?}\"");
                if asked.if_none_match() == Some(&etag) {
                    return http(304);
                }
                this.read.fetch_add(1, Ordering::SeqCst);
                let length = i64::try_from(bytes.len()).unwrap();
                let answer = GetObjectOutput::builder()
                    .e_tag(etag)
                    .content_length(length)
                    .body(ByteStream::from(bytes));
                MockResponse::Output(answer.build())
            })
    }
}

fn http<O, E>(status: u16) -> MockResponse<O, E> {
    let status = status.try_into().unwrap();
    MockResponse::Http(aws_smithy_runtime_api::http::Response::new(
        status,
        "".into(),
    ))
}

fn callers(rule: &Rule) -> Callers {
    let place = MapPlace::Object {
        bucket: "ledger".to_owned(),
        key: "config.json".to_owned(),
    };
    Callers::new(place, mock_client!(aws_sdk_s3, RuleMode::MatchAny, [rule]))
}

fn map(project: &str) -> String {
    format!(
        r#"{{"callers": {{"{HELLO}": {{"{project}": {{"jobs": {{"codebuild/hello": {{}}}}}}}}}}}}"#
    )
}

fn at(second: i64) -> Micros {
    Micros::new(1_795_000_000_000_000).plus_seconds(second)
}

#[tokio::test]
async fn a_map_is_read_once_a_minute() {
    let stored = Stored::holding(&map("demo/hello"));
    let rule = stored.rule();
    let callers = callers(&rule);
    for second in [0, 1, 59] {
        let map = callers.map(at(second)).await.unwrap();
        assert!(map.project(HELLO, "demo/hello").is_ok());
    }
    assert_eq!(stored.reads(), (1, 1));
    callers.map(at(60)).await.unwrap();
    assert_eq!(stored.reads(), (2, 1), "what is the same is not sent again");
    callers.map(at(119)).await.unwrap();
    assert_eq!(stored.reads(), (2, 1));
}

#[tokio::test]
async fn a_new_map_counts_after_a_minute() {
    let stored = Stored::holding(&map("demo/hello"));
    let rule = stored.rule();
    let callers = callers(&rule);
    callers.map(at(0)).await.unwrap();
    stored.put(&map("demo/other"));
    let before = callers.map(at(59)).await.unwrap();
    assert!(before.project(HELLO, "demo/hello").is_ok());
    let after = callers.map(at(60)).await.unwrap();
    assert!(after.project(HELLO, "demo/hello").is_err());
    assert!(after.project(HELLO, "demo/other").is_ok());
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_keep_a_map() {
    let stored = Stored::holding(&map("demo/hello"));
    let rule = stored.rule();
    let callers = callers(&rule);
    callers.map(at(3600)).await.unwrap();
    callers.map(at(0)).await.unwrap();
    assert_eq!(stored.reads(), (2, 1));
}

#[tokio::test]
async fn a_map_that_became_unreadable_leaves_the_one_of_before_in_force() {
    let bad = [
        State::Absent,
        State::Text("{".to_owned()),
        State::Text("{\"callers\": []}".to_owned()),
        State::Bytes(b"\xff"),
    ];
    for bad in bad {
        let stored = Stored::holding(&map("demo/hello"));
        let rule = stored.rule();
        let callers = callers(&rule);
        callers.map(at(0)).await.unwrap();
        stored.set(bad.clone());
        let map = callers.map(at(60)).await.unwrap();
        assert!(map.project(HELLO, "demo/hello").is_ok(), "{bad:?}");
        callers.map(at(61)).await.unwrap();
        assert_eq!(
            stored.reads().0,
            2,
            "it is not asked for with every request: {bad:?}"
        );
        stored.put(&self::map("demo/other"));
        let map = callers.map(at(120)).await.unwrap();
        assert!(map.project(HELLO, "demo/other").is_ok(), "{bad:?}");
    }
}

#[tokio::test]
async fn there_is_no_map_until_one_can_be_read() {
    let stored = Stored::default();
    let rule = stored.rule();
    let callers = callers(&rule);
    let why = callers.map(at(0)).await.unwrap_err().to_string();
    assert!(
        why.starts_with("s3://ledger/config.json (CHELA_CONFIG) cannot be read: "),
        "{why}"
    );
    assert!(why.contains("s3:GetObject on ledger/config.json"), "{why}");
    stored.put("[]");
    let why = callers.map(at(1)).await.unwrap_err().to_string();
    assert!(why.contains("the map of callers is a list"), "{why}");
    stored.set(State::Bytes(b"\xff"));
    let why = callers.map(at(2)).await.unwrap_err().to_string();
    assert!(why.contains("no text in UTF-8"), "{why}");
    stored.put(&map("demo/hello"));
    assert!(callers.map(at(3)).await.is_ok());
}

#[tokio::test]
async fn a_map_in_the_variable_is_there() {
    let unused = mock_client!(aws_sdk_s3, []);
    let text = map("demo/hello");
    let callers = Callers::new(MapPlace::Here(Map::parse(&text).unwrap()), unused);
    assert!(callers.map(at(0)).await.unwrap().knows(HELLO));
}
