//! A build's processes, read from `/proc`: who descends from whom, and what they hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
};

use rustix::process::Pid;

/// What the processes of one build take together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) processes: u64,
    pub(crate) memory: u64,
    /// Files on a disk that no folder names any more.
    pub(crate) deleted: u64,
}

/// The descendants of a process, parents first, without itself.
pub(crate) fn descendants(root: Pid) -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for (pid, parent) in processes() {
        children.entry(parent).or_default().push(pid);
    }
    let mut found: Vec<i32> = vec![root.as_raw_nonzero().get()];
    let mut next = 0;
    while let Some(parent) = found.get(next) {
        // Taken out, so that a process number used anew in between cannot make a circle.
        found.extend(children.remove(parent).unwrap_or_default());
        next += 1;
    }
    found
        .into_iter()
        .skip(1)
        .filter_map(Pid::from_raw)
        .collect()
}

/// What these processes take together. `disks` are the devices of the build's folders: an open file
/// without a name on any other device is memory (`memfd_create`, tmpfs).
pub(crate) fn taken(pids: &[Pid], memory_limit: u64, disks: &[u64]) -> Taken {
    let all: Vec<Status> = pids.iter().map(|pid| Status::of(*pid)).collect();
    let (deleted, nameless_memory) = deleted(pids, disks);
    // Shared memory is counted as mapped or as open, whichever is more.
    let memory = |anonymous: u64, shared: u64| anonymous + shared.max(nameless_memory);
    let sum = |part: fn(&Status) -> u64| all.iter().map(part).sum::<u64>();
    let mut taken = Taken {
        processes: sum(|status| status.threads),
        memory: memory(sum(|status| status.anonymous), sum(|status| status.shared)),
        deleted,
    };
    // Processes made by `fork` share pages, which each of them counts as its own.
    if taken.memory > memory_limit {
        let parts: Vec<(u64, u64)> = pids.iter().map(|pid| proportional(*pid)).collect();
        let (anonymous, shared): (Vec<u64>, Vec<u64>) = parts.into_iter().unzip();
        taken.memory = memory(anonymous.iter().sum(), shared.iter().sum());
    }
    taken
}

/// How many processes and threads of this user there are, for limits that count per user.
pub(crate) fn of_user(uid: u32) -> u64 {
    processes()
        .filter(|(pid, _)| fs::metadata(format!("/proc/{pid}")).is_ok_and(|of| of.uid() == uid))
        .filter_map(|(pid, _)| Pid::from_raw(pid))
        .map(|pid| Status::of(pid).threads)
        .sum()
}

/// Every process that is visible, with its parent.
fn processes() -> impl Iterator<Item = (i32, i32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Some((pid, parent_in(&stat)?))
    })
}

/// The parent in `/proc/<pid>/stat`: the second field after the name, which may hold anything.
fn parent_in(stat: &[u8]) -> Option<i32> {
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    let rest = str::from_utf8(stat.get(after_name..)?).ok()?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[derive(Default)]
struct Status {
    threads: u64,
    anonymous: u64,
    shared: u64,
}

impl Status {
    fn of(pid: Pid) -> Self {
        let raw = pid.as_raw_nonzero();
        let text = fs::read(format!("/proc/{raw}/status")).unwrap_or_default();
        Self {
            threads: field(&text, b"Threads:").unwrap_or(0),
            anonymous: kibibytes(&text, b"RssAnon:"),
            shared: kibibytes(&text, b"RssShmem:"),
        }
    }
}

/// The memory of a process, anonymous and shared, in which what several share is divided by their
/// number.
fn proportional(pid: Pid) -> (u64, u64) {
    let raw = pid.as_raw_nonzero();
    let Ok(text) = fs::read(format!("/proc/{raw}/smaps_rollup")) else {
        let status = Status::of(pid);
        return (status.anonymous, status.shared);
    };
    (
        kibibytes(&text, b"Pss_Anon:"),
        kibibytes(&text, b"Pss_Shmem:"),
    )
}

fn kibibytes(text: &[u8], name: &[u8]) -> u64 {
    field(text, name).unwrap_or(0).saturating_mul(1024)
}

/// The number after a name at the start of a line.
fn field(text: &[u8], name: &[u8]) -> Option<u64> {
    let line = text
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(name))?;
    str::from_utf8(line)
        .ok()?
        .split_ascii_whitespace()
        .next()?
        .parse()
        .ok()
}

/// The bytes of open files without a name, on these disks and elsewhere: a walk of folders does not
/// find them, but they take their room.
fn deleted(pids: &[Pid], disks: &[u64]) -> (u64, u64) {
    let mut seen = BTreeSet::new();
    let mut on_disk = 0;
    let mut elsewhere = 0;
    for file in pids.iter().flat_map(|pid| open_files(*pid)) {
        if !file.is_file() || file.nlink() != 0 || !seen.insert((file.dev(), file.ino())) {
            continue;
        }
        let bytes = file.blocks() * 512;
        if disks.contains(&file.dev()) {
            on_disk += bytes;
        } else {
            elsewhere += bytes;
        }
    }
    (on_disk, elsewhere)
}

fn open_files(pid: Pid) -> impl Iterator<Item = fs::Metadata> {
    let raw = pid.as_raw_nonzero();
    let entries = fs::read_dir(format!("/proc/{raw}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    entries.filter_map(|entry| fs::metadata(entry.path()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_cannot_hide_its_parent_behind_its_name() {
        for (stat, parent) in [
            (&b"7 (sh) S 3 7 7 0"[..], Some(3)),
            (b"7 (a) S 1 (b)) R 42 7", Some(42)),
            (b"7 (\xff\n) Z 5 7", Some(5)),
            (b"7 (sh", None),
            (b"", None),
        ] {
            assert_eq!(
                parent_in(stat),
                parent,
                "{:?}",
                String::from_utf8_lossy(stat)
            );
        }
    }

    #[test]
    fn a_field_is_read_by_its_whole_name() {
        let text = b"Name:\tThreads: 9\nThreads:\t3\nRssAnon:\t  120 kB\n";
        assert_eq!(field(text, b"Threads:"), Some(3));
        assert_eq!(field(text, b"RssAnon:"), Some(120));
        assert_eq!(field(text, b"RssShmem:"), None);
    }
}
