//! Which commit it becomes, by either version of git's protocol.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chela_contract::{CommitId, Refname, Source};
use chela_outbound::{Policy, Refused};
use chela_source::{Error, Fetcher, Limits, TargetError};
use rstest::rstest;
use support::{Place, Repository, Server, fetch, source};

fn commit_of(repository: &Repository, text: &str) -> CommitId {
    let blob = repository.blob(text.as_bytes());
    let tree = repository.raw_tree(&[("100644", b"file", &blob)]);
    repository.commit(&tree)
}

fn content(place: &Place) -> String {
    std::fs::read_to_string(place.target().join("file")).expect("it was fetched")
}

fn with_ref(server: &Server, refname: Refname) -> Source {
    Source {
        refname,
        ..source(server, None)
    }
}

#[rstest]
fn a_branch_or_tag_without_a_commit_becomes_its_tip(#[values(true, false)] newest: bool) {
    let repository = Repository::new();
    let old = commit_of(&repository, "old");
    repository.git(&["tag", "light", old.as_str()], b"");
    repository.git(&["tag", "-a", "-m", "A tag", "heavy", old.as_str()], b"");
    repository.git(&["branch", "maintenance", old.as_str()], b"");
    let new = commit_of(&repository, "new");
    let server = Server::git(&repository, newest);
    for (refname, expected, text) in [
        (Refname::Branch("main".to_owned()), &new, "new"),
        (Refname::Branch("maintenance".to_owned()), &old, "old"),
        (Refname::Tag("light".to_owned()), &old, "old"),
        (Refname::Tag("heavy".to_owned()), &old, "old"),
    ] {
        let place = Place::new();
        let fetched = fetch(&with_ref(&server, refname), &place).unwrap();
        assert_eq!(&fetched.commit, expected);
        assert_eq!(content(&place), text);
    }
}

#[rstest]
fn a_ref_that_is_not_there_is_named(#[values(true, false)] newest: bool) {
    let repository = Repository::new();
    commit_of(&repository, "a");
    let server = Server::git(&repository, newest);
    // Only the beginning of a name is asked for, so that `main` must not do for `mai`.
    for refname in [
        Refname::Branch("mai".to_owned()),
        Refname::Tag("main".to_owned()),
    ] {
        let error = fetch(&with_ref(&server, refname), &Place::new()).unwrap_err();
        assert!(matches!(error, Error::NoRef { .. }), "{error}");
        assert!(!error.may_pass());
    }
}

