//! What the program prints, and nothing else prints: results on stdout, the rest on stderr.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use serde::Serialize;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Accepted, or valid.
    Done,
    /// Refused for good, or not valid.
    Refused,
    /// The call itself is wrong.
    Usage,
    /// Trying again may help.
    Later,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Refused => 1,
            Exit::Usage => 2,
            Exit::Later => 3,
        })
    }
}

/// What a command has to say: for machines by `Serialize`, for people by [`Shown::lines`].
pub trait Shown: Serialize {
    /// For people.
    fn lines(&self) -> Vec<Line>;
    /// How the call ended.
    fn exit(&self) -> Exit;
}

/// A line for people.
pub enum Line {
    /// As it stands.
    Plain(String),
    /// Good news; the word before the text is green.
    Good(&'static str, String),
    /// Bad news; the word before the text is red.
    Bad(&'static str, String),
    /// Neither yet; the word before the text is yellow.
    Open(&'static str, String),
}

/// Where results go, and in which form.
pub struct Output {
    json: bool,
    colour: bool,
}

impl Output {
    /// JSON if asked for; colours on a terminal only, unless `NO_COLOR` is set (no-color.org).
    pub fn new(json: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            json,
            colour: io::stdout().is_terminal() && !plain,
        }
    }

    /// Prints a result and says how the call ended.
    pub fn show(&self, result: &impl Shown) -> Exit {
        let text = if self.json {
            let json = serde_json::to_string_pretty(result);
            json.expect("a result holds strings, numbers and JSON only")
        } else {
            let lines: Vec<String> = result.lines().iter().map(|line| self.paint(line)).collect();
            lines.join("\n")
        };
        // Whoever closes the pipe early (`| head`) has read enough.
        let _ = writeln!(io::stdout(), "{text}");
        result.exit()
    }

    /// Says what is going on, on stderr.
    #[expect(clippy::unused_self, reason = "only who has the output may print")]
    pub fn progress(&self, text: impl Display) {
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Says what is wrong with the call, on stderr.
    #[expect(clippy::unused_self, reason = "only who has the output may print")]
    pub fn error(&self, error: &anyhow::Error) {
        let _ = writeln!(io::stderr(), "error: {error:#}");
    }

    fn paint(&self, line: &Line) -> String {
        let (colour, word, text) = match line {
            Line::Plain(text) => return text.clone(),
            Line::Good(word, text) => (32, word, text),
            Line::Bad(word, text) => (31, word, text),
            Line::Open(word, text) => (33, word, text),
        };
        if self.colour {
            format!("\x1b[{colour}m{word}\x1b[0m {text}")
        } else {
            format!("{word} {text}")
        }
    }
}

/// Text from outside for a terminal: without what moves the cursor or changes colours.
pub fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
