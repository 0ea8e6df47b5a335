//! What a zip takes of memory. One test is the whole program, so that the peak is its own.

mod support;

use std::fs;
use std::io::{self, Write};

use chela_source::{Fetcher, Limits};
use support::{Repository, Server, policy, source};
use tempfile::TempDir;

/// Of this process, in MiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kib.map(|kib: u64| kib / 1024).expect("Linux has it")
}

struct Count<'a>(&'a mut u64);

impl Write for Count<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        *self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn neither_a_large_file_nor_many_of_them_fill_the_memory() {
    let repository = Repository::new();
    // Not through this process, whose peak it would be.
    let zeros = repository.home.path().join("zeros");
    let file = fs::File::create(&zeros).expect("a place for it");
    file.set_len(48 << 20).expect("a file with a hole");
    let zeros = zeros.to_str().expect("an ordinary path");
    let large = repository.git(&["hash-object", "-w", zeros], b"");
    let noise: Vec<u8> = (0..10_000_u32)
        .flat_map(|n| n.wrapping_mul(n).to_le_bytes())
        .collect();
    let small = repository.blob(&noise[..10_000]);
    let names: Vec<_> = (0..200).map(|n| format!("file{n:03}")).collect();
    let files: Vec<_> = names
        .iter()
        .map(|name| ("100644", name.as_bytes(), small.as_str()))
        .collect();
    let files = repository.raw_tree(&files);
    let directories: Vec<_> = (0..100).map(|n| format!("part{n:02}")).collect();
    let mut entries = vec![("100644", &b"large"[..], large.as_str())];
    entries.extend(
        directories
            .iter()
            .map(|name| ("40000", name.as_bytes(), files.as_str())),
    );
    repository.commit(&repository.raw_tree(&entries));
    let server = Server::git(&repository, true);
    let source = source(&server, None);
    let scratch = TempDir::new().expect("a place for it");
    let fetcher = Fetcher::new(policy(&source), Limits::default());
    let (before, mut length) = (peak(), 0);
    let result = fetcher
        .zip(&source, scratch.path(), |_| Ok(Count(&mut length)))
        .expect("it is within the limits");
    let after = peak();
    assert_eq!(result.files, 20_001);
    assert!(
        result.bytes > 240_000_000 && length > 20_000_000,
        "{length} of {result:?}"
    );
    assert!(after < before + 24, "{before} MiB became {after} MiB");
}
