//! The repository over smart HTTP: git itself, and our own fetcher, take it for a real one.

mod support;

use std::fs;
use std::path::Path;

use chela_contract::{CommitId, Refname, Source};
use chela_demo::{Forge, PullRequest};
use chela_outbound::{Policy, Setting};
use chela_source::{Error, Fetcher, Limits};
use tempfile::TempDir;

use support::{fine, forge, git};

fn clone_url(forge: &Forge) -> String {
    format!("{}demo/hello.git", forge.url)
}

fn whole(directory: &Path) {
    fine(directory, &["fsck", "--full", "--strict"]);
}

/// git blocks, and the forge runs on the other thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

#[tokio::test]
async fn git_clones_it_and_finds_nothing_wrong() {
    let (forge, _changes) = forge().await;
    let url = clone_url(&forge);
    let [good, bad] = forge.pull_requests.clone();
    blocking(move || {
        let place = TempDir::new().unwrap();
        fine(place.path(), &["clone", "--quiet", &url, "hello"]);
        let clone = place.path().join("hello");
        whole(&clone);
        assert_eq!(fine(&clone, &["symbolic-ref", "HEAD"]), "refs/heads/main");
        for PullRequest { branch, commit, .. } in [good, bad] {
            let name = format!("origin/{branch}");
            assert_eq!(fine(&clone, &["rev-parse", &name]), commit.as_str());
            let base = fine(&clone, &["merge-base", "main", &name]);
            assert_eq!(base, fine(&clone, &["rev-parse", "main"]));
        }
        let mode = fine(&clone, &["ls-files", "--stage", "greet.sh"]);
        assert!(
            mode.starts_with("100755"),
            "a script is not executable: {mode}"
        );
    })
    .await;
}

#[tokio::test]
async fn git_fetches_one_commit_alone_and_deepens_it_later() {
    let (forge, _changes) = forge().await;
    let url = clone_url(&forge);
    let commit = forge.pull_requests[1].commit.clone();
    blocking(move || {
        let place = TempDir::new().unwrap();
        let here = place.path();
        fine(here, &["init", "--quiet"]);
        fine(
            here,
            &["fetch", "--quiet", "--depth=1", &url, commit.as_str()],
        );
        assert_eq!(fine(here, &["rev-list", "FETCH_HEAD"]), commit.as_str());
        whole(here);
        fine(
            here,
            &["fetch", "--quiet", "--deepen=1", &url, commit.as_str()],
        );
        fine(
            here,
            &["fetch", "--quiet", "--depth=2", &url, commit.as_str()],
        );
        assert_eq!(fine(here, &["rev-list", "--count", "FETCH_HEAD"]), "2");
        assert!(!here.join(".git/shallow").exists(), "it is still shallow");
        whole(here);
    })
    .await;
}

#[tokio::test]
async fn git_that_has_a_part_gets_the_rest() {
    let (forge, _changes) = forge().await;
    let url = clone_url(&forge);
    let good = forge.pull_requests[0].clone();
    blocking(move || {
        let place = TempDir::new().unwrap();
        let here = place.path();
        let only_main = [
            "clone",
            "--quiet",
            "--single-branch",
            "-b",
            "main",
            &url,
            ".",
        ];
        fine(here, &only_main);
        fine(here, &["fetch", "--quiet", &url, "refs/pull/1/head"]);
        assert_eq!(
            fine(here, &["rev-parse", "FETCH_HEAD"]),
            good.commit.as_str()
        );
        whole(here);
    })
    .await;
}

#[tokio::test]
async fn git_with_unrelated_commits_of_its_own_gets_all() {
    let (forge, _changes) = forge().await;
    let url = clone_url(&forge);
    blocking(move || {
        let place = TempDir::new().unwrap();
        let here = place.path();
        fine(here, &["init", "--quiet"]);
        let someone = ["-c", "user.name=B", "-c", "user.email=b@example.org"];
        let commit = ["commit", "--quiet", "--allow-empty", "-m", "Another"];
        fine(here, &[&someone[..], &commit].concat());
        fine(here, &["fetch", "--quiet", &url, "main"]);
        whole(here);
    })
    .await;
}

