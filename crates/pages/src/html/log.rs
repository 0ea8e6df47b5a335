//! A log's lines.

use maud::{Markup, html};

use crate::{Line, Mark};

/// The part of a log that a page shows.
#[derive(Debug)]
pub(crate) struct LogPart {
    /// Bytes before it.
    pub skipped: u64,
    pub lines: Vec<Line>,
    /// The line that has not ended.
    pub unfinished: Option<Line>,
    /// Where a live view goes on.
    pub mark: Mark,
}

/// The lines, each an element of its own.
pub(crate) fn lines(lines: &[Line]) -> Markup {
    html! { @for line in lines { (one(line)) } }
}

/// The line that has not ended, or nothing.
pub(crate) fn unfinished(line: Option<&Line>) -> Markup {
    html! { @if let Some(line) = line { (one(line)) } }
}

fn one(line: &Line) -> Markup {
    let id = line.number.map(|number| format!("L{number}"));
    html! {
        div id=[id] data-n=[line.number] {
            @for (style, text) in line.parts() {
                @let classes = style.classes().collect::<Vec<_>>().join(" ");
                @if classes.is_empty() { (text) } @else { span class=(classes) { (text) } }
            }
            @if line.left_out > 0 {
                span class="cut" { "… " (line.left_out) " more characters are in the raw log" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LogFilter;

    fn shown(log: &[u8], mark: Mark) -> String {
        let mut filter = LogFilter::at(mark);
        let mut all = Vec::new();
        filter.push(log, |line| all.push(line));
        lines(&all).into_string() + &unfinished(filter.unfinished()).into_string()
    }

    #[test]
    fn a_line_has_its_number_and_its_colours() {
        let html = shown(b"\x1b[1;31mbad\x1b[m <b>&\n\nrest", Mark::START);
        assert_eq!(
            html,
            "<div id=\"L1\" data-n=\"1\"><span class=\"c1 b\">bad</span> &lt;b&gt;&amp;</div>\
             <div id=\"L2\" data-n=\"2\"></div><div id=\"L3\" data-n=\"3\">rest</div>"
        );
    }

    #[test]
    fn a_line_that_nobody_counted_has_no_number() {
        assert_eq!(shown(b"text\n", Mark::at(7)), "<div>text</div>");
    }

    #[test]
    fn a_line_that_is_cut_says_so() {
        let html = shown(&[b'x'; 4001], Mark::at(7));
        let end = "x<span class=\"cut\">… 1 more characters are in the raw log</span></div>";
        assert!(html.ends_with(end), "{}", &html[html.len() - 200..]);
    }
}
