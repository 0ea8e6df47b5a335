//! Where things lie in the ledger.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
    format!("{prefix}~{}", URL_SAFE_NO_PAD.encode(digest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const ID: &str = "0199a1c2-6f0e-7c3a-9d6b-2f6f1f1f0a11";

    fn id() -> BuildId {
        ID.parse().expect("it is one")
    }

    #[test]
    fn a_build_lies_under_its_name() {
        assert_eq!(build(id()), format!("builds/{ID}"));
        assert_eq!(open(id()), format!("open/{ID}"));
    }

    #[rstest]
    #[case(Service::CodeBuild, "hello:6f0e", "executions/codebuild/hello%3A6f0e")]
    #[case(Service::CodePipeline, "6f0e-1", "executions/codepipeline/6f0e-1")]
    #[case(Service::CodePipeline, "../x", "executions/codepipeline/..%2Fx")]
    fn an_execution_lies_under_its_service(
        #[case] service: Service,
        #[case] id: &str,
        #[case] key: &str,
    ) {
        assert_eq!(execution(service, id), key);
    }

    #[rstest]
    #[case("hello", "codebuild/hello", "heads/hello/5/codebuild%2Fhello")]
    #[case("demo/hello", "hello", "heads/demo/hello/5/hello")]
    #[case("demo/..", "..", "heads/demo/%2E%2E/5/%2E%2E")]
    #[case("c++", "a b&ü?", "heads/c%2B%2B/5/a%20b%26%C3%BC%3F")]
    fn a_head_lies_under_its_project_pull_request_and_job(
        #[case] project: &str,
        #[case] job: &str,
        #[case] key: &str,
    ) {
        assert_eq!(HeadKey::new(project, 5, job).as_str(), key);
    }

    #[test]
    fn a_key_that_is_too_long_becomes_a_digest() {
        let key = |last: char| HeadKey::new("demo/hello", 5, &format!("{}{last}", "ü".repeat(254)));
        assert_eq!(key('a').as_str().len(), "heads/~".len() + 43);
        assert_ne!(key('a'), key('b'));
    }

    proptest! {
        #[test]
        fn what_is_open_is_found_again(micros in 0_i64..1 << 50) {
            let id = BuildId::new(chela_contract::Micros::new(micros));
            prop_assert_eq!(opened(&open(id)), Some(id));
        }

        #[test]
        fn two_heads_never_share_a_key(
            one in ("[a-z./%~]{1,9}", 0_u32..20, "[0-9a-z./%~é]{1,9}"),
            other in ("[a-z./%~]{1,9}", 0_u32..20, "[0-9a-z./%~é]{1,9}"),
        ) {
            let key = |(project, id, job): &(String, u32, String)| HeadKey::new(project, *id, job);
            prop_assert_eq!(key(&one) == key(&other), one == other);
        }

        #[test]
        fn a_key_is_one_that_every_client_can_ask_for(project in ".{1,300}", job in "\\PC{1,255}") {
            let key = HeadKey::new(&project, 1, &job);
            prop_assert!(key.as_str().len() <= MAX_KEY);
            prop_assert!(key.as_str().bytes().all(|b| b.is_ascii_graphic()));
        }
    }
}
