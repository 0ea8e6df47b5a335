//! How much room a build's folders take.

use std::{io, path::Path};

use crate::{
    folder::{self, Ended},
    limits::{Breach, Limits},
};

/// How much of the folders was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    All,
    /// The build has taken away the right to look into a folder.
    Part,
}

/// Counts what lies below these folders, and ends early when it is too much or `ended` says so.
/// `deleted` is what open files without a name take.
pub(crate) fn count(
    folders: &[&Path],
    limits: &Limits,
    deleted: u64,
    ended: &dyn Fn() -> bool,
) -> Result<Seen, Breach> {
    let mut count = Count {
        bytes: deleted,
        files: 0,
        seen: Seen::All,
        limits,
    };
    let nearly_full = folders
        .iter()
        .find(|folder| available(folder) < limits.disk_left);
    if nearly_full.is_some() {
        return Err(Breach::DiskLeft(limits.disk_left));
    }
    for folder in folders {
        count.add(folder, ended)?;
    }
    Ok(count.seen)
}

/// What an ordinary user may still write on the file system of this folder.
fn available(folder: &Path) -> u64 {
    rustix::fs::statvfs(folder).map_or(u64::MAX, |system| {
        system.f_bavail.saturating_mul(system.f_frsize)
    })
}

impl Seen {
    /// Other errors than a missing right pass by themselves, or are no build's doing.
    fn without(self, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Self::Part,
            _ => self,
        }
    }
}

struct Count<'a> {
    bytes: u64,
    files: u64,
    seen: Seen,
    limits: &'a Limits,
}

impl Count<'_> {
    fn add(&mut self, folder: &Path, ended: &dyn Fn() -> bool) -> Result<(), Breach> {
        let root = match folder::open(folder) {
            Ok(root) => root,
            Err(error) => {
                self.seen = self.seen.without(&error);
                return Ok(());
            }
        };
        let (mut deep, mut seen) = (false, self.seen);
        let walked = folder::walk(
            &root,
            |_, error| {
                // Longer than a path may be: nothing could count, or clean, what is there.
                deep = error.kind() == io::ErrorKind::InvalidFilename;
                seen = seen.without(&error);
                if deep { Err(Ended::Enough) } else { Ok(()) }
            },
            |entry| {
                self.files += 1;
                self.bytes += u64::try_from(entry.stat.st_blocks).unwrap_or(0) * 512;
                if self.breach().is_some() || ended() {
                    Err(Ended::Enough)
                } else {
                    Ok(())
                }
            },
        );
        self.seen = match walked {
            Err(Ended::Failed(_, error)) => seen.without(&error),
            Err(Ended::Enough) | Ok(()) => seen,
        };
        if deep {
            return Err(Breach::Deep);
        }
        self.breach().map_or(Ok(()), Err)
    }

    fn breach(&self) -> Option<Breach> {
        match self {
            Self { bytes, limits, .. } if *bytes > limits.disk => Some(Breach::Disk(limits.disk)),
            Self { files, limits, .. } if *files > limits.files => {
                Some(Breach::Files(limits.files))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_too_much_is_named() {
        let work = tempfile::tempdir().unwrap();
        fs::create_dir(work.path().join("folder")).unwrap();
        fs::write(work.path().join("folder/file"), vec![1; 1 << 20]).unwrap();
        let folders = [work.path()];
        let enough = Limits {
            disk_left: 0,
            ..Limits::default()
        };
        let never = || false;
        assert_eq!(count(&folders, &enough, 0, &never), Ok(Seen::All));
        for (limits, deleted, expected) in [
            (
                Limits {
                    disk: 1 << 19,
                    ..enough.clone()
                },
                0,
                Breach::Disk(1 << 19),
            ),
            (
                Limits {
                    disk: 1 << 22,
                    ..enough.clone()
                },
                1 << 22,
                Breach::Disk(1 << 22),
            ),
            (
                Limits {
                    files: 1,
                    ..enough.clone()
                },
                0,
                Breach::Files(1),
            ),
            (
                Limits {
                    disk_left: u64::MAX,
                    ..enough.clone()
                },
                0,
                Breach::DiskLeft(u64::MAX),
            ),
        ] {
            assert_eq!(count(&folders, &limits, deleted, &never), Err(expected));
        }
    }
}
