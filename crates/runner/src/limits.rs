//! How much a build may take, and what is said when it took more.

use std::time::Duration;

/// How much one build may take. Sizes are bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wall-clock time of the whole build.
    pub time: Duration,
    /// Memory of all processes together, and of each alone.
    pub memory: u64,
    /// Processes and threads at the same time.
    pub processes: u64,
    /// What the build's folders may hold, deleted files that are still open included.
    pub disk: u64,
    /// How many files and folders the build's folders may hold.
    pub files: u64,
    /// A build ends when its file system has less than this left.
    pub disk_left: u64,
    /// The largest single file.
    pub file_size: u64,
    /// Open files of one process.
    pub open_files: u64,
    /// Processor time of one process.
    pub cpu: Option<Duration>,
    /// What all commands together may print; the log itself may keep less.
    pub output: u64,
    /// What the collected artifacts may hold.
    pub artifacts: u64,
}

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_hours(1),
            memory: 4 * GIB,
            processes: 1024,
            disk: 10 * GIB,
            files: 1_000_000,
            disk_left: 256 * MIB,
            file_size: 4 * GIB,
            open_files: 4096,
            cpu: None,
            output: GIB,
            artifacts: GIB,
        }
    }
}

/// The limit that ended a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// Too much memory.
    #[error("the build used more than {} of memory", size(*.0))]
    Memory(u64),
    /// Too many processes.
    #[error("the build had more than {0} processes and threads")]
    Processes(u64),
    /// Too much in the folders.
    #[error("the build's files took more than {}", size(*.0))]
    Disk(u64),
    /// Too many files.
    #[error("the build made more than {0} files and folders")]
    Files(u64),
    /// Folders in folders without end.
    #[error("the build's folders are nested too deep: a path is longer than 4095 bytes")]
    Deep,
    /// A folder without the right to read it, again and again.
    #[error(
        "the build keeps a folder that cannot be counted: let its owner read and enter every folder"
    )]
    Unreadable,
    /// The disk is nearly full, whoever filled it.
    #[error("the machine's disk has less than {} left", size(*.0))]
    DiskLeft(u64),
    /// Too much printed.
    #[error("the build printed more than {}", size(*.0))]
    Output(u64),
}

/// `1.5 GiB`, for people.
fn size(bytes: u64) -> String {
    let units = [(GIB, "GiB"), (MIB, "MiB"), (1 << 10, "KiB")];
    let Some((unit, name)) = units.into_iter().find(|(unit, _)| bytes >= *unit) else {
        return format!("{bytes} bytes");
    };
    match bytes % unit / (unit / 10) {
        0 => format!("{} {name}", bytes / unit),
        tenths => format!("{}.{tenths} {name}", bytes / unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_as_people_say_them() {
        for (bytes, said) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (64 * MIB, "64 MiB"),
            (GIB + GIB / 2, "1.5 GiB"),
            (10 * GIB, "10 GiB"),
        ] {
            assert_eq!(size(bytes), said, "{bytes} bytes");
        }
    }
}
