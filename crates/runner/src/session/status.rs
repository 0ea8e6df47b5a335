//! The channel from the build's shell: what it says, read with bounds, because the build can write
//! into it if it wants to. It can then lie about itself, and only about itself.

use std::collections::{BTreeMap, VecDeque};

/// A line, and before the shell is ready also the sandbox's complaints, may have this many bytes.
const LONGEST_LINE: usize = 512;
/// How much of what is no message is kept, to say why there is no shell.
const LONGEST_COMPLAINT: usize = 2048;
/// All values at the end together.
const LONGEST_VALUES: usize = 512 * 1024;

/// What the shell says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The stage inside the walls waits for its limits.
    Up,
    /// The shell waits for commands.
    Ready,
    /// This command has ended with this status.
    Done { number: usize, status: u8 },
    /// The values that were asked for.
    Values(BTreeMap<String, String>),
    /// Nothing that the shell says by itself.
    Nonsense,
}

/// Cuts the channel's bytes into messages.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    bytes: Vec<u8>,
    messages: VecDeque<Message>,
    complaint: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Starting,
    Ready,
    Values,
    Lost,
}

impl Reader {
    /// Takes bytes from the channel.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.state == State::Lost {
            return;
        }
        self.bytes.extend_from_slice(bytes);
        while self.cut() {}
    }

    /// The next message.
    pub(crate) fn next(&mut self) -> Option<Message> {
        self.messages.pop_front()
    }

    /// What the sandbox or the shell said before it was ready, for people.
    pub(crate) fn complaint(&self) -> String {
        let mut all = self.complaint.clone();
        if self.state == State::Starting {
            all.extend_from_slice(&self.bytes);
        }
        let text = String::from_utf8_lossy(&all);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Cuts one message off, if there is a whole one.
    fn cut(&mut self) -> bool {
        match self.state {
            State::Starting | State::Ready => self.line(),
            State::Values => self.values(),
            State::Lost => false,
        }
    }

    fn line(&mut self) -> bool {
        let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') else {
            if self.bytes.len() > LONGEST_LINE {
                self.no_message();
            }
            return false;
        };
        let rest = self.bytes.split_off(end + 1);
        let line = std::mem::replace(&mut self.bytes, rest);
        match message(&line[..end]) {
            Some(Line::Message(message)) => {
                if message == Message::Ready {
                    self.state = State::Ready;
                }
                self.messages.push_back(message);
            }
            Some(Line::Values) => self.state = State::Values,
            None => {
                let rest = std::mem::replace(&mut self.bytes, line);
                self.no_message();
                self.bytes = rest;
            }
        }
        true
    }

    /// What is there is no message: a complaint of the sandbox, or the build's doing.
    fn no_message(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if self.state == State::Starting {
            let left = LONGEST_COMPLAINT.saturating_sub(self.complaint.len());
            self.complaint.extend(bytes.into_iter().take(left));
        } else {
            self.lost();
        }
    }

    fn lost(&mut self) {
        self.state = State::Lost;
        self.bytes.clear();
        self.messages.push_back(Message::Nonsense);
    }

    /// Records ended by NUL; an empty one ends them all.
    fn values(&mut self) -> bool {
        let end = match self.bytes.first() {
            Some(0) => Some(0),
            _ => self
                .bytes
                .windows(2)
                .position(|pair| pair == [0, 0])
                .map(|at| at + 1),
        };
        let Some(end) = end else {
            if self.bytes.len() > LONGEST_VALUES {
                self.lost();
            }
            return false;
        };
        let rest = self.bytes.split_off(end + 1);
        let records = std::mem::replace(&mut self.bytes, rest);
        self.state = State::Ready;
        self.messages.push_back(Message::Values(pairs(&records)));
        true
    }
}

fn pairs(records: &[u8]) -> BTreeMap<String, String> {
    let records = records
        .split(|byte| *byte == 0)
        .map(String::from_utf8_lossy);
    let pair = |record: std::borrow::Cow<'_, str>| {
        let (name, value) = record.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    records.filter_map(pair).collect()
}

enum Line {
    Message(Message),
    Values,
}

fn message(line: &[u8]) -> Option<Line> {
    let line = str::from_utf8(line).ok()?;
    let message = match line {
        "up" => Message::Up,
        "ready" => Message::Ready,
        "values" => return Some(Line::Values),
        _ => {
            let (number, status) = line.strip_prefix("done ")?.split_once(' ')?;
            Message::Done {
                number: number.parse().ok()?,
                status: status.parse().ok()?,
            }
        }
    };
    Some(Line::Message(message))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn heard(pieces: &[&[u8]]) -> Vec<Message> {
        let mut reader = Reader::default();
        for piece in pieces {
            reader.feed(piece);
        }
        std::iter::from_fn(|| reader.next()).collect()
    }

    #[test]
    fn messages_are_read_wherever_the_pipe_cuts_them() {
        let text = b"up\nready\ndone 3 0\nvalues\nA=1\n2\0B=\0\0done 4 255\nvalues\n\0done 5 1\n";
        let whole = heard(&[text]);
        let values = BTreeMap::from([("A".into(), "1\n2".into()), ("B".into(), String::new())]);
        assert_eq!(
            whole,
            [
                Message::Up,
                Message::Ready,
                Message::Done {
                    number: 3,
                    status: 0
                },
                Message::Values(values),
                Message::Done {
                    number: 4,
                    status: 255
                },
                Message::Values(BTreeMap::new()),
                Message::Done {
                    number: 5,
                    status: 1
                },
            ]
        );
        for at in 0..text.len() {
            assert_eq!(heard(&[&text[..at], &text[at..]]), whole, "cut at {at}");
        }
    }

    #[test]
    fn before_the_shell_is_ready_anything_else_is_a_complaint() {
        let mut reader = Reader::default();
        reader.feed(b"bwrap: setting up uid map:\n Permission denied");
        assert_eq!(
            reader.complaint(),
            "bwrap: setting up uid map: Permission denied"
        );
        assert_eq!(reader.next(), None);
    }

    #[test]
    fn afterwards_it_is_nonsense_once() {
        for text in [
            &b"done 3\n"[..],
            b"done 3 256\n",
            b"hello\n",
            b"done -1 0\n",
            b"\xff\n",
        ] {
            let messages = heard(&[b"up\nready\n", text, b"done 1 0\n"]);
            assert_eq!(
                messages,
                [Message::Up, Message::Ready, Message::Nonsense],
                "{text:?}"
            );
        }
    }

    #[test]
    fn what_never_ends_is_not_kept() {
        for beginning in [&b""[..], b"ready\n", b"ready\nvalues\n"] {
            let mut reader = Reader::default();
            reader.feed(beginning);
            for _ in 0..1000 {
                reader.feed(&[b'x'; 4096]);
            }
            let kept = reader.bytes.len() + reader.complaint.len();
            assert!(kept <= LONGEST_VALUES + 4096, "{kept} bytes are kept");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(pieces in prop::collection::vec(any::<Vec<u8>>(), 0..20)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            heard(&pieces);
        }
    }
}
