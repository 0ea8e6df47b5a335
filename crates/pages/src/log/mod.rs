//! A log's bytes, made harmless line by line.

mod decode;
mod escape;
mod line;
mod mark;
mod style;

use decode::Decoder;
use escape::{Effect, Escape};

pub use line::Line;
pub use mark::{InvalidMark, Mark};
pub use style::Style;

/// Makes lines of a log's bytes, in pieces of any size: broken UTF-8 is replaced, control and
/// invisible characters are made visible, colours are kept as [`Style`]s, other escape sequences
/// are taken out, and of what a progress bar paints over itself the last state stays.
///
/// No sequence and no character reaches beyond its line, so that one line feed ends one line and
/// nothing but the style is carried over to the next. Memory is that of one shown line.
#[derive(Clone, Debug)]
pub struct LogFilter {
    /// Bytes of the log before what comes next.
    offset: u64,
    mark: Mark,
    decoder: Decoder,
    pen: Pen,
}

/// What paints the current line.
#[derive(Clone, Debug)]
struct Pen {
    escape: Escape,
    style: Style,
    line: Line,
    /// Stands in the first column: the next character paints over the line.
    returned: bool,
}

impl Default for LogFilter {
    fn default() -> Self {
        Self::at(Mark::START)
    }
}

impl LogFilter {
    /// Goes on from a mark; the bytes are those from [`Mark::offset`] on.
    #[must_use]
    pub fn at(mark: Mark) -> Self {
        Self {
            offset: mark.offset,
            mark,
            decoder: Decoder::default(),
            pen: Pen::new(mark),
        }
    }

    /// Takes the next bytes and hands on each line that ends in them.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Line)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.offset = self.offset.saturating_add(piece.len() as u64);
            let Some(rest) = piece.strip_suffix(b"\n") else {
                self.decoder.take(piece, |c| self.pen.paint(c));
                continue;
            };
            self.decoder.take(rest, |c| self.pen.paint(c));
            each(self.end_line());
        }
    }

    /// The beginning of the line that has not ended.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// The line that has not ended, if anything of it has come.
    #[must_use]
    pub fn unfinished(&self) -> Option<&Line> {
        (self.offset > self.mark.offset).then_some(&self.pen.line)
    }

    /// The log ends here: the last line, if it has no line feed.
    #[must_use]
    pub fn finish(mut self) -> Option<Line> {
        let begun = self.offset > self.mark.offset;
        begun.then(|| self.end_line())
    }

    fn end_line(&mut self) -> Line {
        self.decoder.end(|c| self.pen.paint(c));
        self.mark = Mark {
            offset: self.offset,
            line: self.mark.line.map(|line| line.saturating_add(1)),
            style: self.pen.style,
        };
        std::mem::replace(&mut self.pen, Pen::new(self.mark)).line
    }
}

impl Pen {
    fn new(mark: Mark) -> Self {
        Self {
            escape: Escape::default(),
            style: mark.style,
            line: Line::new(mark.line),
            returned: false,
        }
    }

    fn paint(&mut self, c: char) {
        match self.escape.step(c) {
            None => {}
            Some(Effect::Print(c)) => {
                if std::mem::take(&mut self.returned) {
                    self.line.erase();
                }
                self.line.push(c, self.style);
            }
            Some(Effect::Style(parameters)) => self.style.apply(&parameters),
            Some(Effect::Return) => self.returned = true,
            Some(Effect::EraseRest) if !self.returned => {}
            Some(Effect::EraseRest | Effect::EraseAll) => self.line.erase(),
        }
    }
}

#[cfg(test)]
mod tests;
