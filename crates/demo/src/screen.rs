//! What is seen: on a terminal two lines that change in place, elsewhere a line for each change.

use std::io::Write;

use url::Url;

use crate::{
    forge::{Flag, PullRequest},
    look::{Cell, Look, columns},
    texts,
};

/// The output of one demonstration. Whoever closes a pipe early has read enough: nothing fails.
pub struct Screen<'a> {
    out: &'a mut (dyn Write + Send),
    look: Look,
    lines: Vec<Line>,
    /// Lines on the terminal that are written again when something changes.
    drawn: usize,
}

/// Room for each status and percentage, so that lines of different times stand below each other.
const LEAST: [usize; 5] = [0, 0, 8, 5, 0];

/// A pull request and what has been heard of its build.
struct Line {
    pull_request: PullRequest,
    flag: Option<Flag>,
    /// The last one that was told.
    address: String,
}

impl<'a> Screen<'a> {
    /// Nothing is shown yet.
    pub fn new(out: &'a mut (dyn Write + Send), look: Look, pull_requests: &[PullRequest]) -> Self {
        let line = |pull_request: &PullRequest| Line {
            pull_request: pull_request.clone(),
            flag: None,
            address: String::new(),
        };
        Self {
            out,
            look,
            lines: pull_requests.iter().map(line).collect(),
            drawn: 0,
        }
    }

    /// A text of its own, above the lines that change.
    pub fn say(&mut self, text: &str) {
        let drawn = self.erase();
        self.put(&format!("{text}\n"));
        if drawn > 0 {
            self.draw();
        }
    }

    /// Shows a flag's change, and the address of its page where that is news. Until a build has
    /// one, its flag points to `forge`.
    pub fn change(&mut self, flag: Flag, forge: &Url) {
        let id = flag.pull_request;
        let ours = |line: &Line| Some(line.pull_request.id) == id;
        let Some(at) = self.lines.iter().position(ours) else {
            return;
        };
        let line = &mut self.lines[at];
        let address = line.news(&flag.shown.url, forge);
        line.flag = Some(flag);
        if self.look == Look::Plain {
            let row = self.rows().swap_remove(at);
            self.put(&format!("{row}\n"));
        } else {
            self.erase();
            self.draw();
        }
        if let Some(address) = address {
            self.say(&address);
        }
    }

    /// Whether the last change of each pull request was the end of its build.
    pub fn is_settled(&self) -> bool {
        let ended = |line: &Line| line.flag.as_ref().is_some_and(|flag| !flag.is_pending());
        self.lines.iter().all(ended)
    }

    /// The flags as they stand now. Nothing changes in place any more.
    pub fn end(&mut self, flags: &[Flag]) {
        self.drawn = 0;
        self.say(texts::FLAGS);
        for row in table(&self.lines, flags, self.look) {
            self.put(&format!("  {row}\n"));
        }
        self.put("\n");
    }

    fn rows(&self) -> Vec<String> {
        let rows: Vec<_> = self.lines.iter().map(Line::row).collect();
        columns(&rows, LEAST, self.look)
    }

    fn draw(&mut self) {
        let rows = self.rows();
        self.drawn = rows.len();
        // Without line wrapping meanwhile (DECAWM), a long line stays one line.
        let fixed = rows.iter().map(|row| format!("\x1b[?7l{row}\x1b[?7h\n"));
        self.put(&fixed.collect::<Vec<_>>().concat());
    }

    /// Removes what was drawn, and says how many lines that were.
    fn erase(&mut self) -> usize {
        let drawn = std::mem::take(&mut self.drawn);
        if drawn > 0 {
            self.put(&format!("\x1b[{drawn}A\x1b[J"));
        }
        drawn
    }

    fn put(&mut self, text: &str) {
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
    }
}

impl Line {
    /// The address of the build's page, if it has not been told yet.
    fn news(&mut self, url: &str, forge: &Url) -> Option<String> {
        if url.starts_with(forge.as_str()) || url == self.address {
            return None;
        }
        url.clone_into(&mut self.address);
        Some(texts::address(self.pull_request.id, url))
    }

    fn row(&self) -> [Cell; 5] {
        let name = Cell::Text(texts::name(&self.pull_request));
        let text = |text: &str| Cell::Text(text.to_owned());
        match &self.flag {
            Some(flag) => [
                name,
                text(flag.context.as_str()),
                Cell::Status(flag.shown.status),
                Cell::Text(format!("{:>5}", texts::percent(flag))),
                text(&flag.shown.description),
            ],
            None => [name, text(texts::NOTHING_YET), text(""), text(""), text("")],
        }
    }
}

