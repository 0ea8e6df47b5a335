//! Work on folders whose content a stranger chose: nothing here follows a link.

use std::{
    ffi::{CStr, CString, OsStr},
    io,
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt, fs::MetadataExt},
    },
    path::{Path, PathBuf},
};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, RawMode, ResolveFlags, Uid, chmodat, chownat,
    mkdirat, openat, openat2, renameat, statat, unlinkat,
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

const FOLDER: OFlags = OFlags::DIRECTORY
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

/// Removes a folder that a build has left, whatever it did to it: folders without permissions, of
/// any depth. Nobody may work in it any more. That it is gone already is fine.
pub fn remove(path: &Path) -> io::Result<()> {
    let root = match open_writable(path) {
        Ok(root) => root,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut heap = Heap::new(&root)?;
    let own = heap.name.clone();
    heap.empty(&root, Some(&own))?;
    while let Some(number) = heap.waiting.pop() {
        let folder = openat(&heap.folder, &number, FOLDER, Mode::empty())?;
        heap.empty(&folder, None)?;
        unlinkat(&heap.folder, &number, AtFlags::REMOVEDIR)?;
    }
    unlinkat(&root, &own, AtFlags::REMOVEDIR)?;
    std::fs::remove_dir(path)
}

fn open_writable(path: &Path) -> io::Result<OwnedFd> {
    if let Ok(meta) = std::fs::symlink_metadata(path)
        && meta.is_dir()
    {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    }
    open(path)
}

/// Where folders are moved to before they are emptied, so that depth costs neither open files nor
/// stack.
struct Heap {
    name: CString,
    folder: OwnedFd,
    waiting: Vec<CString>,
    moved: u64,
}

impl Heap {
    fn new(root: &OwnedFd) -> io::Result<Self> {
        let mut number = 0_u64;
        let name = loop {
            let name = CString::new(format!(".removed-{number}"))?;
            match mkdirat(root, &name, Mode::RWXU) {
                Ok(()) => break name,
                Err(rustix::io::Errno::EXIST) => number += 1,
                Err(error) => return Err(error.into()),
            }
        };
        let folder = openat(root, &name, FOLDER, Mode::empty())?;
        Ok(Self {
            name,
            folder,
            waiting: Vec::new(),
            moved: 0,
        })
    }

    /// Removes what a folder holds, save for this name; its folders come onto the heap.
    fn empty(&mut self, folder: &OwnedFd, save: Option<&CStr>) -> io::Result<()> {
        for entry in Dir::read_from(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") || save == Some(name) {
                continue;
            }
            let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
            if FileType::from_raw_mode(stat.st_mode as RawMode) == FileType::Directory {
                self.take(folder, name)?;
            } else {
                unlinkat(folder, name, AtFlags::empty())?;
            }
        }
        Ok(())
    }

    fn take(&mut self, folder: &OwnedFd, name: &CStr) -> io::Result<()> {
        // To move a folder is to write into it: its `..` changes.
        chmodat(folder, name, Mode::RWXU, AtFlags::empty())?;
        self.moved += 1;
        let number = CString::new(self.moved.to_string())?;
        renameat(folder, name, &self.folder, &number)?;
        self.waiting.push(number);
        Ok(())
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
    use std::{fs, os::unix::fs::PermissionsExt};

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
    fn what_a_build_locked_or_nested_without_end_can_be_removed() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("kept"), "kept").unwrap();
        let work = tempfile::tempdir().unwrap();
        let top = work.path().join("build");
        fs::create_dir_all(top.join("locked/in")).unwrap();
        fs::write(top.join("locked/in/file"), "").unwrap();
        std::os::unix::fs::symlink(outside.path(), top.join("locked/link")).unwrap();
        fs::create_dir(top.join(".removed-1")).unwrap();
        nest(&top, 5000);
        fs::set_permissions(top.join("locked"), fs::Permissions::from_mode(0o000)).unwrap();

        remove(&top).unwrap();

        assert!(!top.exists(), "the folder is still there");
        assert!(outside.path().join("kept").exists(), "a link was followed");
        remove(&top).expect("a folder that is gone already is fine");
    }

    /// Folders so deep that no path can name the last of them.
    fn nest(top: &Path, depth: usize) {
        let mut folder = open(top).unwrap();
        for _ in 0..depth {
            mkdirat(&folder, "deeper", Mode::RWXU).unwrap();
            folder = openat(&folder, "deeper", FOLDER, Mode::empty()).unwrap();
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
