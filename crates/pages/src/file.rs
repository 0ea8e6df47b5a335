//! Opens what a build wrote, if it is a file.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use crate::{Limits, LogFilter, Mark, Unavailable, html::LogPart};

/// The file and its size, or `None` if there is no regular file there. A link is not followed and
/// a pipe not waited for.
pub(crate) async fn open(path: PathBuf) -> Result<Option<(File, u64)>, Unavailable> {
    blocking(move || open_now(&path)).await
}

/// The end of a log, as much of it as a page shows.
pub(crate) async fn end_of_log(
    path: PathBuf,
    ended: bool,
    limits: &Limits,
) -> Result<Option<LogPart>, Unavailable> {
    let (bytes, lines) = (limits.shown_bytes, limits.shown_lines);
    blocking(move || {
        let Some((mut file, size)) = open_now(&path)? else {
            return Ok(None);
        };
        let from = size.saturating_sub(bytes);
        file.seek(SeekFrom::Start(from))?;
        let mut end = Vec::new();
        file.take(size - from).read_to_end(&mut end)?;
        Ok(Some(part(from, &end, ended, lines)))
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Unavailable> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| Err(io::Error::other(panic)))
        .map_err(|error| {
            tracing::error!(%error, "a file of a build cannot be read");
            Unavailable
        })
}

fn open_now(path: &Path) -> io::Result<Option<(File, u64)>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = flags.bits().cast_signed();
    let opened = File::options().read(true).custom_flags(flags).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    Ok(metadata.is_file().then_some((file, metadata.len())))
}

fn is_missing(error: &io::Error) -> bool {
    // A link at the end of the path is ELOOP; a socket cannot be opened at all.
    let link = rustix::io::Errno::LOOP.raw_os_error();
    let socket = rustix::io::Errno::NXIO.raw_os_error();
    let missing = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
    missing.contains(&error.kind()) || [Some(link), Some(socket)].contains(&error.raw_os_error())
}

/// The last `most` lines of `end`, which begins at `from` in the log.
fn part(from: u64, end: &[u8], ended: bool, most: usize) -> LogPart {
    let start = start_of_part(from, end, most);
    let skipped = from + start as u64;
    let mark = if skipped == 0 {
        Mark::START
    } else {
        Mark::at(skipped)
    };
    let mut filter = LogFilter::at(mark);
    let mut lines = Vec::new();
    filter.push(&end[start..], |line| lines.push(line));
    let mark = filter.mark();
    let unfinished = if ended {
        lines.extend(filter.finish());
        None
    } else {
        filter.unfinished().cloned()
    };
    LogPart {
        skipped,
        lines,
        unfinished,
        mark,
    }
}

/// Where to begin, so that no half line and not too many lines are shown.
fn start_of_part(from: u64, end: &[u8], most: usize) -> usize {
    let feeds = |(at, byte): (usize, &u8)| (*byte == b'\n').then_some(at + 1);
    let mut starts = end.iter().enumerate().rev().filter_map(feeds);
    // The last line feed ends a line and begins none yet.
    if let Some(start) = starts.nth(most) {
        return start;
    }
    let whole = from == 0;
    let first = end.iter().enumerate().find_map(feeds);
    match first {
        Some(first) if !whole && first < end.len() => first,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn texts(part: &LogPart) -> Vec<&str> {
        part.lines.iter().map(crate::Line::text).collect()
    }

    #[rstest]
    #[case(0, b"one\ntwo\nthree", 9, &["one", "two"], 0)]
    #[case(7, b"half\ntwo\n", 9, &["two"], 12)] // the first is cut: left out
    #[case(7, b"no end of line", 9, &[], 7)]
    #[case(7, b"one long line\n", 9, &["one long line"], 7)]
    #[case(0, b"1\n2\n3\n4\n", 2, &["3", "4"], 4)]
    #[case(0, b"1\n2\n3\n4\nrest", 2, &["3", "4"], 4)]
    #[case(0, b"", 9, &[], 0)]
    fn the_end_of_a_log_is_shown_by_whole_lines(
        #[case] from: u64,
        #[case] end: &[u8],
        #[case] most: usize,
        #[case] lines: &[&str],
        #[case] skipped: u64,
    ) {
        let part = part(from, end, false, most);
        assert_eq!(texts(&part), lines);
        assert_eq!(part.skipped, skipped);
    }

    #[test]
    fn a_live_view_goes_on_where_the_page_stops() {
        let running = part(0, b"one\nhal", false, 9);
        assert_eq!(running.mark.offset, 4);
        assert_eq!(running.unfinished.unwrap().text(), "hal");
        let ended = part(0, b"one\nhal", true, 9);
        assert_eq!(texts(&ended), ["one", "hal"]);
        assert!(ended.unfinished.is_none());
    }

    #[test]
    fn only_a_regular_file_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "text").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let pipe = rustix::fs::FileType::Fifo;
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), pipe, mode, 0).unwrap();

        assert_eq!(open_now(&at("file")).unwrap().unwrap().1, 4);
        for name in ["link", "pipe", "socket", "missing", "file/below", ""] {
            assert!(open_now(&at(name)).unwrap().is_none(), "{name} was opened");
        }
    }
}