/// Text from outside: what no ref can be called is not even asked for.
#[test]
fn a_name_that_no_ref_can_have_is_not_asked_for() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let server = Server::start(move |_, _| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    for name in [
        "",
        "a\n0000",
        "a b",
        "../main",
        "a\0b",
        "x".repeat(70_000).as_str(),
    ] {
        let refname = Refname::Branch(name.to_owned());
        let error = fetch(&with_ref(&server, refname), &Place::new()).unwrap_err();
        assert!(matches!(error, Error::NoRef { .. }), "{error}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[rstest]
fn an_empty_repository_has_no_branch(#[values(true, false)] newest: bool) {
    let repository = Repository::new();
    let server = Server::git(&repository, newest);
    let error = fetch(&source(&server, None), &Place::new()).unwrap_err();
    assert!(matches!(error, Error::NoRef { .. }), "{error}");
}

#[test]
fn a_commit_that_no_ref_names_is_had_by_the_newest_protocol() {
    let repository = Repository::new();
    let old = commit_of(&repository, "old");
    commit_of(&repository, "new");
    let server = Server::git(&repository, true);
    let place = Place::new();
    assert_eq!(
        fetch(&source(&server, Some(&old)), &place).unwrap().commit,
        old
    );
    assert_eq!(content(&place), "old");
}

#[test]
fn the_first_protocol_gives_a_bare_commit_only_where_the_server_allows_it() {
    let repository = Repository::new();
    let old = commit_of(&repository, "old");
    let new = commit_of(&repository, "new");
    let orphan = repository.git(&["commit-tree", &format!("{new}^{{tree}}"), "-m", "B"], b"");
    repository.git(&["update-ref", "refs/heads/main", &orphan], b"");
    repository.git(&["update-ref", "refs/pull/1/head", new.as_str()], b"");
    let server = Server::git(&repository, false);
    fetch(&source(&server, Some(&new)), &Place::new()).expect("a pull request's ref names it");
    let error = fetch(&source(&server, Some(&old)), &Place::new()).unwrap_err();
    assert!(matches!(error, Error::NoCommit { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("uploadpack.allowReachableSHA1InWant")
    );

    repository.git(&["config", "uploadpack.allowAnySHA1InWant", "true"], b"");
    fetch(&source(&server, Some(&old)), &Place::new()).expect("the server allows it now");
}

#[rstest]
fn a_commit_that_is_nowhere_is_said_so(#[values(true, false)] newest: bool) {
    let repository = Repository::new();
    commit_of(&repository, "a");
    let server = Server::git(&repository, newest);
    let nowhere: CommitId = "12".repeat(20).parse().unwrap();
    let error = fetch(&source(&server, Some(&nowhere)), &Place::new()).unwrap_err();
    assert!(matches!(error, Error::NoCommit { .. }), "{error}");
}

#[test]
fn a_tag_of_a_tree_is_not_a_commit() {
    let repository = Repository::new();
    commit_of(&repository, "a");
    repository.git(&["tag", "tree", "main^{tree}"], b"");
    let server = Server::git(&repository, true);
    let source = with_ref(&server, Refname::Tag("tree".to_owned()));
    let error = fetch(&source, &Place::new()).unwrap_err();
    assert!(matches!(error, Error::NotACommit { .. }), "{error}");
}

#[test]
fn only_the_one_commit_is_sent() {
    let repository = Repository::new();
    let file = repository.blob(&b"much ".repeat(10));
    let tree = repository.raw_tree(&[("100644", b"file", &file)]);
    let mut parent = repository.commit(&tree).to_string();
    for n in 0..50 {
        let message = n.to_string();
        parent = repository.git(&["commit-tree", &tree, "-p", &parent, "-m", &message], b"");
    }
    repository.git(&["update-ref", "refs/heads/main", &parent], b"");
    let server = Server::git(&repository, true);
    // More than three objects would be refused: a commit, its tree, its file.
    let limits = Limits {
        files: 1,
        ..Limits::default()
    };
    support::fetch_within(limits, &source(&server, None), &Place::new()).unwrap();
}

#[test]
fn the_target_may_be_an_empty_directory_and_nothing_else() {
    let repository = Repository::new();
    let commit = commit_of(&repository, "a");
    let server = Server::git(&repository, true);
    let source = source(&server, Some(&commit));
    let fetcher = Fetcher::new(support::policy(&source), Limits::default());
    let parent = tempfile::TempDir::new().unwrap();
    let target = parent.path().join("target");
    std::fs::create_dir(&target).unwrap();
    fetcher.fetch(&source, &target).unwrap();
    let error = fetcher.fetch(&source, &target).unwrap_err();
    assert!(
        matches!(error, Error::Target(TargetError::Occupied { .. })),
        "{error}"
    );
    let link = parent.path().join("link");
    std::os::unix::fs::symlink(parent.path().join("elsewhere"), &link).unwrap();
    let error = fetcher.fetch(&source, &link).unwrap_err();
    assert!(
        matches!(error, Error::Target(TargetError::Occupied { .. })),
        "{error}"
    );
}

#[test]
fn nothing_is_asked_where_the_policy_says_no() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let server = Server::start(move |_, _| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    for url in [
        server.url(),
        server.url().replace("http:", "https:"),
        server.url().replace("http:", "https+sigv4:"),
        "file:///etc/passwd".to_owned(),
        "ssh://git@example.org/repo.git".to_owned(),
        "https://user:password@example.org/repo.git".to_owned(),
        "https://127.0.0.1/repo.git".to_owned(),
        "https://[::1]/repo.git".to_owned(),
        "https://localhost/repo.git".to_owned(),
    ] {
        let source = Source {
            clone_url: url.parse().unwrap(),
            ..source(&server, None)
        };
        let place = Place::new();
        let fetcher = Fetcher::new(Policy::default(), Limits::default());
        let error = fetcher.fetch(&source, &place.target()).unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{url}: {error}");
        assert!(!error.may_pass());
        assert!(place.left().is_empty());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[test]
fn a_name_that_leads_inwards_is_refused() {
    struct Inwards;
    impl chela_outbound::Resolve for Inwards {
        fn addresses(&self, _: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
            Ok(vec![[192, 0, 2, 1].into(), [10, 0, 0, 1].into()])
        }
    }
    let source = Source {
        clone_url: "https://git.example.org/repo.git".parse().unwrap(),
        refname: Refname::Branch("main".to_owned()),
        commit: None,
    };
    let fetcher =
        Fetcher::new(Policy::default(), Limits::default()).with_resolver(Arc::new(Inwards));
    let place = Place::new();
    let error = fetcher.fetch(&source, &place.target()).unwrap_err();
    assert!(
        matches!(error, Error::Refused(Refused::Address { .. })),
        "{error}"
    );
}
