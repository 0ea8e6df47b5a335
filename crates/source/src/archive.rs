//! A tree as a zip that is written from its beginning to its end. The same tree makes the same
//! bytes: nothing in it depends on the commit, the clock, the pack or this machine.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::rc::Rc;

use rawzip::path::{EntryPath, ZipFilePath};
use rawzip::time::UtcDateTime;
use rawzip::{CompressionMethod, DataDescriptorOutput, ZipArchiveWriter};
use zlib_rs::crc32::crc32;

use crate::deflate::Deflater;
use crate::error::Error;
use crate::inflate::PIECE;
use crate::links::Link;
use crate::walk::{At, Executable, Pieces, Sink, joined};

/// The first date that a zip can hold.
const DATE: UtcDateTime =
    UtcDateTime::from_components(1980, 1, 1, 0, 0, 0, 0).expect("there was this day");

/// What git calls the modes of its entries, which are Unix's own.
const FILE: u32 = 0o100_644;
const PROGRAM: u32 = 0o100_755;
const LINK: u32 = 0o120_777;
const DIRECTORY: u32 = 0o040_755;

/// A zip on its way to `W`.
pub struct Archive<W> {
    writer: ZipArchiveWriter<Output<W>>,
    deflater: Deflater,
    directories: Directories,
    entries: u64,
    lost: Lost,
}

/// A directory, and how many entries there were before it.
pub struct Open {
    id: u32,
    before: u64,
}

impl<W: Write> Archive<W> {
    pub fn new(inner: W) -> Self {
        let lost = Lost::default();
        Self {
            writer: ZipArchiveWriter::new(Output {
                inner,
                waiting: Vec::with_capacity(PIECE),
                lost: lost.clone(),
            }),
            deflater: Deflater::new(),
            directories: Directories::default(),
            entries: 0,
            lost,
        }
    }

    /// Writes the directory of it all, which ends a zip.
    pub fn finish(self) -> Result<(), Error> {
        let done = self.writer.finish();
        done.map(drop).map_err(|error| self.lost.why(&error))
    }

    /// Every entry is deflated, also where that saves nothing: readers of a stream cannot tell the
    /// end of one that is stored, since its size comes after it.
    fn entry(
        &mut self,
        path: &[u8],
        mode: u32,
        content: impl FnOnce(&mut Pieces<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Self {
            writer,
            deflater,
            lost,
            ..
        } = self;
        let begun = writer
            .new_file(named(path))
            .compression_method(CompressionMethod::DEFLATE)
            .unix_permissions(mode)
            .last_modified(DATE)
            .start();
        let (mut entry, _) = begun.map_err(|error| lost.why(&error))?;
        let (mut sum, mut size) = (0, 0);
        content(&mut |piece| {
            sum = crc32(sum, piece);
            size += piece.len() as u64;
            let added = deflater.add(piece, &mut entry);
            added.map_err(|error| lost.why(&error))
        })?;
        let deflated = deflater.finish(&mut entry);
        deflated.map_err(|error| lost.why(&error))?;
        let done = entry.finish(DataDescriptorOutput::new(sum, size));
        done.map_err(|error| lost.why(&error))?;
        self.entries += 1;
        Ok(())
    }
}

impl<W: Write> Sink for Archive<W> {
    type Directory = Open;

    fn root(&mut self) -> Result<Open, Error> {
        Ok(Open {
            id: Directories::ROOT,
            before: self.entries,
        })
    }

    fn open(&mut self, at: &At<'_, Open>) -> Result<Open, Error> {
        Ok(Open {
            id: self.directories.add(at.directory.id, at.name),
            before: self.entries,
        })
    }

    /// What lies below a directory brings it along; one that nothing lies below stands for itself.
    fn close(&mut self, directory: Open, path: &[u8]) -> Result<(), Error> {
        if self.entries > directory.before || directory.id == Directories::ROOT {
            return Ok(());
        }
        let path = [path, b"/"].concat();
        let entry = self.writer.new_dir(named(&path));
        let entry = entry.unix_permissions(DIRECTORY).last_modified(DATE);
        entry.create().map_err(|error| self.lost.why(&error))?;
        self.entries += 1;
        Ok(())
    }

    fn file(
        &mut self,
        at: &At<'_, Open>,
        executable: Executable,
        content: impl FnOnce(&mut Pieces<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mode = match executable {
            Executable::Yes => PROGRAM,
            Executable::No => FILE,
        };
        self.entry(at.path, mode, content)
    }

    fn link(&mut self, link: &Link, target: &[u8]) -> Result<(), Error> {
        let path = joined(&link.above, &link.name);
        self.entry(&path, LINK, |take| take(target))
    }

    fn is_directory(&self, names: &[&[u8]]) -> bool {
        self.directories.holds(names)
    }
}

/// A name's bytes as they are, and marked as UTF-8 where that is needed. rawzip marks only what it
/// has made fit for every system, which must not change a name: so `ä/c:` has no mark. (Info-ZIP's
/// field for that, 0x7075, makes its own `unzip` call some of those zips bombs.)
fn named(path: &[u8]) -> EntryPath<'_> {
    match std::str::from_utf8(path) {
        Ok(text) if !text.is_ascii() && ZipFilePath::from_str(text).as_str() == text => {
            EntryPath::conformant(text)
        }
        _ => EntryPath::verbatim(path),
    }
}

/// The directories of a tree, each by the one that it is in.
#[derive(Default)]
struct Directories {
    ids: HashMap<(u32, Box<[u8]>), u32>,
}

impl Directories {
    const ROOT: u32 = 0;

    fn add(&mut self, above: u32, name: &[u8]) -> u32 {
        let next = u32::try_from(self.ids.len() + 1).unwrap_or(u32::MAX);
        *self.ids.entry((above, name.into())).or_insert(next)
    }

    fn holds(&self, names: &[&[u8]]) -> bool {
        let enter = |at, name: &&[u8]| self.ids.get(&(at, Box::from(*name))).copied();
        names.iter().try_fold(Self::ROOT, enter).is_some()
    }
}

/// Hands on larger pieces than the many small ones that a zip is written in.
struct Output<W> {
    inner: W,
    waiting: Vec<u8>,
    lost: Lost,
}

impl<W: Write> Output<W> {
    fn empty(&mut self) -> io::Result<()> {
        let written = self.inner.write_all(&self.waiting);
        self.waiting.clear();
        written.map_err(|error| self.lost.keep(error))
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.waiting.len() + bytes.len() > PIECE {
            self.empty()?;
        }
        if bytes.len() < PIECE {
            self.waiting.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        let written = self.inner.write_all(bytes);
        written.map_err(|error| self.lost.keep(error))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.empty()?;
        self.inner.flush().map_err(|error| self.lost.keep(error))
    }
}

/// The receiver's own error. On the way through rawzip it could only be looked at.
#[derive(Clone, Default)]
struct Lost(Rc<Cell<Option<io::Error>>>);

impl Lost {
    fn keep(&self, error: io::Error) -> io::Error {
        let kind = error.kind();
        self.0.set(Some(error));
        kind.into()
    }

    fn why(&self, error: &impl fmt::Display) -> Error {
        let kept = self.0.take();
        Error::Output(kept.unwrap_or_else(|| io::Error::other(error.to_string())))
    }
}
