//! Removes what a build has left.

use std::{
    ffi::{CStr, CString},
    io,
    os::fd::OwnedFd,
    path::Path,
};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, RawMode, chmodat, mkdirat, openat, renameat, statat, unlinkat,
};

use crate::folder::{FOLDER, open};

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

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

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
}
