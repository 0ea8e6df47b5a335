//! Where a build's output goes.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use crate::texts;

/// Takes a build's log in order, as it comes: any bytes, cut anywhere.
pub trait LogSink: Send {
    /// Takes the next bytes.
    fn write(&mut self, bytes: &[u8]);
}

impl LogSink for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// A log in a file. What is beyond its limit is dropped, after a line that says so.
pub struct FileLog {
    file: File,
    written: u64,
    limit: u64,
    state: State,
    told: Box<dyn FnMut(u64) + Send>,
}

enum State {
    Open,
    Cut,
    Failed(io::Error),
}

impl FileLog {
    /// A new, empty log that only its owner may read. After each write `told` is given the length
    /// of the file, so that those who look on can read the rest.
    pub fn create(
        path: &Path,
        limit: u64,
        told: impl FnMut(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        Ok(Self {
            file,
            written: 0,
            limit,
            state: State::Open,
            told: Box::new(told),
        })
    }

    /// The log of an earlier run of the same build, gone on with; a new one where there is none.
    pub fn resume(
        path: &Path,
        limit: u64,
        told: impl FnMut(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        let written = file.metadata()?.len();
        let state = if written > limit {
            State::Cut
        } else {
            State::Open
        };
        Ok(Self {
            file,
            written,
            limit,
            state,
            told: Box::new(told),
        })
    }

    /// Why the log ends early although nothing was cut, if so: the disk is full, for example.
    #[must_use]
    pub fn failure(&self) -> Option<&io::Error> {
        match &self.state {
            State::Failed(error) => Some(error),
            State::Open | State::Cut => None,
        }
    }

    fn append(&mut self, bytes: &[u8]) {
        if let Err(error) = self.file.write_all(bytes) {
            self.state = State::Failed(error);
            return;
        }
        self.written += bytes.len() as u64;
        (self.told)(self.written);
    }
}

impl LogSink for FileLog {
    fn write(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Open) || bytes.is_empty() {
            return;
        }
        let left = usize::try_from(self.limit - self.written).unwrap_or(usize::MAX);
        match bytes.get(..left) {
            Some(first) if left < bytes.len() => {
                self.state = State::Cut;
                let mut last = first.to_vec();
                last.extend_from_slice(texts::LOG_CUT.as_bytes());
                self.append(&last);
            }
            _ => self.append(bytes),
        }
    }
}

/// The way of a build into its log: counts, and lets the runner's own lines begin as lines.
pub(crate) struct Output<'a> {
    sink: &'a mut dyn LogSink,
    printed: u64,
    at_line_start: bool,
}

impl<'a> Output<'a> {
    pub(crate) fn new(sink: &'a mut dyn LogSink) -> Self {
        Self {
            sink,
            printed: 0,
            at_line_start: true,
        }
    }

    /// What the build prints.
    pub(crate) fn of_build(&mut self, bytes: &[u8]) {
        self.printed += bytes.len() as u64;
        self.write(bytes);
    }

    /// A line of the runner, or several: each begins like one.
    pub(crate) fn say(&mut self, text: &str) {
        let mut lines = String::new();
        if !self.at_line_start {
            lines.push('\n');
        }
        for line in text.split('\n') {
            lines.extend([texts::PREFIX, line, "\n"]);
        }
        self.write(lines.as_bytes());
    }

    /// How many bytes the build has printed.
    pub(crate) fn printed(&self) -> u64 {
        self.printed
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.at_line_start = *last == b'\n';
            self.sink.write(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_log_is_cut_once_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = told.clone();
        let mut log = FileLog::create(&path, 10, move |length| {
            listener.lock().unwrap().push(length);
        })
        .unwrap();
        for bytes in ["12345", "", "67890", "too much", "and more"] {
            log.write(bytes.as_bytes());
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("1234567890{}", texts::LOG_CUT));
        assert_eq!(*told.lock().unwrap(), [5, 10, text.len() as u64]);
        assert!(log.failure().is_none());
    }

    #[test]
    fn a_log_is_resumed_where_it_ended_and_keeps_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for bytes in ["12345", "67890", "cut", "dropped"] {
            let mut log = FileLog::resume(&path, 10, |_| {}).unwrap();
            log.write(bytes.as_bytes());
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, format!("1234567890{}", texts::LOG_CUT));
    }

    #[test]
    fn a_log_that_cannot_be_written_says_why() {
        let mut log = FileLog::create(Path::new("/dev/full"), 10, |_| {}).unwrap();
        log.write(b"x");
        log.write(b"y");
        let failure = log.failure().expect("the device is full");
        assert_eq!(failure.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn the_runners_lines_begin_as_lines() {
        let mut kept = Vec::new();
        let mut output = Output::new(&mut kept);
        output.say("one");
        output.of_build(b"no end");
        output.say("two\nlines");
        output.of_build(b"end\n");
        output.say("three");
        assert_eq!(output.printed(), 10);
        assert_eq!(
            String::from_utf8(kept).unwrap(),
            "[chela] one\nno end\n[chela] two\n[chela] lines\nend\n[chela] three\n"
        );
    }
}
