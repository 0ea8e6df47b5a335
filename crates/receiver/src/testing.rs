//! Requests for the tests beside the code.

use chela_contract::{BuildId, BuildRequest, CommitId, Micros, Reason};
use serde_json::json;

use crate::{Build, Origin, Said, Stage};

/// A moment, some seconds after the tests' beginning of time.
pub(crate) fn at(seconds: i64) -> Micros {
    Micros::new(1_795_000_000_000_000).plus_seconds(seconds)
}

/// Forty times the same digit.
pub(crate) fn commit(digit: char) -> CommitId {
    CommitId::try_from(digit.to_string().repeat(40)).expect("a hexadecimal digit")
}

/// What Ada, who can push, asks for at this second: a build of an updated pull request from a fork.
pub(crate) fn request(second: i64) -> BuildRequest {
    let value = json!({
        "build_id": BuildId::new(at(second)),
        "job": "local/test",
        "event": "pull_request",
        "project": {
            "name": "hello", "namespace": "demo", "fullname": "demo/hello",
            "url": "https://pagure.example.org/demo/hello"
        },
        "source": {
            "clone_url": "https://pagure.example.org/forks/ada/demo/hello.git",
            "branch": "fix", "commit": commit('a')
        },
        "requested_by": { "user": "ada", "can_push": true, "reason": "updated", "at": at(second) },
        "pull_request": {
            "id": 7, "title": "Fix a typo",
            "url": "https://pagure.example.org/demo/hello/pull-request/7",
            "author": "ada", "author_can_push": false, "target_branch": "main", "from_fork": true
        },
        "report_url": "https://pagure.example.org/api/0/ci/webhook/demo/hello"
    });
    serde_json::from_value(value).expect("a whole request")
}

/// The same, for another reason.
pub(crate) fn because(reason: Reason, second: i64) -> BuildRequest {
    let mut request = request(second);
    if let Some(by) = &mut request.requested_by {
        by.reason = reason;
    }
    request
}

/// The same, from somebody who cannot push.
pub(crate) fn stranger(second: i64) -> BuildRequest {
    let mut request = request(second);
    if let Some(by) = &mut request.requested_by {
        by.can_push = false;
    }
    request
}

/// A build that was accepted at second 1 and is so far.
pub(crate) fn build(stage: Stage) -> Build {
    let request = request(1);
    Build {
        commit: request.source.commit.clone(),
        request,
        page: "https://ci.example.org/builds/x"
            .parse()
            .expect("an address"),
        accepted: at(1),
        origin: Origin::Committer,
        stage,
        said: Said {
            at: at(1),
            status: chela_contract::Status::Pending,
            description: crate::texts::QUEUED.to_owned(),
            percent: None,
        },
        runs: 0,
        misses: 0,
    }
}
