//! A pack, after the name of the commit that is wanted. Whatever it is, it becomes a directory or an
//! error that people can read, and nothing else is left; and as a zip it becomes the same.
#![no_main]

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use chela_contract::CommitId;
use chela_source::{Error, Limits, unpack, zip};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// Few of each, so that what takes long is a find.
const LIMITS: Limits = Limits {
    received: 1 << 20,
    unpacked: 1 << 20,
    files: 100,
    file: 1 << 16,
    path: 256,
    depth: 8,
    time: Duration::from_secs(5),
};

static PLACE: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a place to work"));

fuzz_target!(|bytes: &[u8]| {
    let Some((name, pack)) = bytes.split_at_checked(20) else {
        return;
    };
    let commit = name.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes it all");
        hex
    });
    let Ok(commit) = commit.parse::<CommitId>() else {
        return;
    };
    let zipped = zip(pack, commit.clone(), PLACE.path(), &LIMITS, |_| {
        Ok(io::sink())
    });
    let target = PLACE.path().join("target");
    let unpacked = unpack(pack, commit, &target, &LIMITS);
    let said = |error: &Error| error.to_string();
    assert_eq!(
        zipped.as_ref().map_err(said),
        unpacked.as_ref().map_err(said)
    );
    if let Err(error) = &unpacked {
        let text = error.to_string();
        assert!(
            text.len() < 4096 && !text.chars().any(char::is_control),
            "{text}"
        );
    }
    let entries = fs::read_dir(PLACE.path()).expect("it is there");
    let left: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it reads").path())
        .collect();
    let expected: &[PathBuf] = if unpacked.is_ok() {
        fs::remove_dir_all(&target).expect("it was made");
        &[target]
    } else {
        &[]
    };
    assert_eq!(left, expected);
});
