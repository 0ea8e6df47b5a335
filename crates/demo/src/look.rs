//! How the output looks: colours, and columns.

use std::io::{self, IsTerminal as _};

use chela_contract::Status;

/// What the output is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A file or a pipe: lines, nothing else.
    Plain,
    /// A terminal without colours.
    Live,
    /// A terminal with colours.
    Coloured,
}

impl Look {
    /// What standard output is good for; no colours with `NO_COLOR` (no-color.org), and nothing
    /// moves on a terminal that says it is dumb.
    #[must_use]
    pub fn of_stdout() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        if dumb || !io::stdout().is_terminal() {
            Self::Plain
        } else if set("NO_COLOR").is_some() {
            Self::Live
        } else {
            Self::Coloured
        }
    }

    fn paint(self, cell: &Cell, text: String) -> String {
        match cell {
            Cell::Status(status) if self == Self::Coloured => {
                format!("\x1b[{}m{text}\x1b[0m", colour(*status))
            }
            _ => text,
        }
    }
}

/// One cell of a row.
#[derive(Clone, Debug)]
pub enum Cell {
    /// As it stands.
    Text(String),
    /// Its word, in its colour.
    Status(Status),
}

impl Cell {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Status(status) => status.as_str(),
        }
    }
}

/// Rows of one length as lines, each column as wide as its widest cell and as `least` at least.
pub fn columns<const N: usize>(rows: &[[Cell; N]], least: [usize; N], look: Look) -> Vec<String> {
    let mut widths = least;
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.text().chars().count());
        }
    }
    let line = |row: &[Cell; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| {
            let padded = format!("{:width$}", cell.text());
            look.paint(cell, padded)
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// ECMA-48, "SGR".
fn colour(status: Status) -> u8 {
    match status {
        Status::Pending => 33,
        Status::Success => 32,
        Status::Canceled => 90,
        Status::Failure | Status::Error => 31,
    }
}
