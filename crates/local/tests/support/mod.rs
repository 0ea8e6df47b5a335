//! Requests, and a store in a folder of its own.

#![allow(dead_code, reason = "each test takes what it needs")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use chela_contract::{BuildId, BuildRequest, Micros};
use chela_local::{Accepted, Asked, Store};
use chela_receiver::{Bounds, Build, Strangers};
use serde_json::json;
use tempfile::TempDir;

/// A moment, some seconds after the tests' beginning of time.
pub fn at(seconds: i64) -> Micros {
    Micros::new(1_795_000_000_000_000).plus_seconds(seconds)
}

/// What a request is made of; the rest is always the same.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub id: BuildId,
    pub project: String,
    pub pull: Option<u32>,
    pub commit: Option<char>,
    pub can_push: bool,
    pub reason: &'static str,
    pub by_at: Micros,
}

impl Wanted {
    /// What a committer asks for, of a pull request, at this second.
    pub fn new(seconds: i64) -> Self {
        Self {
            id: BuildId::new(at(seconds)),
            project: "demo/hello".to_owned(),
            pull: Some(7),
            commit: Some('a'),
            can_push: true,
            reason: "updated",
            by_at: at(seconds),
        }
    }

    /// What somebody else asks for.
    pub fn stranger(seconds: i64) -> Self {
        Self {
            can_push: false,
            ..Self::new(seconds)
        }
    }

    /// A committer's rebuild.
    pub fn rebuild(seconds: i64) -> Self {
        Self {
            reason: "rebuild",
            ..Self::new(seconds)
        }
    }

    pub fn request(&self) -> BuildRequest {
        let (namespace, name) = self.project.split_once('/').unwrap();
        let home = "https://pagure.example.org";
        let pull = self.pull.map(|id| {
            json!({
                "id": id, "title": "Fix a typo", "url": format!("{home}/demo/hello/pull-request/{id}"),
                "author": "ada", "author_can_push": false, "target_branch": "main",
                "from_fork": true,
            })
        });
        let mut request = json!({
            "build_id": self.id,
            "job": "local/test",
            "event": if pull.is_some() { "pull_request" } else { "commit" },
            "project": {
                "name": name, "namespace": namespace, "fullname": self.project,
                "url": format!("{home}/{}", self.project),
            },
            "source": {
                "clone_url": format!("{home}/forks/ada/{}.git", self.project), "branch": "fix",
            },
            "requested_by": {
                "user": "ada", "can_push": self.can_push, "reason": self.reason, "at": self.by_at,
            },
            "report_url": format!("{home}/api/0/ci/webhook/{}", self.project),
        });
        if let Some(pull) = pull {
            request["pull_request"] = pull;
        }
        if let Some(commit) = self.commit {
            request["source"]["commit"] = json!(commit.to_string().repeat(40));
        }
        serde_json::from_value(request).unwrap()
    }

    pub fn asked(&self, now: Micros) -> Asked {
        let key = self.id.to_string().replace('-', "");
        Asked {
            request: self.request(),
            page: format!("https://ci.example.org/builds/{key}")
                .parse()
                .unwrap(),
            key,
            strangers: Strangers::Hold,
            bounds: Bounds {
                queued: 1_000_000,
                held: 1_000_000,
            },
            now,
        }
    }
}

/// A store in a folder that goes when this does.
pub struct Ground {
    pub folder: TempDir,
    pub store: Store,
}

impl Ground {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        Self { folder, store }
    }

    /// As after a restart.
    pub fn reopen(self) -> Self {
        let Self { folder, store } = self;
        drop(store);
        let store = Store::open(folder.path()).unwrap();
        Self { folder, store }
    }

    pub fn accept(&self, asked: Asked) -> Accepted {
        block_on(self.store.accept(asked)).unwrap()
    }

    /// The build of a request that came at the second of its own `by_at`.
    pub fn new_build(&self, wanted: &Wanted) -> Build {
        match self.accept(wanted.asked(wanted.by_at)) {
            Accepted::New { build, .. } => build,
            other => panic!("{wanted:?} should be new, but: {other:?}"),
        }
    }

    pub fn build(&self, id: BuildId) -> Build {
        self.store.by_id(id).unwrap().expect("it is kept").build
    }
}

pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(future)
}
