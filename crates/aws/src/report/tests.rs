//! The whole function: the SDK's clients before an AWS in memory, and reports over real sockets.

mod batches;
mod cloud;
mod endings;
mod pagure;
mod sweeps;
mod tokens;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use chela_contract::{BuildId, Micros};
use serde_json::{Value, json};

use super::testing::{CODEBUILD_ID, PIPELINE_ID, asked_at, begun};
use super::*;
use crate::clock::now;
use crate::record::{Open, Record, Service};
use cloud::Cloud;
use pagure::Pagure;

const TOKEN: &str = "KEXAMPLETOKENOFAPROJECT";

/// A function with its surroundings.
struct Bed {
    reports: Reports,
    cloud: Cloud,
    pagure: Pagure,
    clients: Clients,
}

impl Bed {
    /// The token is in the environment.
    fn new(pagure: Pagure) -> Self {
        Self::with(pagure, |_| Tokens::given(TOKEN.into()))
    }

    fn with(pagure: Pagure, tokens: impl Fn(&Clients) -> Tokens) -> Self {
        let cloud = Cloud::default();
        let clients = clients(&cloud);
        let reports = Reports::new(Parts {
            ledger: Ledger::new(clients.s3.clone(), "ledger".to_owned()),
            engines: Engines::new(&clients),
            queue: Queue::new(clients.sqs.clone(), "http://aws.test/1/reports"),
            tokens: tokens(&clients),
            forge: Forge::new(pagure.url(), Vec::new()),
            sender: Sender::default(),
            region: "eu-central-1".to_owned(),
        });
        Self {
            reports,
            cloud,
            pagure,
            clients,
        }
    }

    /// Puts a record, open and linked, as `trigger` leaves it behind.
    fn keep(&self, record: &Record) -> BuildId {
        let id = record.id();
        let mut account = self.cloud.account();
        let long_ago = now().plus_seconds(-3600);
        account.put(&format!("builds/{id}"), json!(record).to_string(), long_ago);
        account.put(
            &format!("open/{id}"),
            json!(Open::default()).to_string(),
            long_ago,
        );
        if let Some(execution) = &record.execution {
            let service = json!(record.target.service);
            let service = service.as_str().unwrap();
            let execution = execution.id.replace(':', "%3A");
            let key = format!("executions/{service}/{execution}");
            account.put(&key, id.to_string(), long_ago);
        }
        id
    }

    async fn batch(&self, bodies: &[String]) -> Vec<String> {
        let records: Vec<Value> = bodies.iter().enumerate().map(record).collect();
        let answer = self.invoke(json!({ "Records": records })).await;
        let failures = answer["batchItemFailures"].as_array().unwrap().iter();
        failures
            .map(|one| one["itemIdentifier"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn sweep(&self) -> Value {
        self.invoke(json!({"type": "sweep"})).await
    }

    async fn invoke(&self, event: Value) -> Value {
        self.reports
            .handle(event, now().plus_seconds(60))
            .await
            .unwrap()
    }

    fn open(&self, build: BuildId) -> Option<Open> {
        let open = self.cloud.account().read(&format!("open/{build}"))?;
        serde_json::from_value(open).ok()
    }
}

fn record((index, body): (usize, &String)) -> Value {
    json!({
        "messageId": format!("m{index}"), "receiptHandle": format!("r{index}"), "body": body,
        "attributes": {"ApproximateReceiveCount": "1"}, "eventSource": "aws:sqs"
    })
}

fn clients(cloud: &Cloud) -> Clients {
    let keys = Credentials::new("AKID", "secret", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .endpoint_url("http://aws.test")
        .http_client(cloud.client())
        .build();
    Clients::of(&config)
}

/// A committer's build that began a few minutes ago.
fn running(service: Service) -> Record {
    begun(asked_at(service, now().plus_seconds(-600)))
}

/// A moment in the past, as an event tells it.
fn ago(seconds: i64) -> Micros {
    now().plus_seconds(-seconds).whole_second()
}

fn build_event(status: &str, at: Micros) -> String {
    json!({
        "source": "aws.codebuild", "detail-type": "CodeBuild Build State Change", "time": at,
        "detail": {
            "build-status": status,
            "build-id": format!("arn:aws:codebuild:eu-central-1:1:build/{CODEBUILD_ID}"),
            "additional-information": { "initiator": "trigger/trigger" }
        }
    })
    .to_string()
}

fn phase_event(finished: &str, at: Micros) -> String {
    json!({
        "source": "aws.codebuild", "detail-type": "CodeBuild Build Phase Change", "time": at,
        "detail": {
            "completed-phase": finished, "completed-phase-status": "SUCCEEDED",
            "build-id": format!("arn:aws:codebuild:eu-central-1:1:build/{CODEBUILD_ID}")
        }
    })
    .to_string()
}

fn pipeline_event(state: &str, at: Micros) -> String {
    json!({
        "source": "aws.codepipeline", "time": at,
        "detail-type": "CodePipeline Pipeline Execution State Change",
        "detail": { "pipeline": "release", "execution-id": PIPELINE_ID, "state": state }
    })
    .to_string()
}

#[tokio::test]
async fn another_invocation_is_refused_with_a_sentence() {
    let bed = Bed::new(Pagure::gone());
    let refused = bed
        .reports
        .handle(json!({"type": "other"}), now())
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("look at what invokes it"));
}
