use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_smithy_mocks::{Rule, mock, mock_client};
use chela_contract::BuildId;
use serde_json::json;

use super::*;
use crate::config::{Map, MapPlace};

mod accepted;
mod busy;
mod laws;
mod refused;

const CALLER: &str = "arn:aws:iam::123456789012:user/pagure-demo-hello";
const QUEUE: &str = "https://sqs.eu-central-1.amazonaws.com/123456789012/requests";
const MAP: &str = r#"{"callers": {
    "arn:aws:iam::123456789012:user/pagure-demo-hello": {
        "demo/hello": {"jobs": {"codebuild/hello": {}, "codepipeline/release": {}}},
        "demo/strict": {"strangers": "refuse", "jobs": {"codebuild/strict": {}}}
    },
    "arn:aws:iam::123456789012:user/pagure-secret": {
        "secret/plans": {"jobs": {"codebuild/plans": {}}}
    }
}}"#;

/// A request and its event, before they are put together.
struct Case {
    data: Value,
    kind: &'static str,
    event: Value,
    id: Option<String>,
}

fn now() -> Micros {
    "2026-11-22T20:15:28Z".parse().unwrap()
}

impl Default for Case {
    fn default() -> Self {
        let body = include_str!("../../../../fuzz/corpus/request/documented");
        let body: Value = serde_json::from_str(body).unwrap();
        let mut data = body["data"].clone();
        let id = BuildId::new(now().plus_seconds(-1));
        // Its end is random.
        let id = format!("{}-9d6b-2f6f1f1f0a11", &id.to_string()[..18]);
        data["build_id"] = json!(id);
        data["source"]["commit"] = json!("7a1b0c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b");
        data["requested_by"]["can_push"] = json!(true);
        let event = include_str!("../../tests/events/url.json");
        Self {
            data,
            kind: "build.requested",
            event: serde_json::from_str(event).unwrap(),
            id: None,
        }
    }
}

impl Case {
    fn of(change: impl FnOnce(&mut Self)) -> Self {
        let mut case = Self::default();
        change(&mut case);
        case
    }

    fn project(&mut self, namespace: &str, name: &str) {
        let fullname = format!("{namespace}/{name}");
        self.data["report_url"] = json!(format!(
            "https://pagure.example.org/api/0/ci/webhook/{fullname}"
        ));
        self.data["project"] = json!({
            "name": name, "namespace": namespace, "fullname": fullname,
            "url": format!("https://pagure.example.org/{fullname}"),
        });
    }

    fn caller(&mut self, arn: &Value) {
        self.event["requestContext"]["authorizer"]["iam"]["userArn"] = arn.clone();
    }

    fn body(&self) -> String {
        let envelope = json!({
            "type": self.kind, "timestamp": "2026-11-22T20:15:27.104322Z", "data": self.data,
        });
        envelope.to_string()
    }

    fn event(&self) -> Value {
        let mut event = self.event.clone();
        if event["body"] == "{}" {
            event["body"] = json!(self.body());
        }
        let id = self.id.as_deref().or(self.data["build_id"].as_str());
        event["headers"]["webhook-id"] = json!(id);
        event
    }
}

fn forge() -> Forge {
    let settings = [
        ("CHELA_PAGURE_URL", "https://pagure.example.org"),
        ("CHELA_CONFIG", MAP),
        ("CHELA_LIMIT_HOSTS", "forks.example.net"),
        ("CHELA_SOURCES_BUCKET", "sources"),
        ("CHELA_LEDGER_BUCKET", "ledger"),
        ("CHELA_REQUESTS_QUEUE", QUEUE),
        ("CHELA_REPORTS_QUEUE", QUEUE),
    ];
    TriggerSettings::read(&settings.into_iter().collect())
        .unwrap()
        .forge()
}

fn entry(sqs: &Rule) -> Entry {
    let s3 = mock_client!(aws_sdk_s3, []);
    let sqs = mock_client!(aws_sdk_sqs, [sqs]);
    Entry {
        forge: forge(),
        callers: Callers::new(MapPlace::Here(Map::parse(MAP).unwrap()), s3),
        requests: Queue::new(sqs, QUEUE),
        region: "eu-central-1".to_owned(),
    }
}

fn taken() -> Rule {
    mock!(aws_sdk_sqs::Client::send_message)
        .match_requests(|sent| sent.queue_url() == Some(QUEUE))
        .then_output(|| SendMessageOutput::builder().build())
}

async fn answer_to(case: &Case) -> Value {
    let rule = taken();
    let answer = entry(&rule).receive(&case.event(), now()).await;
    let sent = usize::from(answer.status() == 202);
    assert_eq!(
        rule.num_calls(),
        sent,
        "a message for each 202, and no other"
    );
    answer.to_value()
}

async fn assert_refused(case: &Case, status: u16, detail: &str) -> Value {
    let answer = answer_to(case).await;
    let problem = problem(&answer);
    assert_eq!(answer["statusCode"], status, "{problem}");
    assert_eq!(problem["status"], status);
    assert_eq!(
        answer["headers"]["content-type"],
        "application/problem+json"
    );
    let said = problem["detail"].as_str().unwrap();
    assert!(said.contains(detail), "{said}");
    answer
}

fn problem(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}
