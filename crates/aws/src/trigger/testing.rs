//! Requests for the tests beside the code.

use chela_contract::{BuildId, BuildRequest, CommitId, Micros, Reason};
use serde_json::json;

use crate::entry::Queued;

/// A moment, some seconds after the tests' beginning of time.
pub(crate) fn at(seconds: i64) -> Micros {
    Micros::new(1_795_000_000_000_000).plus_seconds(seconds)
}

/// The build that was asked for at this second; always the same one.
pub(crate) fn id(second: i64) -> BuildId {
    let text = BuildId::new(at(second)).to_string();
    let time = &text[..18];
    format!("{time}-8000-{second:012x}")
        .parse()
        .expect("a build's id")
}

/// Forty times the same digit.
pub(crate) fn commit(digit: char) -> CommitId {
    CommitId::try_from(digit.to_string().repeat(40)).expect("a hexadecimal digit")
}

/// What Ada, who can push, asks for at this second: a build of an updated pull request from a fork.
pub(crate) fn request(second: i64) -> BuildRequest {
    let value = json!({
        "build_id": id(second),
        "job": "codebuild/hello",
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

/// The same, of another commit.
pub(crate) fn of(digit: char, mut request: BuildRequest) -> BuildRequest {
    request.source.commit = Some(commit(digit));
    request
}

/// The same, for another reason.
pub(crate) fn because(reason: Reason, mut request: BuildRequest) -> BuildRequest {
    if let Some(by) = &mut request.requested_by {
        by.reason = reason;
    }
    request
}

/// The same, from somebody who cannot push.
pub(crate) fn stranger(mut request: BuildRequest) -> BuildRequest {
    if let Some(by) = &mut request.requested_by {
        by.can_push = false;
    }
    request
}

/// The message that it comes in.
pub(crate) fn queued(request: BuildRequest) -> Queued {
    let accepted = request.build_id.time();
    Queued::new(request, "arn:aws:iam::123456789012:user/pagure", accepted)
}
