//! The project that is shown: a greeting in a shell script, its checks, and two changes to it.

use chela_contract::{CommitId, Status};

use super::repository::{File, Repository};

/// A pull request of the sample, and what its build should come to.
#[derive(Clone, Debug)]
pub struct PullRequest {
    /// Its number.
    pub id: u32,
    /// Its title.
    pub title: &'static str,
    /// The branch with its commit.
    pub branch: &'static str,
    /// Its head.
    pub commit: CommitId,
    /// How its build should end.
    pub expected: Status,
}

const BUILDSPEC: File = (
    "buildspec.yml",
    include_str!("../../sample/main/buildspec.yml"),
);
const README: File = ("README.md", include_str!("../../sample/main/README.md"));
const CHECK: File = ("check.sh", include_str!("../../sample/main/check.sh"));
const GREET: File = ("greet.sh", include_str!("../../sample/main/greet.sh"));
const GOOD_CHECK: File = ("check.sh", include_str!("../../sample/good/check.sh"));
const GOOD_GREET: File = ("greet.sh", include_str!("../../sample/good/greet.sh"));
const BAD_GREET: File = ("greet.sh", include_str!("../../sample/bad/greet.sh"));

/// The repository, and its two pull requests into `main`.
#[must_use]
pub fn make() -> (Repository, [PullRequest; 2]) {
    let mut repository = Repository::default();
    let main = repository.commit(None, &[BUILDSPEC, README, CHECK, GREET], "Say hello");
    repository.name("refs/heads/main", &main);
    let mut open = |id, title, branch, files: &[File], expected| {
        let commit = repository.commit(Some(&main), files, title);
        repository.name(&format!("refs/heads/{branch}"), &commit);
        repository.name(&format!("refs/pull/{id}/head"), &commit);
        PullRequest {
            id,
            title,
            branch,
            commit,
            expected,
        }
    };
    let good = open(
        1,
        "Greet the world by default",
        "greet-the-world",
        &[BUILDSPEC, README, GOOD_CHECK, GOOD_GREET],
        Status::Success,
    );
    let bad = open(
        2,
        "Greet in French",
        "greet-in-french",
        &[BUILDSPEC, README, CHECK, BAD_GREET],
        Status::Failure,
    );
    (repository, [good, bad])
}
