//! What a zip is beside the files in it: always the same bytes, ones that every reader takes, and
//! handed on until somebody takes no more.

mod support;

use std::fs;
use std::io::{self, Write};

use chela_contract::CommitId;
use chela_source::{Error, Fetcher, Limits};
use rstest::rstest;
use support::zips::{EMPTY, python, unzip, zip};
use support::{Item, Repository, Server, listing, policy, source};
use tempfile::TempDir;

/// Files that git makes deltas of, a program, a link, a submodule and what no file may leave out.
fn tree(repository: &Repository) -> String {
    let attributes = repository.blob(b"*.c export-ignore\nversion export-subst\n");
    let subst = repository.blob(b"$Format:%H$\n");
    let (gone, target) = ("ab".repeat(20), repository.blob(b"src/file0.c"));
    let lines: Vec<_> = (0..40)
        .map(|n| repository.blob(format!("{n}\n{}", "a line\n".repeat(500)).as_bytes()))
        .collect();
    let names: Vec<_> = (0..40).map(|n| format!("file{n}.c")).collect();
    let mut files: Vec<_> = names.iter().map(String::as_bytes).zip(&lines).collect();
    files.sort_unstable();
    let files: Vec<_> = files
        .iter()
        .map(|(name, id)| ("100644", *name, id.as_str()))
        .collect();
    let src = repository.raw_tree(&files);
    repository.raw_tree(&[
        ("100644", b".gitattributes", &attributes),
        ("120000", b"first", &target),
        ("160000", b"module", &gone),
        ("100755", b"run", &subst),
        ("40000", b"src", &src),
        ("100644", b"version", &subst),
        ("100644", "Überschuß".as_bytes(), &subst),
    ])
}

fn zipped(repository: &Repository, newest: bool, commit: &CommitId) -> Vec<u8> {
    let server = Server::git(repository, newest);
    zip(&source(&server, Some(commit)))
        .expect("it is fetched")
        .bytes
}

#[test]
fn the_same_tree_is_the_same_bytes_whatever_commit_protocol_and_pack_it_comes_by() {
    let repository = Repository::new();
    let tree = tree(&repository);
    let first = repository.commit(&tree);
    let loose = zipped(&repository, true, &first);
    let other = repository.git(
        &["commit-tree", &tree, "-p", first.as_str(), "-m", "Another"],
        b"",
    );
    repository.git(&["update-ref", "refs/heads/main", &other], b"");
    let other = other.parse().expect("git names commits so");
    for depth in ["--depth=0", "--depth=50"] {
        repository.git(&["repack", "-adfq", "--window=50", depth], b"");
        for newest in [true, false] {
            let bytes = zipped(&repository, newest, &other);
            assert!(bytes == loose, "{depth}, protocol 2: {newest}");
        }
    }
}

#[test]
fn a_zip_out_of_a_pack_that_is_there_is_the_one_that_a_fetch_makes() {
    let repository = Repository::new();
    let commit = repository.commit(&tree(&repository));
    let fetched = zipped(&repository, true, &commit);
    repository.git(&["repack", "-adq"], b"");
    let packs = fs::read_dir(repository.git_dir().join("objects/pack")).expect("it is there");
    let mut packs = packs.map(|entry| entry.expect("it reads").path());
    let pack = packs.find(|path| path.extension().is_some_and(|ending| ending == "pack"));
    let pack = fs::read(pack.expect("git has packed")).expect("it reads");
    let (scratch, mut bytes) = (TempDir::new().expect("a place"), Vec::new());
    let (scratch, limits) = (scratch.path().join("made/when/needed"), Limits::default());
    chela_source::zip(&pack[..], commit, &scratch, &limits, |_| Ok(&mut bytes))
        .expect("it is within the limits");
    assert!(bytes == fetched, "the two zips differ");
}

/// Python's `zipfile` is what AWS's own tools for the command line read zips with.
#[test]
fn every_entry_has_the_first_date_the_mode_that_git_gave_it_and_a_name_that_can_be_read() {
    let repository = Repository::new();
    let commit = repository.commit(&tree(&repository));
    let script = r#"
assert zip.testzip() is None
for entry in zip.infolist():
    assert entry.date_time == (1980, 1, 1, 0, 0, 0), entry
    assert entry.create_system == 3, entry
    if not entry.filename.startswith("src/"):
        mark = "UTF-8" if entry.flag_bits & 0x800 else ""
        print(f"{entry.external_attr >> 16:06o}", entry.filename, entry.file_size, mark)
"#;
    let expected = "100644 .gitattributes 39 \n\
                    040755 module/ 0 \n\
                    100755 run 12 \n\
                    100644 version 12 \n\
                    100644 Überschuß 12 UTF-8\n\
                    120777 first 11 \n";
    assert_eq!(
        python(&zipped(&repository, true, &commit), script),
        expected
    );
}

