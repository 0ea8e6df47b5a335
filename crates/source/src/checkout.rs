//! A tree of files on the disk.

use std::io::{self, Write as _};
use std::path::Path;

use crate::directory::Directory;
use crate::error::{Error, TargetError};
use crate::links::Link;
use crate::walk::{At, Executable, Pieces, Sink};

/// A new directory, and what comes into it.
pub struct Checkout<'a> {
    target: &'a Path,
    root: Directory,
}

impl<'a> Checkout<'a> {
    /// Makes the directory `target`.
    pub fn new(target: &'a Path) -> Result<Self, Error> {
        let root = Directory::root(target);
        let root = root.map_err(|cause| TargetError::unwritable(target, cause))?;
        Ok(Self { target, root })
    }

    fn find(&self, names: &[&[u8]]) -> io::Result<Directory> {
        let mut directory = self.root.again()?;
        for name in names {
            directory = directory.enter(name)?;
        }
        Ok(directory)
    }

    fn unwritable(&self) -> impl Fn(io::Error) -> Error + use<'a> {
        let target = self.target;
        move |cause| TargetError::unwritable(target, cause).into()
    }
}

impl Sink for Checkout<'_> {
    type Directory = Directory;

    fn root(&mut self) -> Result<Directory, Error> {
        self.root.again().map_err(self.unwritable())
    }

    fn open(&mut self, at: &At<'_, Directory>) -> Result<Directory, Error> {
        at.directory.make(at.name).map_err(self.unwritable())
    }

    fn close(&mut self, _: Directory, _: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    fn file(
        &mut self,
        at: &At<'_, Directory>,
        executable: Executable,
        content: impl FnOnce(&mut Pieces<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let unwritable = self.unwritable();
        let file = at.directory.create(at.name, executable);
        let mut file = file.map_err(&unwritable)?;
        content(&mut |piece| file.write_all(piece).map_err(&unwritable))
    }

    fn link(&mut self, link: &Link, target: &[u8]) -> Result<(), Error> {
        let directory = self.find(&link.parents());
        let made = directory.and_then(|directory| directory.link(&link.name, target));
        made.map_err(self.unwritable())
    }

    fn is_directory(&self, names: &[&[u8]]) -> bool {
        self.find(names).is_ok()
    }
}
