//! What the tests of both engines share, and those of what both have.

use aws_sdk_codebuild::config::http::HttpResponse;
use aws_smithy_runtime_api::http::StatusCode;
use chela_contract::{BuildId, BuildRequest, CommitId};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::{Stored, Target};

pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const COMMIT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const VERSION: &str = "3sL4kqtJlcpXroDTDmJ_rmSpXd3dIbrHY";

/// A moment, some seconds after the request was accepted.
pub(crate) fn at(seconds: i64) -> Micros {
    Micros::new(1_795_000_000_250_000).plus_seconds(seconds)
}

/// The same, as AWS says it.
pub(crate) fn moment(seconds: i64) -> DateTime {
    DateTime::from_secs_and_nanos(1_795_000_000 + seconds, 250_000_000)
}

pub(crate) fn id() -> BuildId {
    serde_json::from_value(json!("0199a1c2-6f0e-7c3a-9d6b-2f6f1f1f0a11")).unwrap()
}

fn request() -> BuildRequest {
    let value = json!({
        "build_id": id(),
        "job": "codebuild/hello",
        "event": "pull_request",
        "project": {
            "name": "hello", "namespace": "demo", "fullname": "demo/hello",
            "url": "https://pagure.example.org/demo/hello"
        },
        "source": {
            "clone_url": "https://pagure.example.org/forks/ada/demo/hello.git",
            "branch": "fix", "commit": COMMIT
        },
        "pull_request": {
            "id": 7, "title": "Fix a typo",
            "url": "https://pagure.example.org/demo/hello/pull-request/7",
            "author": "ada", "author_can_push": false, "target_branch": "main", "from_fork": true
        },
        "report_url": "https://pagure.example.org/api/0/ci/webhook/demo/hello"
    });
    serde_json::from_value(value).unwrap()
}

/// A build of `hello` whose source is stored and that was not started.
pub(crate) fn stored(service: Service) -> Record {
    Record {
        request: request(),
        accepted: at(0),
        origin: Some(chela_receiver::Origin::Committer),
        target: Target {
            service,
            name: "hello".to_owned(),
        },
        commit: Some(CommitId::try_from(COMMIT.to_owned()).unwrap()),
        stored: Some(Stored {
            bucket: "chela-sources".to_owned(),
            key: "sources/one.zip".to_owned(),
            version: VERSION.to_owned(),
            notes: Vec::new(),
        }),
        pipeline: None,
        execution: None,
        ended: None,
    }
}

/// The same, started as `id`.
pub(crate) fn started(service: Service, id: &str) -> Record {
    let link = "https://console.aws.amazon.com/".parse().unwrap();
    let at = at(5);
    Record {
        execution: Some(Execution {
            id: id.to_owned(),
            link,
            at,
        }),
        ..stored(service)
    }
}

/// An answer as these services send errors.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> HttpResponse {
    let body: Value = json!({ "__type": code, "message": message });
    let status = StatusCode::try_from(status).unwrap();
    HttpResponse::new(status, body.to_string().into())
}

/// What an error of AWS's is to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comes {
    Capacity,
    Passing,
    Never,
}

/// Checks what a failure came to, and what its sentence says.
#[track_caller]
pub(crate) fn comes_to(failure: &EngineFailure, to: Comes, says: &[&str]) {
    let came = match failure {
        EngineFailure::Capacity(_) => Comes::Capacity,
        EngineFailure::Passing(_) => Comes::Passing,
        EngineFailure::Never(_) => Comes::Never,
    };
    assert_eq!(came, to, "{failure}");
    for part in says {
        let text = failure.to_string();
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

#[rstest]
#[case(0, 0, 0)]
#[case(1_795_000_000, 250_999_999, 1_795_000_000_250_999)]
#[case(-1, 500_000_000, -500_000)]
fn a_moment_of_aws_keeps_its_microseconds(
    #[case] seconds: i64,
    #[case] nanos: u32,
    #[case] expected: i64,
) {
    let moment = DateTime::from_secs_and_nanos(seconds, nanos);
    assert_eq!(micros(&moment), Micros::new(expected));
}

#[test]
fn every_moment_that_aws_can_name_is_one_of_ours() {
    for seconds in [i64::MIN, i64::MAX] {
        micros(&DateTime::from_secs(seconds));
    }
}

#[rstest]
#[case(texts::no_project("hello"))]
#[case(texts::project_of_pipeline("hello"))]
#[case(texts::no_pipeline("hello"))]
#[case(texts::old_pipeline("hello"))]
#[case(texts::no_source_action("hello"))]
#[case(texts::many_source_actions("hello"))]
#[case(texts::polls("hello", "Source"))]
#[case(texts::unset("hello", "Source", "S3Bucket"))]
#[case(texts::source_moved("hello"))]
#[case(texts::odd_value("hello", "CHELA_BRANCH"))]
#[case(texts::long_value("hello", "CHELA_BRANCH"))]
fn a_sentence_names_the_job_and_fits_a_flag(#[case] text: String) {
    assert!(text.contains("hello"), "{text}");
    assert!(text.chars().count() <= 255, "{text}");
    assert_eq!(chela_receiver::texts::plain(&text), text);
}

pub(crate) fn engines(codebuild: CodeBuild, codepipeline: CodePipeline) -> Engines {
    Engines {
        codebuild,
        codepipeline,
    }
}
