//! git itself says what a checkout is: over many trees ours is the same, and so is an unzipped zip.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use chela_source::Limits;
use proptest::prelude::*;
use support::zips::fetch_both;
use support::{Place, Repository, Server, listing, path_of, source};
use tempfile::TempDir;

#[derive(Clone, Debug)]
enum Node {
    File(Vec<u8>, bool),
    Link(Vec<u8>),
    Directory(BTreeMap<Vec<u8>, Node>),
}

/// Names that ordinary people and ordinary tools make; none differs from another by case alone.
fn name() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-z][a-z0-9 ._-]{0,12}",
        "-[a-z-]{1,6}",
        "[a-z]{1,3}[*?\\[\\]$`'\"|;&<>(){}~#%!:=+,@^]{1,4}",
        "[äöüßéñ漢字🦀]{1,5}",
        Just(".gitignore".to_owned()),
        Just(".mailmap".to_owned()),
        Just(".github".to_owned()),
        Just("...".to_owned()),
        "[a-z]{1,3}\\\\x2d[a-z]{1,3}",
        Just(" ".to_owned()),
    ]
    .prop_map(|name| match name.as_str() {
        // Info-ZIP would leave out the byte 0xff.
        " " => b"not\xfdutf\xfe8".to_vec(),
        _ => name.into_bytes(),
    })
    .prop_filter("git refuses these", |name| {
        !name.starts_with(b"git~") && name != b"." && name != b".."
    })
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        proptest::collection::vec(any::<u8>(), 0..300),
        // Alike, so that git makes deltas of them, and with line ends that nobody may touch.
        (0..50_u8).prop_map(|n| format!("a line\r\nand {n}\n").repeat(200).into_bytes()),
    ]
}

fn tree() -> impl Strategy<Value = BTreeMap<Vec<u8>, Node>> {
    let leaf = prop_oneof![
        6 => (content(), any::<bool>()).prop_map(|(data, run)| Node::File(data, run)),
        1 => name().prop_map(Node::Link),
    ];
    let node = leaf.prop_recursive(4, 40, 8, |inner| {
        proptest::collection::btree_map(name(), inner, 1..8).prop_map(Node::Directory)
    });
    proptest::collection::btree_map(name(), node, 1..10)
}

fn write(directory: &Path, tree: &BTreeMap<Vec<u8>, Node>) {
    for (name, node) in tree {
        let path = path_of(directory, name);
        match node {
            Node::Directory(inside) => {
                fs::create_dir(&path).expect("a fresh directory takes it");
                write(&path, inside);
            }
            Node::Link(target) => {
                symlink(path_of(Path::new(""), target), &path).expect("a fresh directory takes it");
            }
            Node::File(data, executable) => {
                fs::write(&path, data).expect("a fresh directory takes it");
                let mode = if *executable { 0o755 } else { 0o644 };
                fs::set_permissions(&path, fs::Permissions::from_mode(mode))
                    .expect("a fresh directory takes it");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fetched_directory_or_zip_is_what_git_checks_out(tree in tree(), newest in any::<bool>()) {
        let repository = Repository::new();
        let files = TempDir::new().unwrap();
        write(files.path(), &tree);
        let commit = repository.commit_directory(files.path());
        repository.git(&["repack", "-adfq"], b"");
        let server = Server::git(&repository, newest);
        let place = Place::new();
        let fetched = fetch_both(Limits::default(), &source(&server, Some(&commit)), &place).unwrap();
        let theirs = repository.checkout(&commit);
        let (ours, theirs) = (listing(&place.target()), listing(theirs.path()));
        prop_assert_eq!(&ours, &theirs);
        let written = ours.values().filter(|item| !matches!(item, support::Item::Directory(_)));
        prop_assert_eq!(fetched.files, written.count() as u64);
        prop_assert_eq!(fetched.commit, commit);
        prop_assert_eq!(fetched.notes, vec![]);
    }
}

#[test]
fn large_files_deltas_and_many_directories_are_the_same_too() {
    let repository = Repository::new();
    let files = TempDir::new().unwrap();
    let mut state = 7_u32;
    let mut noise = Vec::new();
    for _ in 0..3_000_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        noise.push(state.to_be_bytes()[0]);
    }
    for n in 0..6_usize {
        noise[n * 1000] ^= 0xff;
        fs::write(files.path().join(format!("large-{n}")), &noise).unwrap();
    }
    for n in 0..300 {
        let directory = files.path().join(format!("d{}/e{n}", n % 20));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("file"), format!("{n}\n").repeat(n)).unwrap();
    }
    let commit = repository.commit_directory(files.path());
    repository.git(&["repack", "-adfq"], b"");
    let server = Server::git(&repository, true);
    let place = Place::new();
    let fetched = fetch_both(Limits::default(), &source(&server, None), &place).unwrap();
    assert_eq!(fetched.commit, commit);
    let theirs = repository.checkout(&commit);
    assert!(
        listing(&place.target()) == listing(theirs.path()),
        "the two directories differ"
    );
}
