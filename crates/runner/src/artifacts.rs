//! Collects artifacts: files of a tree that a stranger has filled, copied without following a link.

use std::{
    cell::RefCell,
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read},
    os::{
        fd::OwnedFd,
        unix::{
            ffi::OsStrExt,
            fs::{OpenOptionsExt, PermissionsExt},
        },
    },
    path::{Path, PathBuf},
};

use chela_buildspec::Selection;
use rustix::fs::{FileType, OFlags};

use crate::{
    folder::{self, Ended},
    outcome::Collected,
    session::{Ears, Interruption},
    texts,
};

/// A set that is to be collected.
pub(crate) struct Wanted {
    /// Its folder below the artifacts' folder: relative, without `..`.
    pub(crate) folder: String,
    pub(crate) selection: Selection,
}

/// Why there are none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no file matches the patterns of the artifacts `{0}`")]
    NoFile(String),
    #[error("the artifacts are larger than {0} bytes, which is all that is kept")]
    TooLarge(u64),
    #[error("{0}")]
    Unusable(String),
    #[error("`{0}` is no name for a folder of artifacts: use letters and digits")]
    Name(String),
    #[error("the build was interrupted")]
    Interrupted(Interruption),
    #[error("the artifacts cannot be kept: {0}")]
    Io(#[from] io::Error),
}

/// Copies every set. Nobody may work in `source` any more.
pub(crate) fn collect(
    source: &Path,
    artifacts: &Path,
    wanted: &[Wanted],
    limit: u64,
    ears: &mut Ears<'_>,
) -> Result<Vec<Collected>, Error> {
    let source = folder::open(source)?;
    let mut left = limit;
    let mut all = Vec::new();
    for wanted in wanted {
        let target = artifacts.join(&wanted.folder);
        let mut set = Set {
            source: &source,
            wanted,
            target,
            left,
            limit,
            files: 0,
            ears,
        };
        set.collect()?;
        let bytes = left - set.left;
        left = set.left;
        let collected = Collected {
            folder: wanted.folder.clone(),
            files: set.files,
            bytes,
        };
        ears.output.say(&texts::collected(
            &collected.folder,
            collected.files,
            collected.bytes,
        ));
        all.push(collected);
    }
    Ok(all)
}

struct Set<'a, 'b> {
    source: &'a OwnedFd,
    wanted: &'a Wanted,
    target: PathBuf,
    left: u64,
    limit: u64,
    files: u64,
    ears: &'a mut Ears<'b>,
}

impl Set<'_, '_> {
    fn collect(&mut self) -> Result<(), Error> {
        for path in self.paths()? {
            self.ears.interruption().map_err(Error::Interrupted)?;
            let bytes = path.as_os_str().as_bytes();
            let Some(place) = self
                .wanted
                .selection
                .place(bytes)
                .map(std::ffi::OsStr::from_bytes)
            else {
                continue;
            };
            self.keep(&path, Path::new(place))?;
        }
        if self.files == 0 {
            return Err(Error::NoFile(self.wanted.folder.clone()));
        }
        Ok(())
    }

    /// The regular files of this set, in an order that is always the same.
    fn paths(&mut self) -> Result<Vec<PathBuf>, Error> {
        let mut paths = Vec::new();
        let mut interrupted = None;
        let (ears, selection) = (RefCell::new(&mut *self.ears), &self.wanted.selection);
        let walked = folder::walk(
            self.source,
            |path, error| {
                let say = texts::unreadable(&path.to_string_lossy(), &error);
                ears.borrow_mut().output.say(&say);
                Ok(())
            },
            |entry| {
                // Many files and many patterns take long, whether they match or not.
                if let Err(interruption) = ears.borrow().interruption() {
                    interrupted = Some(interruption);
                    return Err(Ended::Enough);
                }
                let wanted = selection.place(entry.path.as_os_str().as_bytes()).is_some();
                if entry.kind() == FileType::RegularFile && wanted {
                    paths.push(entry.path.to_owned());
                }
                Ok(())
            },
        );
        if let Some(interruption) = interrupted {
            return Err(Error::Interrupted(interruption));
        }
        if let Err(Ended::Failed(_, error)) = walked {
            return Err(error.into());
        }
        paths.sort();
        Ok(paths)
    }

    fn keep(&mut self, path: &Path, place: &Path) -> Result<(), Error> {
        let file = folder::open_below(self.source, path, OFlags::RDONLY | OFlags::NONBLOCK);
        let file = match file.map(File::from) {
            Ok(file) => file,
            Err(error) => {
                self.ears
                    .output
                    .say(&texts::unreadable(&path.to_string_lossy(), &error));
                return Ok(());
            }
        };
        let Some(mut target) = self.new_file(&file, place)? else {
            self.ears
                .output
                .say(&texts::same_place(&place.to_string_lossy()));
            return Ok(());
        };
        // A sparse file may claim any size: what counts is what is read, one byte too many at most.
        let copied = io::copy(&mut file.take(self.left + 1), &mut target)?;
        self.left = self
            .left
            .checked_sub(copied)
            .ok_or(Error::TooLarge(self.limit))?;
        self.files += 1;
        Ok(())
    }

    /// None if there is one already.
    fn new_file(&self, original: &File, place: &Path) -> io::Result<Option<File>> {
        let target = self.target.join(place);
        let mode = if original.metadata()?.permissions().mode() & 0o100 == 0 {
            0o644
        } else {
            0o755
        };
        match create(&target, mode) {
            Ok(file) => Ok(Some(file)),
            // A file, or a file where this one needs a folder.
            Err(error) => match error.kind() {
                io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => Ok(None),
                _ => Err(error),
            },
        }
    }
}

fn create(target: &Path, mode: u32) -> io::Result<File> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(target)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::{log::Output, stop::Stop};

    #[test]
    fn who_looks_for_files_that_are_not_there_hears_that_nobody_wants_them_any_more() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let spec = "{version: 0.2, phases: {build: {commands: ['true']}}, artifacts: {files: [x]}}";
        let spec = chela_buildspec::parse(spec.as_bytes()).unwrap();
        let set = spec.artifacts.unwrap().primary;
        let wanted = Wanted {
            folder: "primary".to_owned(),
            selection: set.selection("/", &|_| None).unwrap(),
        };
        for stopped in [false, true] {
            let (stop, mut log) = (Stop::default(), Vec::new());
            if stopped {
                stop.stop();
            }
            let mut ears = Ears {
                output: Output::new(&mut log),
                stop: &stop,
                deadline: Instant::now() + Duration::from_hours(1),
            };
            let sets = std::slice::from_ref(&wanted);
            let error = collect(folder.path(), folder.path(), sets, 1, &mut ears).unwrap_err();
            let heard = matches!(error, Error::Interrupted(Interruption::Stopped));
            assert_eq!(heard, stopped, "{error}");
        }
    }
}
