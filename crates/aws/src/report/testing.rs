//! Builds, and what is known of them, for the tests of this function.

use chela_contract::{BuildId, Micros, Status};
use chela_receiver::Origin;
use serde_json::json;

use crate::events::{Event, Phase, What};
use crate::record::{Ended, Execution, Pipeline, Record, Service, Target};

/// A moment, some seconds after the tests' beginning of time.
pub(crate) fn at(seconds: i64) -> Micros {
    Micros::new(1_763_841_600_000_000).plus_seconds(seconds)
}

pub(crate) const COMMIT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub(crate) const CODEBUILD_ID: &str = "hello:5b3a0e3a-6f0e-4c3a-9d6b-2f6f1f1f0a11";
pub(crate) const PIPELINE_ID: &str = "7f0a6a39-5f2e-4a3b-9f5d-0a2b3c4d5e6f";

/// A committer's build that was asked for at second 0, and is not started.
pub(crate) fn asked(service: Service) -> Record {
    asked_at(service, at(0))
}

/// The same, asked for at another moment.
pub(crate) fn asked_at(service: Service, moment: Micros) -> Record {
    let target = target(service);
    let job = format!("x/{}", target.name);
    let request = json!({
        "build_id": BuildId::new(moment),
        "job": job,
        "event": "pull_request",
        "project": {
            "name": "hello", "namespace": "demo", "fullname": "demo/hello",
            "url": "https://pagure.example.org/demo/hello"
        },
        "source": {
            "clone_url": "https://pagure.example.org/demo/hello.git",
            "branch": "fix", "commit": COMMIT
        },
        "requested_by": { "user": "ada", "can_push": true, "reason": "updated", "at": moment },
        "pull_request": {
            "id": 7, "title": "Fix a typo",
            "url": "https://pagure.example.org/demo/hello/pull-request/7",
            "author": "ada", "author_can_push": true, "target_branch": "main", "from_fork": false
        },
        "report_url": "https://pagure.example.org/api/0/ci/webhook/demo/hello"
    });
    Record {
        request: serde_json::from_value(request).expect("a whole request"),
        accepted: moment,
        origin: Some(Origin::Committer),
        target,
        commit: None,
        stored: None,
        pipeline: None,
        execution: None,
        ended: None,
    }
}

/// The same, started.
pub(crate) fn started(service: Service) -> Record {
    begun(asked(service))
}

/// What becomes of a record when it is started.
pub(crate) fn begun(mut record: Record) -> Record {
    let id = id(record.target.service);
    record.execution = Some(Execution {
        id: id.to_owned(),
        link: link(),
        at: record.accepted.plus_seconds(1),
    });
    if record.target.service == Service::CodePipeline {
        record.pipeline = Some(Pipeline {
            source_action: "Source".to_owned(),
            key_override: true,
            bucket: "sources".to_owned(),
            key: "source.zip".to_owned(),
            variables: Vec::new(),
            stages: ["Source", "Deploy"].map(str::to_owned).to_vec(),
        });
    }
    record
}

/// The same build, overtaken at this second.
pub(crate) fn overtaken(mut record: Record, second: i64) -> Record {
    record.ended = Some(Ended {
        status: Status::Canceled,
        description: "Canceled: somebody's build is newer".to_owned(),
        at: at(second),
    });
    record
}

/// The same build as somebody's who cannot push.
pub(crate) fn strangers(mut record: Record) -> Record {
    record.origin = None;
    let by = record.request.requested_by.as_mut();
    by.expect("somebody asked").can_push = false;
    record
}

pub(crate) fn link() -> url::Url {
    "https://console.example.org/build"
        .parse()
        .expect("an address")
}

pub(crate) fn target(service: Service) -> Target {
    let name = match service {
        Service::CodeBuild => "hello",
        Service::CodePipeline => "release",
    };
    Target {
        service,
        name: name.to_owned(),
    }
}

pub(crate) fn id(service: Service) -> &'static str {
    match service {
        Service::CodeBuild => CODEBUILD_ID,
        Service::CodePipeline => PIPELINE_ID,
    }
}

/// An event of the started build, at this second.
pub(crate) fn event(service: Service, second: i64, what: What) -> Event {
    Event {
        target: target(service),
        execution: id(service).to_owned(),
        at: at(second),
        what,
        claimed: None,
        initiator: None,
    }
}

pub(crate) fn build(status: &str) -> What {
    What::Build {
        status: status.to_owned(),
        phases: Vec::new(),
    }
}

pub(crate) fn finished(name: &str, status: &str) -> What {
    What::Finished(Phase {
        name: name.to_owned(),
        status: status.to_owned(),
        context: None,
    })
}

pub(crate) fn pipeline(state: &str) -> What {
    What::Pipeline {
        state: state.to_owned(),
    }
}

pub(crate) fn stage(name: &str, word: &str) -> What {
    What::Stage {
        stage: name.to_owned(),
        state: word.to_owned(),
    }
}

pub(crate) fn action(stage: &str, name: &str, word: &str) -> What {
    What::Action {
        stage: stage.to_owned(),
        action: name.to_owned(),
        state: word.to_owned(),
    }
}
