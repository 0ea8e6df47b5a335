//! One line of a log, fit for a page.

use super::style::Style;
use crate::text::push_visible;

/// More of one line than anybody reads; the raw log has the rest. Characters.
const MAX_CHARACTERS: usize = 4000;

/// A line without control characters (save tabs), and how its parts are styled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Counted from 1; `None` in a log whose beginning was not read.
    pub number: Option<u64>,
    /// How many characters too many it had.
    pub left_out: u64,
    text: String,
    characters: usize,
    /// Where in the text another style begins.
    styles: Vec<(usize, Style)>,
}

impl Line {
    pub(super) fn new(number: Option<u64>) -> Self {
        Self {
            number,
            ..Self::default()
        }
    }

    /// The text as it is shown, without its styles.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text in parts of one style.
    pub fn parts(&self) -> impl Iterator<Item = (Style, &str)> {
        let ends = self.styles.iter().skip(1).map(|(at, _)| *at);
        let ends = ends.chain([self.text.len()]);
        self.styles
            .iter()
            .zip(ends)
            .map(|((start, style), end)| (*style, &self.text[*start..end]))
    }

    pub(super) fn push(&mut self, c: char, style: Style) {
        if self.characters == MAX_CHARACTERS {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        if self.styles.last().map(|(_, last)| *last) != Some(style) {
            self.styles.push((self.text.len(), style));
        }
        self.characters += 1;
        if c == '\t' {
            self.text.push(c);
        } else {
            push_visible(&mut self.text, c);
        }
    }

    pub(super) fn erase(&mut self) {
        *self = Self::new(self.number);
    }
}
