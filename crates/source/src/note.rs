//! What a reader of the build should know about the source, though it is no failure.

use std::fmt;

/// As many notes as a person reads; the rest is counted.
const MAX_NOTES: usize = 100;

/// As much of a path as a line of a log holds.
const MAX_CHARS: usize = 200;

/// A path in the repository, made safe to show: its bytes are a stranger's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// Escapes what is not printable and cuts what is too long.
    #[must_use]
    pub fn new(path: &[u8]) -> Self {
        let text = String::from_utf8_lossy(path);
        let mut chars = text.chars();
        let mut shown: String = chars
            .by_ref()
            .take(MAX_CHARS)
            .flat_map(char::escape_debug)
            .collect();
        if chars.next().is_some() {
            shown.push('…');
        }
        Self(shown)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// Something that is not there as the commit has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// An empty directory stands where the submodule belongs.
    Submodule {
        /// Where.
        path: Place,
    },
    /// The file holds a pointer of git LFS, not the content that it points to.
    LfsPointer {
        /// Where.
        path: Place,
    },
    /// A symbolic link that would leave the tree is left out.
    LinkLeft {
        /// Where.
        path: Place,
    },
    /// Its name differs from an earlier one in the same directory only by case, and one of the two
    /// is no ordinary file: left out.
    CaseCollision {
        /// Where.
        path: Place,
    },
    /// Its name holds a control character: left out.
    OddName {
        /// Where.
        path: Place,
    },
    /// There are more notes than are kept.
    More {
        /// How many.
        count: u64,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Submodule { path } => write!(
                f,
                "{path} is a submodule and left empty; let the build fetch it (`git submodule` \
                 needs a clone of its own)"
            ),
            Self::LfsPointer { path } => write!(
                f,
                "{path} is a git LFS pointer and kept as it is; let the build fetch its content"
            ),
            Self::LinkLeft { path } => write!(
                f,
                "{path} is left out: this symbolic link leads out of the tree; make it relative, \
                 to a file of the repository"
            ),
            Self::CaseCollision { path } => write!(
                f,
                "{path} is left out: another name beside it differs only by case; rename one"
            ),
            Self::OddName { path } => write!(
                f,
                "{path} is left out: its name holds a control character; rename it"
            ),
            Self::More { count } => write!(f, "{count} more notes are not shown"),
        }
    }
}

/// The first notes, and how many there were after them.
#[derive(Debug, Default)]
pub struct Notes {
    kept: Vec<Note>,
    more: u64,
}

impl Notes {
    pub fn add(&mut self, note: impl FnOnce() -> Note) {
        if self.kept.len() < MAX_NOTES {
            self.kept.push(note());
        } else {
            self.more += 1;
        }
    }

    pub fn done(mut self) -> Vec<Note> {
        if self.more > 0 {
            self.kept.push(Note::More { count: self.more });
        }
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_shows_nothing_that_moves_a_terminal() {
        let place = Place::new("a\u{1b}[2J\n\u{202e}b".as_bytes()).to_string();
        assert_eq!(place, r#""a\u{1b}[2J\n\u{202e}b""#);
    }

    #[test]
    fn notes_are_cut_and_counted() {
        let mut notes = Notes::default();
        for _ in 0..MAX_NOTES + 3 {
            let path = Place::new(b"x");
            notes.add(|| Note::Submodule { path });
        }
        let notes = notes.done();
        assert_eq!(notes.len(), MAX_NOTES + 1);
        assert_eq!(notes.last(), Some(&Note::More { count: 3 }));
    }
}