fn table(lines: &[Line], flags: &[Flag], look: Look) -> Vec<String> {
    let mut rows = vec![texts::COLUMNS.map(|name| Cell::Text(name.to_owned()))];
    for line in lines {
        let id = Some(line.pull_request.id);
        for flag in flags.iter().filter(|flag| flag.pull_request == id) {
            rows.push([
                Cell::Text(texts::name(&line.pull_request)),
                Cell::Text(flag.commit.as_str().chars().take(12).collect()),
                Cell::Text(flag.context.to_string()),
                Cell::Status(flag.shown.status),
                Cell::Text(flag.shown.description.clone()),
            ]);
        }
    }
    columns(&rows, [0; 5], look)
}

#[cfg(test)]
mod tests {
    use chela_contract::{Micros, Shown, Status};

    use super::*;

    const FORGE: &str = "http://127.0.0.1:4000/";

    fn pull_requests() -> [PullRequest; 2] {
        let pull_request = |id, title, digit: &str, expected| PullRequest {
            id,
            title,
            branch: "",
            commit: digit.repeat(40).parse().unwrap(),
            expected,
        };
        [
            pull_request(1, "A good one", "a", Status::Success),
            pull_request(2, "A bad one", "b", Status::Failure),
        ]
    }

    fn flag(id: u32, status: Status, percent: Option<u8>, page: &str, text: &str) -> Flag {
        let url = page.parse().unwrap();
        let at = usize::try_from(id - 1).unwrap();
        Flag {
            commit: pull_requests()[at].commit.clone(),
            pull_request: Some(id),
            context: "local/check".parse().unwrap(),
            shown: Shown::new(Micros::new(0), status, percent, &url, text),
        }
    }

    /// Everything that a build goes through, as it is shown.
    fn shown(look: Look) -> String {
        let forge = FORGE.parse().unwrap();
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, look, &pull_requests());
        screen.say("Hello.");
        let page = "http://127.0.0.1:4001/builds/1";
        let last = [
            flag(1, Status::Success, None, page, "Succeeded"),
            flag(2, Status::Failure, None, FORGE, "Phase BUILD failed"),
        ];
        screen.change(flag(1, Status::Pending, None, FORGE, "Waiting"), &forge);
        screen.change(flag(2, Status::Pending, None, FORGE, "Waiting"), &forge);
        screen.change(
            flag(1, Status::Pending, Some(60), page, "Phase BUILD"),
            &forge,
        );
        assert!(!screen.is_settled());
        for flag in last.clone() {
            screen.change(flag, &forge);
        }
        assert!(screen.is_settled());
        screen.end(&last);
        screen.say("Done.");
        String::from_utf8(out).unwrap()
    }

    /// What a terminal of endless width shows in the end, colours as they come.
    fn terminal(bytes: &str) -> String {
        let mut lines = vec![String::new()];
        for line in bytes.split_inclusive('\n') {
            let line = line.replace("\x1b[?7l", "").replace("\x1b[?7h", "");
            let line = match line.split_once("A\x1b[J") {
                Some((up, rest)) => {
                    let up: usize = up.strip_prefix("\x1b[").unwrap().parse().unwrap();
                    lines.truncate(lines.len() - 1 - up);
                    lines.push(String::new());
                    rest.to_owned()
                }
                None => line,
            };
            lines
                .last_mut()
                .unwrap()
                .push_str(line.trim_end_matches('\n'));
            if line.ends_with('\n') {
                lines.push(String::new());
            }
        }
        lines.join("\n").replace('\x1b', "^")
    }

    #[test]
    fn a_pipe_gets_a_line_for_each_change() {
        insta::assert_snapshot!(shown(Look::Plain));
    }

    #[test]
    fn a_terminal_shows_two_lines_that_change_in_place() {
        insta::assert_snapshot!(terminal(&shown(Look::Live)));
    }

    #[test]
    fn colours_are_those_of_the_status() {
        insta::assert_snapshot!(terminal(&shown(Look::Coloured)));
    }

    #[test]
    fn a_pipe_gets_nothing_that_moves() {
        assert!(!shown(Look::Plain).contains('\x1b'));
    }

    #[test]
    fn whoever_closes_the_pipe_stops_nothing() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
        }
        let mut out = Closed;
        let mut screen = Screen::new(&mut out, Look::Plain, &pull_requests());
        screen.say("Hello.");
        screen.end(&[]);
    }
}
