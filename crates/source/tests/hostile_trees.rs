//! Trees that no honest git makes: nothing of them is written outside the target, through a link,
//! or where a git of the build would look, be it a directory or a zip.

mod support;

use std::fs;
use std::path::Path;

use chela_source::{Error, Limits, Note};
use rstest::rstest;
use support::zips::fetch_both;
use support::{Item, Place, Repository, Server, listing, source};

fn error_of(repository: &Repository, tree: &str) -> Error {
    let commit = repository.commit(tree);
    let server = Server::git(repository, true);
    fetch_both(
        Limits::default(),
        &source(&server, Some(&commit)),
        &Place::new(),
    )
    .expect_err("it is refused")
}

fn notes_of(repository: &Repository, tree: &str) -> (Vec<Note>, Place) {
    let commit = repository.commit(tree);
    let server = Server::git(repository, true);
    let place = Place::new();
    let fetched = fetch_both(Limits::default(), &source(&server, Some(&commit)), &place)
        .expect("it is fetched");
    (fetched.notes, place)
}

fn shown(notes: &[Note]) -> String {
    let lines: Vec<_> = notes.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[rstest]
#[case(b".git")]
#[case(b".GIT")]
#[case(b".Git")]
#[case(b"git~1")]
#[case(b"GIT~1")]
#[case(b".git ")]
#[case(b".git.")]
#[case(b".git::$INDEX_ALLOCATION")]
#[case(b".g\xe2\x80\x8cit")]
#[case(b"..")]
#[case(b".")]
#[case(b"/etc")]
#[case(b"../../up")]
#[case(b"a/b")]
#[case(b".git\\config")]
#[case(&[b'n'; 256])]
fn a_name_that_means_something_else_is_refused_at_any_depth(#[case] name: &[u8]) {
    let repository = Repository::new();
    let blob = repository.blob(b"[core]\nfsmonitor = /bin/false\n");
    let inner = repository.raw_tree(&[("100644", b"config", &blob)]);
    let as_directory = repository.raw_tree(&[("40000", name, &inner)]);
    let as_file = repository.raw_tree(&[("100644", name, &blob)]);
    let as_link = repository.raw_tree(&[("120000", name, &blob)]);
    let below = repository.raw_tree(&[("40000", b"sub", &as_file)]);
    for tree in [as_directory, as_file, as_link, below] {
        let error = error_of(&repository, &tree);
        assert!(matches!(error, Error::BadName { .. }), "{name:?}: {error}");
        assert!(!error.may_pass());
    }
}

#[test]
fn a_link_and_a_directory_of_the_same_name_are_refused() {
    let outside = tempfile::TempDir::new().unwrap();
    let repository = Repository::new();
    let target = repository.blob(outside.path().to_str().unwrap().as_bytes());
    let blob = repository.blob(b"written through a link");
    let inner = repository.raw_tree(&[("100644", b"file", &blob)]);
    let link = ("120000", &b"a"[..], target.as_str());
    let directory = ("40000", &b"a"[..], inner.as_str());
    for entries in [[link, directory], [directory, link]] {
        let tree = repository.raw_tree(&entries);
        let error = error_of(&repository, &tree);
        assert!(matches!(error, Error::BadName { .. }), "{error}");
    }
    assert!(listing(outside.path()).is_empty());
}

/// CVE-2021-21300 and CVE-2024-32002 were of this kind: `dir/file` written through the link `Dir`.
#[test]
fn a_link_or_directory_that_differs_only_by_case_is_left_out_and_said() {
    let repository = Repository::new();
    let (one, other) = (repository.blob(b"one"), repository.blob(b"other"));
    let inner = repository.raw_tree(&[("100644", b"file", &other)]);
    let tree = repository.raw_tree(&[
        ("120000", b"Dir", &one),
        ("100644", b"README", &one),
        ("40000", b"dir", &inner),
        ("100644", b"readme", &other),
    ]);
    let (notes, place) = notes_of(&repository, &tree);
    assert_eq!(notes.len(), 1, "{}", shown(&notes));
    assert!(matches!(notes[0], Note::CaseCollision { .. }));
    let there = listing(&place.target());
    let file = |content: &[u8]| Item::File(0o644, content.to_vec());
    assert_eq!(there.get(&b"README"[..]), Some(&file(b"one")));
    assert_eq!(there.get(&b"readme"[..]), Some(&file(b"other")));
    assert_eq!(there.get(&b"Dir"[..]), Some(&Item::Link(b"one".to_vec())));
    assert_eq!(there.len(), 3);
}

#[test]
fn a_link_out_of_the_tree_is_left_out_and_said() {
    let repository = Repository::new();
    let link = |target: &str| repository.blob(target.as_bytes());
    let (etc, up, inside, far) = (link("/etc"), link("../x"), link("d/e"), link("d/top/../x"));
    let (root, long) = (link("../.."), repository.blob(&[b'x'; 5000]));
    let e = repository.raw_tree(&[]);
    let d = repository.raw_tree(&[
        ("40000", b"e", &e),
        ("120000", b"fine", &up),
        ("120000", b"out", &root),
        ("120000", b"top", &link("..")),
    ]);
    let tree = repository.raw_tree(&[
        ("120000", b"absolute", &etc),
        ("40000", b"d", &d),
        ("120000", b"detour", &far),
        ("120000", b"inside", &inside),
        ("120000", b"long", &long),
        ("120000", b"up", &up),
    ]);
    let (notes, place) = notes_of(&repository, &tree);
    let text = shown(&notes);
    for name in ["absolute", "d/out", "detour", "long", "up"] {
        assert!(
            text.contains(&format!("\"{name}\" is left out")),
            "{name}: {text}"
        );
    }
    assert_eq!(notes.len(), 5, "{text}");
    let there = listing(&place.target());
    for name in ["d/fine", "d/top", "inside"] {
        assert!(
            matches!(there.get(name.as_bytes()), Some(Item::Link(_))),
            "{name}"
        );
    }
    let inside = fs::canonicalize(place.target()).unwrap();
    for (name, item) in &there {
        if matches!(item, Item::Link(_)) {
            let path = support::path_of(&place.target(), name);
            if let Ok(real) = fs::canonicalize(&path) {
                assert!(
                    real.starts_with(&inside),
                    "{} leaves the tree",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn a_name_with_control_characters_is_left_out_and_shown_harmless() {
    let repository = Repository::new();
    let blob = repository.blob(b"x");
    let tree = repository.raw_tree(&[
        ("100644", b"\x1b[2Jcleared", &blob),
        ("100644", b"a\nb", &blob),
        ("100644", b"back\\slash", &blob),
        ("100644", b"fine", &blob),
    ]);
    let (notes, place) = notes_of(&repository, &tree);
    assert_eq!(notes.len(), 2);
    assert!(!shown(&notes).contains('\u{1b}'));
    assert_eq!(listing(&place.target()).len(), 2);
}

#[test]
fn submodules_are_empty_directories_and_pointers_stay_and_both_are_said() {
    let repository = Repository::new();
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n";
    let (pointer_id, gone) = (repository.blob(pointer), "ab".repeat(20));
    let tree = repository.raw_tree(&[
        ("100644", b"large.bin", &pointer_id),
        ("160000", b"module", &gone),
    ]);
    let (notes, place) = notes_of(&repository, &tree);
    assert!(matches!(
        notes[..],
        [Note::LfsPointer { .. }, Note::Submodule { .. }]
    ));
    let there = listing(&place.target());
    assert_eq!(
        there[&b"large.bin"[..]],
        Item::File(0o644, pointer.to_vec())
    );
    assert_eq!(there[&b"module"[..]], Item::Directory(0o755));
}

#[test]
fn modes_that_git_never_writes_grant_nothing() {
    let repository = Repository::new();
    let blob = repository.blob(b"x");
    let tree = repository.raw_tree(&[
        ("100664", b"group", &blob),
        ("100777", b"all", &blob),
        ("104755", b"setuid", &blob),
    ]);
    let commit = repository.commit(&tree);
    let server = Server::git(&repository, true);
    let place = Place::new();
    match fetch_both(Limits::default(), &source(&server, Some(&commit)), &place) {
        Ok(_) => {
            for (name, item) in listing(&place.target()) {
                assert!(
                    matches!(item, Item::File(0o644 | 0o755, _)),
                    "{name:?}: {item:?}"
                );
            }
        }
        Err(error) => assert!(matches!(error, Error::BadPack { .. }), "{error}"),
    }
    assert!(!Path::new("/group").exists());
}
