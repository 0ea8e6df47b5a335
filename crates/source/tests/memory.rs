//! What a fetch takes of memory. One test is the whole program, so that the peak is its own.

mod support;

use std::fs;

use chela_source::Error;
use support::lies::{Packer, sends_pack, stored};
use support::{Place, Repository, Server, fetch, source};

/// Of this process, in MiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kib.map(|kib: u64| kib / 1024).expect("Linux has it")
}

const UNFOLDED: u32 = 4 << 20;

/// Seven bits a byte, the lowest first.
fn number(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 128 {
        bytes.push(0x80 | u8::try_from(value & 127).expect("seven bits"));
        value >>= 7;
    }
    bytes.push(u8::try_from(value).expect("seven bits"));
    bytes
}

/// The same bytes but for the last one.
fn nearly_the_same(last: u8) -> Vec<u8> {
    let copied = (UNFOLDED - 1).to_le_bytes();
    let copy = [0xf0, copied[0], copied[1], copied[2]];
    let sizes = [number(UNFOLDED), number(UNFOLDED)].concat();
    [&sizes[..], &copy, &[1, last]].concat()
}

/// Some kilobytes that become sixty blobs of 4 MiB. Twenty stand on each other, and on each stand
/// two more: resolved the simple way, all those that others stand on are held at once.
fn bomb() -> Vec<u8> {
    let mut packer = Packer::default();
    let small = vec![b'x'; 0x8000];
    let base = packer.raw(3, 0x8000, &stored(&small));
    let unfold = [0xb0, 0x00, 0x80].repeat(UNFOLDED as usize / small.len());
    let sizes = [number(0x8000), number(UNFOLDED)].concat();
    let mut below = packer.delta(base, &[sizes, unfold].concat());
    for number in 0..20 {
        let beside = packer.delta(below, &nearly_the_same(3 * number));
        packer.delta(beside, &nearly_the_same(3 * number + 1));
        below = packer.delta(below, &nearly_the_same(3 * number + 2));
    }
    packer.done()
}

#[test]
fn neither_a_large_file_nor_deltas_upon_deltas_fill_the_memory() {
    let repository = Repository::new();
    // Not through this process, whose peak it would be.
    let zeros = repository.home.path().join("zeros");
    let file = fs::File::create(&zeros).expect("a place for it");
    file.set_len(48 << 20).expect("a file with a hole");
    let zeros = zeros.to_str().expect("an ordinary path");
    let large = repository.git(&["hash-object", "-w", zeros], b"");
    let tree = repository.raw_tree(&[("100644", b"large", &large)]);
    let before = peak();
    repository.commit(&tree);
    let server = Server::git(&repository, true);
    let place = Place::new();
    let fetched = fetch(&source(&server, None), &place).expect("within the limits");
    assert_eq!(fetched.bytes, 48 << 20);
    let after = peak();
    assert!(after < before + 24, "{before} MiB became {after} MiB");

    let server = sends_pack(bomb());
    let commit = "12".repeat(20).parse().expect("a name");
    let error = fetch(&source(&server, Some(&commit)), &Place::new()).unwrap_err();
    // All of it was resolved, but the commit is not in it.
    assert!(matches!(error, Error::Incomplete { .. }), "{error}");
    let after = peak();
    assert!(after < before + 48, "{before} MiB became {after} MiB");
}
