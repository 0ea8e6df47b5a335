//! Zips, and what ordinary programs make of them.

use std::fs::{self, File};
use std::io;
use std::process::{Command, Stdio};

use chela_source::{Error, Fetched, Fetcher, Limits};
use tempfile::TempDir;

use super::{Place, fetch_within, listing, policy};
use chela_contract::Source;

/// A zip, and what was said of it.
#[derive(Debug)]
pub struct Zipped {
    pub fetched: Fetched,
    pub bytes: Vec<u8>,
}

/// Fetches a zip with these limits, and checks what is left behind.
pub fn zip_within(limits: Limits, source: &Source) -> Result<Zipped, Error> {
    let scratch = TempDir::new().expect("a place for it");
    let mut bytes = Vec::new();
    let mut begun = None;
    let result = Fetcher::new(policy(source), limits).zip(source, scratch.path(), |commit| {
        begun = Some(commit.clone());
        Ok(&mut bytes)
    });
    let left = fs::read_dir(scratch.path()).expect("it is there").count();
    assert_eq!(left, 0, "{result:?} left something behind");
    result.map(|fetched| {
        assert_eq!(begun.as_ref(), Some(&fetched.commit));
        Zipped { fetched, bytes }
    })
}

pub fn zip(source: &Source) -> Result<Zipped, Error> {
    zip_within(Limits::default(), source)
}

/// Fetches a directory and a zip. What is said of the two is the same, and so is what Info-ZIP's
/// `unzip` makes of the zip.
pub fn fetch_both(limits: Limits, source: &Source, place: &Place) -> Result<Fetched, Error> {
    let directory = fetch_within(limits.clone(), source, place);
    match (directory, zip_within(limits, source)) {
        (Ok(fetched), Ok(zipped)) => {
            assert_eq!(fetched, zipped.fetched);
            let unzipped = unzip(&zipped.bytes);
            assert_eq!(listing(unzipped.path()), listing(&place.target()));
            Ok(fetched)
        }
        (Err(error), Err(same)) => {
            assert_eq!(error.to_string(), same.to_string());
            Err(error)
        }
        (directory, zip) => panic!("the directory: {directory:?}, the zip: {zip:?}"),
    }
}

/// What Info-ZIP makes of it.
pub fn unzip(bytes: &[u8]) -> TempDir {
    let directory = TempDir::new().expect("a place for it");
    // It calls a zip without any entry an error.
    if bytes.len() == EMPTY {
        return directory;
    }
    let file = written(bytes);
    let output = Command::new("unzip")
        .env("LC_ALL", "C.UTF-8")
        // Or it takes the `;1` of a name for a version of VMS.
        .args(["-q", "-V"])
        .arg(file.path().join("zip"))
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .output()
        .expect("unzip runs");
    assert!(output.status.success(), "{output:?}");
    directory
}

/// What stands at the end of each zip, and alone in one of nothing.
pub const EMPTY: usize = 22;

/// What this script for Python says, whose `zip` is the zip as its `zipfile` sees it.
pub fn python(bytes: &[u8], script: &str) -> String {
    let file = written(bytes);
    let begin = "import sys, zipfile\nzip = zipfile.ZipFile(sys.argv[1])\n";
    let output = Command::new("python3")
        .args(["-I", "-X", "utf8", "-c", &format!("{begin}{script}")])
        .arg(file.path().join("zip"))
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("it is told to write UTF-8")
}

fn written(bytes: &[u8]) -> TempDir {
    let directory = TempDir::new().expect("a place for it");
    let file = File::create(directory.path().join("zip"));
    io::copy(&mut &bytes[..], &mut file.expect("a fresh file")).expect("it takes it");
    directory
}
