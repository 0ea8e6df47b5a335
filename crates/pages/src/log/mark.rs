//! A place in a log from which reading can go on.

use std::{fmt, str::FromStr};

use super::style::Style;

/// The beginning of a line: where it is, which one it is, and the style that is still on there.
/// Whoever goes on from here sees what they would have seen reading on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Bytes before it.
    pub offset: u64,
    /// The line's number, counted from 1; `None` if the log's beginning was not read.
    pub line: Option<u64>,
    pub(super) style: Style,
}

/// The text is no mark.
#[derive(Debug, thiserror::Error)]
#[error("not a place in a log: give one that a live log's events carry as their id, or none")]
pub struct InvalidMark;

impl Mark {
    /// The log's beginning.
    pub const START: Self = Self {
        offset: 0,
        line: Some(1),
        style: Style::PLAIN,
    };

    /// A later place, with nothing known of what is before it.
    #[must_use]
    pub fn at(offset: u64) -> Self {
        Self {
            offset,
            line: None,
            style: Style::PLAIN,
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line.unwrap_or(0);
        write!(f, "{}.{line}.{}", self.offset, self.style.to_bits())
    }
}

impl FromStr for Mark {
    type Err = InvalidMark;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut fields = text.split('.').map(str::parse::<u64>);
        let mut field = || fields.next().and_then(Result::ok).ok_or(InvalidMark);
        let (offset, line, style) = (field()?, field()?, field()?);
        // A file's places are signed numbers to the system.
        if fields.next().is_some() || i64::try_from(offset).is_err() {
            return Err(InvalidMark);
        }
        let style = u16::try_from(style).ok().and_then(Style::from_bits);
        Ok(Self {
            offset,
            line: (line > 0).then_some(line),
            style: style.ok_or(InvalidMark)?,
        })
    }
}