#[test]
fn no_attribute_leaves_a_file_out_or_writes_the_commit_into_it() {
    let repository = Repository::new();
    let commit = repository.commit(&tree(&repository));
    let unzipped = unzip(&zipped(&repository, true, &commit));
    let there = listing(unzipped.path());
    assert_eq!(there.len(), 47);
    let subst = Item::File(0o644, b"$Format:%H$\n".to_vec());
    assert_eq!(there.get(&b"version"[..]), Some(&subst));
}

#[test]
fn a_directory_that_nothing_was_written_into_stands_for_itself() {
    let repository = Repository::new();
    let (out, empty) = (repository.blob(b"/etc"), repository.raw_tree(&[]));
    let links = repository.raw_tree(&[("120000", b"out", &out)]);
    let above = repository.raw_tree(&[("40000", b"empty", &empty)]);
    let tree = repository.raw_tree(&[("40000", b"above", &above), ("40000", b"links", &links)]);
    let commit = repository.commit(&tree);
    let names = python(&zipped(&repository, true, &commit), "print(zip.namelist())");
    assert_eq!(names.trim_end(), "['above/empty/', 'links/']");
}

#[test]
fn a_commit_of_nothing_is_a_zip_of_nothing() {
    let repository = Repository::new();
    let commit = repository.commit(&repository.raw_tree(&[]));
    let bytes = zipped(&repository, true, &commit);
    assert_eq!(bytes.len(), EMPTY);
    assert_eq!(python(&bytes, "print(zip.namelist())").trim_end(), "[]");
}

/// The field that counts them has 16 bits.
#[test]
fn a_zip_has_more_than_65535_entries_where_a_commit_has() {
    let repository = Repository::new();
    let blob = repository.blob(b"x");
    let names: Vec<_> = (0..70_000).map(|n| format!("file{n:05}")).collect();
    let entries: Vec<_> = names
        .iter()
        .map(|name| ("100644", name.as_bytes(), blob.as_str()))
        .collect();
    let commit = repository.commit(&repository.raw_tree(&entries));
    let bytes = zipped(&repository, true, &commit);
    let said = python(&bytes, "print(len(zip.namelist()), zip.namelist()[-1])");
    assert_eq!(said.trim_end(), "70000 file69999");
    assert_eq!(listing(unzip(&bytes).path()).len(), 70_000);
}

/// Takes so many bytes.
struct Full(usize);

#[derive(Debug, thiserror::Error)]
#[error("it is full")]
struct Enough;

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.0.checked_sub(bytes.len());
        self.0 = left.ok_or_else(|| io::Error::other(Enough))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[rstest]
#[case::at_once(|_| 0)]
#[case::in_the_middle(|length| length / 2)]
#[case::at_the_end(|length| length - 1)]
fn whoever_takes_no_more_finds_the_own_error(#[case] room: fn(usize) -> usize) {
    let repository = Repository::new();
    let mut noise = Vec::new();
    let mut state = 7_u32;
    for _ in 0..400_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        noise.push(state.to_be_bytes()[0]);
    }
    let blob = repository.blob(&noise);
    let many: Vec<_> = (0..100).map(|n| format!("z{n:02}")).collect();
    let small = repository.blob(b"small");
    let mut entries = vec![("100644", &b"noise"[..], blob.as_str())];
    entries.extend(
        many.iter()
            .map(|name| ("100644", name.as_bytes(), small.as_str())),
    );
    let commit = repository.commit(&repository.raw_tree(&entries));
    let room = room(zipped(&repository, true, &commit).len());
    let server = Server::git(&repository, true);
    let source = source(&server, Some(&commit));
    let scratch = TempDir::new().expect("a place");
    let fetcher = Fetcher::new(policy(&source), Limits::default());
    let error = fetcher
        .zip(&source, scratch.path(), |_| Ok(Full(room)))
        .unwrap_err();
    assert!(error.may_pass());
    let Error::Output(own) = error else {
        panic!("another error: {error}");
    };
    assert!(matches!(own.downcast(), Ok(Enough)), "it is another error");
    let left = fs::read_dir(scratch.path()).expect("it is there").count();
    assert_eq!(left, 0);
}

#[test]
fn nobody_is_asked_to_receive_what_cannot_be_fetched() {
    let repository = Repository::new();
    let blob = repository.blob(b"x");
    let commit = repository.commit(&repository.raw_tree(&[("100644", b"file", &blob)]));
    let server = Server::git(&repository, true);
    let source = source(&server, Some(&commit));
    let limits = Limits {
        unpacked: 10,
        ..Limits::default()
    };
    let scratch = TempDir::new().expect("a place");
    let begin = |_: &CommitId| -> io::Result<Vec<u8>> { panic!("it was begun") };
    let fetcher = Fetcher::new(policy(&source), limits);
    let error = fetcher.zip(&source, scratch.path(), begin).unwrap_err();
    assert!(matches!(error, Error::TooMuch { .. }), "{error}");
}
