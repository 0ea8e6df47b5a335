//! From a stream to a pack on the disk with an index, in which objects are found by their names.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufRead, BufWriter, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::{iter, thread};

use gix_hash::Kind;
use gix_pack::data::EntryRange;
use gix_pack::{Bundle, data, index};
use gix_utils::progress::Discard;

use crate::error::{Error, TargetError};
use crate::limits::{Deadline, Limits};
use crate::stream::{self, Entries};

/// Beside the limits: what gix may allocate at once, mostly for its tables.
const LEAST_ALLOCATION: u64 = 256 << 20;

/// Writes the pack and its index into `directory`.
pub fn receive<R: BufRead>(
    read: R,
    directory: &Path,
    host: &str,
    limits: &Limits,
    deadline: Deadline,
) -> Result<Bundle, Error> {
    let path = directory.join("source.pack");
    let unwritable = |cause| TargetError::Unwritable {
        path: directory.to_owned(),
        cause,
    };
    let file = File::create_new(&path).map_err(unwritable)?;
    let index = directory.join("source.idx");
    let mut out = BufWriter::new(File::create_new(&index).map_err(unwritable)?);
    let entries = Entries::new(read, file, host, limits, deadline)?;
    let allocation = usize::try_from(limits.file.max(LEAST_ALLOCATION)).ok();
    within(deadline, |stop| {
        write_index(entries, &path, &mut out, allocation, stop)
            .map_err(|cause| stream::bad(host, &cause))?
    })?;
    out.flush().map_err(unwritable)?;
    let bad = |error: gix_error::Error| stream::bad(host, &error.to_string());
    Ok(Bundle {
        pack: open(&path).map_err(bad)?.with_alloc_limit_bytes(allocation),
        index: index::File::at(&index, Kind::Sha1).map_err(bad)?,
    })
}

fn open(path: &Path) -> Result<data::File, gix_error::Error> {
    data::File::at(path, Kind::Sha1)
}

/// gix's error is a `String` here, ours stays what it is.
fn write_index<R: BufRead>(
    entries: Entries<'_, R>,
    pack: &Path,
    out: &mut dyn io::Write,
    allocation: Option<usize>,
    stop: &AtomicBool,
) -> Result<Result<(), Error>, String> {
    let entries = RefCell::new(entries);
    let failed = RefCell::new(None);
    let mut each = iter::from_fn(|| match entries.borrow_mut().next() {
        Ok(entry) => entry.map(Ok),
        Err(error) => {
            failed.replace(Some(error));
            None
        }
    });
    let resolver = || {
        if failed.borrow().is_some() {
            return Err(io::Error::other("the stream has failed"));
        }
        let pack = open(pack).map_err(io::Error::other)?;
        Ok((slice as fn(EntryRange, &data::File) -> Option<&[u8]>, pack))
    };
    let written = index::write_data_iter_to_stream(
        index::Version::default(),
        resolver,
        &mut each,
        None,
        &mut Discard,
        out,
        stop,
        Kind::Sha1,
        allocation,
        data::Version::V2,
    );
    match (failed.into_inner(), written) {
        (Some(error), _) => Ok(Err(error)),
        (None, Ok(_)) => Ok(Ok(())),
        (None, Err(error)) => Err(error.to_string()),
    }
}

fn slice(range: EntryRange, pack: &data::File) -> Option<&[u8]> {
    pack.entry_slice(range)
}

/// Runs `work`, and tells it to stop when time is up.
fn within<T>(
    deadline: Deadline,
    work: impl FnOnce(&AtomicBool) -> Result<T, Error>,
) -> Result<T, Error> {
    let left = deadline.left()?;
    let stop = AtomicBool::new(false);
    let (done, wait) = mpsc::channel::<()>();
    let result = thread::scope(|scope| {
        // Dropped when the work ends, also if by a panic: that ends the watch.
        let _done = done;
        let stop = &stop;
        scope.spawn(move || {
            if wait.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
                stop.store(true, Ordering::Relaxed);
            }
        });
        work(stop)
    });
    deadline.left()?;
    result
}
