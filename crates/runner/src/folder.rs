//! Work on folders whose content a stranger chose: nothing here follows a link.

use std::{
    ffi::{CStr, OsStr},
    io,
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt, fs::MetadataExt},
    },
    path::{Path, PathBuf},
};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, RawMode, ResolveFlags, Uid, chownat, openat,
    openat2, statat,
};

/// The user that a build runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// A folder and where it was found below the root of a walk.
struct Found {
    path: PathBuf,
    folder: OwnedFd,
}

/// What a walk found in a folder.
pub(crate) struct Entry<'a> {
    /// The folder that holds it.
    pub(crate) parent: &'a OwnedFd,
    /// Its name there.
    pub(crate) name: &'a CStr,
    /// Its path below the walk's root.
    pub(crate) path: &'a Path,
    /// What it is: a link is a link.
    pub(crate) stat: rustix::fs::Stat,
}

impl Entry<'_> {
    pub(crate) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode as RawMode)
    }
}

/// Opens the root of a walk; its own path is trusted.
pub(crate) fn open(path: &Path) -> io::Result<OwnedFd> {
    Ok(openat(CWD, path, FOLDER, Mode::empty())?)
}

pub(crate) const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::RDONLY)
    .union(OFlags::CLOEXEC);

/// Opens a path below a folder: no link on the way is followed, nothing outside can be reached.
pub(crate) fn open_below(root: &OwnedFd, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(openat2(root, path, flags, Mode::empty(), resolve)?)
}

/// Why a walk ended before its end.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The visitor had enough.
    Enough,
    /// This folder could not be read.
    Failed(PathBuf, io::Error),
}

/// Visits everything below a folder, folders before what they hold, with one folder open at a time.
/// A folder that is gone by the time it is opened is passed over; one that cannot be read goes to
/// `unreadable`.
pub(crate) fn walk(
    root: &OwnedFd,
    mut unreadable: impl FnMut(&Path, io::Error) -> Result<(), Ended>,
    mut visit: impl FnMut(Entry<'_>) -> Result<(), Ended>,
) -> Result<(), Ended> {
    let mut waiting = vec![PathBuf::new()];
    while let Some(path) = waiting.pop() {
        let folder = match open_below(root, &path, FOLDER) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                unreadable(&path, error)?;
                continue;
            }
        };
        let found = Found { path, folder };
        waiting.extend(found.visit(&mut visit)?);
    }
    Ok(())
}

impl Found {
    fn visit(
        self,
        visit: &mut impl FnMut(Entry<'_>) -> Result<(), Ended>,
    ) -> Result<Vec<PathBuf>, Ended> {
        let failed = |error: rustix::io::Errno| Ended::Failed(self.path.clone(), error.into());
        let mut folders = Vec::new();
        for entry in Dir::read_from(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let Ok(stat) = statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            let path = self.path.join(OsStr::from_bytes(name.to_bytes()));
            let entry = Entry {
                parent: &self.folder,
                name,
                path: &path,
                stat,
            };
            let is_folder = entry.kind() == FileType::Directory;
            visit(entry)?;
            if is_folder {
                folders.push(path);
            }
        }
        Ok(folders)
    }
}

/// Gives a whole tree to a user, links themselves included.
pub(crate) fn give(path: &Path, user: User) -> io::Result<()> {
    let (uid, gid) = (Some(Uid::from_raw(user.uid)), Some(Gid::from_raw(user.gid)));
    let root = open(path)?;
    rustix::fs::fchown(&root, uid, gid)?;
    let walked = walk(
        &root,
        |path, error| Err(Ended::Failed(path.to_owned(), error)),
        |entry| {
            chownat(
                entry.parent,
                entry.name,
                uid,
                gid,
                AtFlags::SYMLINK_NOFOLLOW,
            )
            .map_err(|error| Ended::Failed(entry.path.to_owned(), error.into()))
        },
    );
    match walked {
        Ok(()) | Err(Ended::Enough) => Ok(()),
        Err(Ended::Failed(path, error)) => Err(io::Error::new(
            error.kind(),
            format!("{}: {error}", path.display()),
        )),
    }
}

/// The first folder on the way to `path` that this user may not pass, if any.
pub(crate) fn barrier(path: &Path, user: User) -> Option<PathBuf> {
    let mut ancestors: Vec<&Path> = path.ancestors().skip(1).collect();
    ancestors.reverse();
    let blocks = |folder: &&Path| {
        std::fs::metadata(folder)
            .is_ok_and(|meta| !may_pass(meta.mode(), (meta.uid(), meta.gid()), user))
    };
    ancestors.into_iter().find(blocks).map(Path::to_owned)
}

fn may_pass(mode: u32, (uid, gid): (u32, u32), user: User) -> bool {
    let bit = match () {
        () if uid == user.uid => 0o100,
        () if gid == user.gid => 0o010,
        () => 0o001,
    };
    mode & bit != 0
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_user_passes_by_the_bits_that_are_meant_for_him() {
        let user = User { uid: 7, gid: 8 };
        for (mode, owner, passes) in [
            (0o40711, (0, 0), true),
            (0o40700, (0, 0), false),
            (0o40700, (7, 0), true),
            (0o40677, (7, 8), false),
            (0o40710, (0, 8), true),
            (0o40701, (0, 8), false),
        ] {
            assert_eq!(may_pass(mode, owner, user), passes, "{mode:o} of {owner:?}");
        }
    }

    #[test]
    fn a_walk_sees_links_and_does_not_follow_them() {
        let work = tempfile::tempdir().unwrap();
        fs::create_dir(work.path().join("folder")).unwrap();
        fs::write(work.path().join("folder/file"), "four").unwrap();
        std::os::unix::fs::symlink("/etc", work.path().join("link")).unwrap();
        let mut seen = Vec::new();
        let root = open(work.path()).unwrap();
        walk(
            &root,
            |path, error| panic!("{}: {error}", path.display()),
            |entry| {
                seen.push((entry.path.to_str().unwrap().to_owned(), entry.kind()));
                Ok(())
            },
        )
        .unwrap();
        seen.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(
            seen,
            [
                ("folder".to_owned(), FileType::Directory),
                ("folder/file".to_owned(), FileType::RegularFile),
                ("link".to_owned(), FileType::Symlink),
            ]
        );
    }
}
