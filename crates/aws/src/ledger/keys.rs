//! Where things lie in the ledger.

use chela_contract::{BuildId, BuildRequest};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::record::Service;

/// What the sweep lists.
pub const OPEN: &str = "open/";

/// S3's own limit. Bytes.
const MAX_KEY: usize = 1024;

/// S3's guide calls the others safe in a key ("Naming Amazon S3 objects").
const UNSAFE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

pub fn build(id: BuildId) -> String {
    format!("builds/{id}")
}

pub fn open(id: BuildId) -> String {
    format!("{OPEN}{id}")
}

/// The build that a key of `open/` names.
pub fn opened(key: &str) -> Option<BuildId> {
    key.strip_prefix(OPEN)?.parse().ok()
}

pub fn execution(service: Service, id: &str) -> String {
    let service = match service {
        Service::CodeBuild => "codebuild",
        Service::CodePipeline => "codepipeline",
    };
    bounded("executions/", &format!("{service}/{}", segment(id)))
}

/// Names a pull request and a job.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeadKey(String);

impl HeadKey {
    /// The pull request and job of a request; `None` for a commit's build.
    #[must_use]
    pub fn of(request: &BuildRequest) -> Option<Self> {
        let pull_request = request.pull_request.as_ref()?;
        let project = &request.project.fullname;
        Some(Self::new(project, pull_request.id, request.job.as_str()))
    }

    fn new(project: &str, pull_request: u32, job: &str) -> Self {
        let project: Vec<String> = project.split('/').map(segment).collect();
        let path = format!("{}/{pull_request}/{}", project.join("/"), segment(job));
        Self(bounded("heads/", &path))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text as one segment of a key.
fn segment(text: &str) -> String {
    match text {
        // Segments of these two names lead elsewhere for many a client.
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => utf8_percent_encode(text, UNSAFE).to_string(),
    }
}

/// A path under `prefix`; one that is too long for S3 gives way to its digest. No other path has
/// a tilde.
fn bounded(prefix: &str, path: &str) -> String {
    if prefix.len() + path.len() <= MAX_KEY {
        return format!("{prefix}{path}");
    }
    let digest = Sha256::digest(path.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}~{hex}")
}
