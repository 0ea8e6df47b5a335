//! Each limit, hit once; and what is just within it. A zip has the same as a directory.

mod support;

use std::time::Duration;

use chela_source::{Error, Excess, Limits};
use support::zips::fetch_both;
use support::{Place, Repository, Server, source};

/// Twenty directories inside each other, files of noise, and one that is all alike.
fn repository() -> Repository {
    let repository = Repository::new();
    let small = repository.blob(b"small");
    let alike = repository.blob(&vec![0; 1_000_000]);
    let mut tree = repository.raw_tree(&[("100644", b"file", &small)]);
    for _ in 0..5 {
        tree = repository.raw_tree(&[("40000", b"directory", &tree)]);
    }
    let root = repository.raw_tree(&[
        ("100644", b"alike", &alike),
        ("40000", b"deep", &tree),
        ("100644", b"small", &small),
    ]);
    repository.commit(&root);
    repository
}

fn hit(limits: Limits) -> Option<Excess> {
    let repository = repository();
    let server = Server::git(&repository, true);
    match fetch_both(limits, &source(&server, None), &Place::new()) {
        Ok(_) => None,
        Err(Error::TooMuch { what, .. }) => Some(what),
        Err(error) => panic!("another error: {error}"),
    }
}

#[test]
fn bytes_over_the_network_are_limited() {
    let limits = |received| Limits {
        received,
        ..Limits::default()
    };
    assert_eq!(hit(limits(1000)), Some(Excess::Received));
    assert_eq!(hit(limits(5000)), None);
}

#[test]
fn bytes_of_one_file_are_limited_however_small_it_is_when_packed() {
    let limits = |file| Limits {
        file,
        ..Limits::default()
    };
    assert_eq!(hit(limits(999_999)), Some(Excess::File));
    assert_eq!(hit(limits(1_000_000)), None);
}

#[test]
fn bytes_of_all_objects_are_limited() {
    let limits = |unpacked| Limits {
        unpacked,
        ..Limits::default()
    };
    assert_eq!(hit(limits(1_000_000)), Some(Excess::Unpacked));
    assert_eq!(hit(limits(1_001_000)), None);
}

#[test]
fn files_and_directories_are_counted() {
    let limits = |files| Limits {
        files,
        ..Limits::default()
    };
    assert_eq!(hit(limits(5)), Some(Excess::Files));
    assert_eq!(hit(limits(8)), Some(Excess::Files));
    assert_eq!(hit(limits(9)), None);
}

#[test]
fn depth_and_length_of_a_path_are_limited() {
    let depth = |depth| Limits {
        depth,
        ..Limits::default()
    };
    assert_eq!(hit(depth(5)), Some(Excess::Depth));
    assert_eq!(hit(depth(6)), None);
    let longest = "deep/directory/directory/directory/directory/directory/file".len();
    let path = |path| Limits {
        path,
        ..Limits::default()
    };
    assert_eq!(hit(path(longest - 1)), Some(Excess::Path));
    assert_eq!(hit(path(longest)), None);
}

/// Ten entries of one tree, ten times inside each other: ten thousand million files out of twelve
/// objects.
#[test]
fn a_tree_that_repeats_itself_ends_at_the_limit() {
    let repository = Repository::new();
    let blob = repository.blob(b"a file");
    let names: Vec<Vec<u8>> = (b'a'..=b'j').map(|name| vec![name]).collect();
    let ten = |mode: &'static str, id: &str| {
        let entries: Vec<_> = names.iter().map(|name| (mode, &name[..], id)).collect();
        repository.raw_tree(&entries)
    };
    let mut tree = ten("100644", &blob);
    for _ in 0..9 {
        tree = ten("40000", &tree);
    }
    repository.commit(&tree);
    let server = Server::git(&repository, true);
    let few = Limits {
        files: 2000,
        ..Limits::default()
    };
    let error = fetch_both(few, &source(&server, None), &Place::new()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::TooMuch {
                what: Excess::Files,
                ..
            }
        ),
        "{error}"
    );
}

/// The same content over and over costs one object and fills a disk.
#[test]
fn what_is_written_is_limited_too() {
    let repository = Repository::new();
    let blob = repository.blob(&vec![0; 1_000_000]);
    let names: Vec<_> = (0..20).map(|n| format!("copy{n}")).collect();
    let entries: Vec<_> = names
        .iter()
        .map(|name| ("100644", name.as_bytes(), blob.as_str()))
        .collect();
    let tree = repository.raw_tree(&entries);
    repository.commit(&tree);
    let server = Server::git(&repository, true);
    let limits = Limits {
        unpacked: 10_000_000,
        ..Limits::default()
    };
    let error = fetch_both(limits, &source(&server, None), &Place::new()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::TooMuch {
                what: Excess::Unpacked,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn the_longest_time_there_is_does_not_overflow() {
    let limits = Limits {
        time: Duration::MAX,
        ..Limits::default()
    };
    assert_eq!(hit(limits), None);
}

#[test]
fn time_is_limited() {
    let repository = repository();
    let server = Server::git(&repository, true);
    let limits = Limits {
        time: Duration::from_millis(1),
        ..Limits::default()
    };
    let error = fetch_both(limits, &source(&server, None), &Place::new()).unwrap_err();
    assert!(matches!(error, Error::TooSlow { .. }), "{error}");
    assert!(error.may_pass());
}