#[tokio::test]
async fn git_is_told_what_is_not_there() {
    let (forge, _changes) = forge().await;
    let url = clone_url(&forge);
    blocking(move || {
        let place = TempDir::new().unwrap();
        let here = place.path();
        fine(here, &["init", "--quiet"]);
        let said = |arguments: &[&str]| {
            let output = git(here, arguments);
            assert!(!output.status.success(), "git {arguments:?} did not fail");
            String::from_utf8_lossy(&output.stderr).into_owned()
        };
        let none = "0123456789012345678901234567890123456789";
        assert!(said(&["fetch", &url, none]).contains("not our ref"));
        let old = said(&["-c", "protocol.version=0", "ls-remote", &url]);
        assert!(old.contains("version 2 of git's protocol only"), "{old}");
        let push = said(&["push", &url, "HEAD:refs/heads/x"]);
        assert!(push.contains("error") || push.contains("fatal"), "{push}");
    })
    .await;
}

fn source(forge: &Forge, branch: &str, commit: Option<CommitId>) -> Source {
    Source {
        clone_url: clone_url(forge).parse().expect("a URL"),
        refname: Refname::Branch(branch.to_owned()),
        commit,
    }
}

fn fetcher(forge: &Forge) -> Fetcher {
    let port = forge.url.port().expect("not the usual one");
    let policy = Policy::default()
        .with(Setting::AllowHttp, &format!("127.0.0.1:{port}"))
        .and_then(|policy| policy.with(Setting::AllowHosts, "127.0.0.1"));
    Fetcher::new(policy.expect("readable entries"), Limits::default())
}

#[tokio::test]
async fn our_own_fetcher_gets_what_git_checks_out() {
    let (forge, _changes) = forge().await;
    for PullRequest { branch, commit, .. } in forge.pull_requests.clone() {
        for asked in [Some(commit.clone()), None] {
            let (fetcher, source) = (fetcher(&forge), source(&forge, branch, asked));
            let (url, commit) = (clone_url(&forge), commit.clone());
            blocking(move || {
                let place = TempDir::new().unwrap();
                let ours = place.path().join("ours");
                let done = fetcher.fetch(&source, &ours).unwrap();
                assert_eq!((done.commit, done.files), (commit, 4));
                assert_eq!(done.notes, []);
                fine(
                    place.path(),
                    &["clone", "--quiet", "-b", branch, &url, "gits"],
                );
                fs::remove_dir_all(place.path().join("gits/.git")).unwrap();
                fine(place.path(), &["diff", "--no-index", "ours", "gits"]);
            })
            .await;
        }
    }
}

#[tokio::test]
async fn our_own_fetcher_is_told_that_a_commit_is_not_there() {
    let (forge, _changes) = forge().await;
    let commit = "0123456789012345678901234567890123456789".parse().unwrap();
    let (fetcher, source) = (fetcher(&forge), source(&forge, "main", Some(commit)));
    let result = blocking(move || {
        let place = TempDir::new().unwrap();
        fetcher.fetch(&source, &place.path().join("x"))
    });
    assert!(matches!(result.await, Err(Error::NoCommit { .. })));
}

#[test]
fn one_machine_can_do_all_that_its_buildspec_says() {
    let plan = chela_buildspec::parse(include_bytes!("../sample/main/buildspec.yml")).unwrap();
    assert_eq!(plan.notes, []);
    assert_eq!(plan.phases.len(), 3);
}

/// What the demonstration promises of its two pull requests, without anybody's runner.
#[tokio::test]
async fn the_good_change_passes_its_checks_and_the_bad_one_says_why_not() {
    let (forge, _changes) = forge().await;
    let [good, bad] = forge.pull_requests.clone();
    let said = async |pull_request: PullRequest| {
        let commit = Some(pull_request.commit);
        let (fetcher, source) = (fetcher(&forge), source(&forge, pull_request.branch, commit));
        blocking(move || {
            let place = TempDir::new().unwrap();
            let here = place.path().join("x");
            fetcher.fetch(&source, &here).unwrap();
            let mut check = std::process::Command::new("sh");
            let output = check.arg("check.sh").current_dir(here).output().unwrap();
            (
                output.status.success(),
                String::from_utf8(output.stdout).unwrap(),
            )
        })
        .await
    };
    let (passed, log) = said(good).await;
    assert!(passed, "{log}");
    let (passed, log) = said(bad).await;
    assert!(!passed, "{log}");
    assert!(
        log.contains("expected: Hello, Ada!\n        got:      Bonjour, Ada!"),
        "{log}"
    );
}
