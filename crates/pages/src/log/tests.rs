//! Tables of what a log shows, and laws that hold for every log.

use proptest::{collection::vec, prelude::*};
use rstest::rstest;

use super::*;

/// The lines of a log that came in these pieces.
fn lines<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Line> {
    let mut filter = LogFilter::default();
    let mut lines = Vec::new();
    for piece in pieces {
        filter.push(piece, |line| lines.push(line));
    }
    lines.extend(filter.finish());
    lines
}

fn shown(log: &[u8]) -> String {
    let lines = lines([log]);
    let texts: Vec<&str> = lines.iter().map(Line::text).collect();
    texts.join("\n")
}

#[rstest]
#[case(b"", "")]
#[case(b"one\ntwo", "one\ntwo")]
#[case(b"one\r\ntwo\r\n", "one\ntwo")]
#[case(b"\n\n", "\n")]
#[case(b"a\tb", "a\tb")]
#[case(b"10%\r50%\rdone\n", "done")]
#[case(b"long text\rok", "ok")]
#[case(b"100%\r", "100%")]
#[case(b"100%\r\x1b[K\nnext", "\nnext")]
#[case(b"abc\x1b[K", "abc")]
#[case(b"spin |\x1b[2K\x1b[1Gdone", "done")]
#[case(b"\x1b[31mred\x1b[0m", "red")]
#[case(b"\x1b]0;a title\x07text", "text")]
#[case(b"\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\", "link")]
#[case(b"\x1bPq#0;2\x1b\\text", "text")]
#[case(b"\x1b(Btext\x1b=\x1b7", "text")]
#[case(b"\x1b[2J\x1b[1;1H\x1b[?25ltext", "text")]
#[case(b"\x1b]0;never ends\nnext", "\nnext")]
#[case(b"\x1b[3\n1mnext", "\n1mnext")]
#[case(b"\x1b\x1b[1mtext", "text")]
#[case(b"\x1b[\x07text", "\u{27e8}U+0007\u{27e9}text")]
#[case(b"\x1b[31\xc3\xa9text", "\u{e9}text")]
#[case(b"a\x08b\x7f", "a\u{27e8}U+0008\u{27e9}b\u{27e8}U+007F\u{27e9}")]
#[case(
    b"\xe2\x80\xaegpj\xc2\x9b",
    "\u{27e8}U+202E\u{27e9}gpj\u{27e8}U+009B\u{27e9}"
)]
#[case(b"\xff\xfe ok \xe2\x82", "\u{fffd}\u{fffd} ok \u{fffd}")]
#[case(b"\xe2\x82\nnext", "\u{fffd}\nnext")]
#[case("Größe 日本".as_bytes(), "Größe 日本")]
fn a_log_is_shown(#[case] log: &[u8], #[case] text: &str) {
    assert_eq!(shown(log), text);
}

#[test]
fn a_sequence_without_end_is_no_style_and_takes_no_memory() {
    let log = [b"\x1b[".as_slice(), &vec![b'1'; 100_000], b"mtext"].concat();
    let mut filter = LogFilter::default();
    filter.push(&log, |_| ());
    assert_eq!(filter.unfinished().unwrap().text(), "text");
    assert_eq!(filter.pen.style, Style::PLAIN);
}

#[test]
fn a_long_line_is_cut_and_says_by_how_much() {
    let lines = lines(["é".repeat(4100).as_bytes(), b"\nnext\n"]);
    assert_eq!(lines[0].text(), "é".repeat(4000));
    assert_eq!(lines[0].left_out, 100);
    assert_eq!(lines[1].text(), "next");
    assert_eq!(lines[1].left_out, 0);
}

#[test]
fn a_style_goes_on_in_the_next_line() {
    let lines = lines([b"a\x1b[1;31mb\nc\x1b[md\n".as_slice()]);
    let parts: Vec<Vec<(String, &str)>> = lines
        .iter()
        .map(|line| {
            let named = |(style, text): (Style, _)| (style.classes().collect(), text);
            line.parts().map(named).collect()
        })
        .collect();
    let part = |classes: &str, text| (classes.to_owned(), text);
    assert_eq!(parts[0], [part("", "a"), part("c1b", "b")]);
    assert_eq!(parts[1], [part("c1b", "c"), part("", "d")]);
}

#[test]
fn a_line_knows_its_number_unless_the_beginning_is_missing() {
    let numbers: Vec<_> = lines([b"a\nb\nc".as_slice()])
        .iter()
        .map(|line| line.number)
        .collect();
    assert_eq!(numbers, [Some(1), Some(2), Some(3)]);

    let mut filter = LogFilter::at(Mark::at(100));
    let mut numbers = Vec::new();
    filter.push(b"a\nb\n", |line| numbers.push(line.number));
    assert_eq!(numbers, [None, None]);
    assert_eq!(filter.mark(), Mark::at(104));
}

#[rstest]
#[case("0.1.0")]
#[case("9223372036854775807.0.271")]
fn a_mark_reads_back(#[case] text: &str) {
    assert_eq!(text.parse::<Mark>().unwrap().to_string(), text);
}

#[rstest]
#[case("")]
#[case("1")]
#[case("1.2")]
#[case("1.2.3.4")]
#[case("-1.1.0")]
#[case("9223372036854775808.1.0")]
#[case("0.1.272")]
#[case("0.1.99999")]
#[case("a.b.c")]
fn what_is_no_mark_is_refused(#[case] text: &str) {
    assert!(text.parse::<Mark>().is_err());
}

/// Logs full of what matters: sequences, their pieces, broken characters, line ends.
fn hostile_log() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\x1b".to_vec()),
        Just(b"\x1b[".to_vec()),
        Just(b"\x1b[1;38;5;9m".to_vec()),
        Just(b"\x1b]0;t".to_vec()),
        Just(b"\x1b\\".to_vec()),
        Just(b"\x07".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\x1b[2K".to_vec()),
        Just("é日\u{202e}😀".as_bytes().to_vec()),
        vec(any::<u8>(), 0..6),
        vec(b' '..b'~', 0..6),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn pieces_make_no_difference(log in hostile_log(), cuts in vec(1_usize..9, 1..9)) {
        let mut pieces = Vec::new();
        let mut rest = log.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        prop_assert_eq!(lines(pieces), lines([log.as_slice()]));
    }

    #[test]
    fn nothing_shown_is_a_control_character(log in hostile_log()) {
        for line in lines([log.as_slice()]) {
            prop_assert!(!line.text().chars().any(|c| c.is_control() && c != '\t'));
            let joined: String = line.parts().map(|(_, text)| text).collect();
            prop_assert_eq!(joined, line.text());
        }
    }

    #[test]
    fn a_line_feed_ends_a_line(log in hostile_log()) {
        let expected = log.split_inclusive(|byte| *byte == b'\n').count();
        prop_assert_eq!(lines([log.as_slice()]).len(), expected);
    }

    #[test]
    fn who_goes_on_from_a_mark_sees_the_same(log in hostile_log(), at in any::<prop::sample::Index>()) {
        let all = lines([log.as_slice()]);
        let mut filter = LogFilter::default();
        let mut before = Vec::new();
        filter.push(&log[..at.index(log.len() + 1)], |line| before.push(line));
        let mark: Mark = filter.mark().to_string().parse().unwrap();
        let mut again = LogFilter::at(mark);
        let from = usize::try_from(mark.offset).unwrap();
        again.push(&log[from..], |line| before.push(line));
        before.extend(again.finish());
        prop_assert_eq!(before, all);
    }

    #[test]
    fn plain_text_is_left_alone(text in "[ -~äöü日本\n]{0,200}") {
        let shown: String = lines([text.as_bytes()])
            .iter()
            .flat_map(|line| [line.text(), "\n"])
            .collect();
        prop_assert_eq!(shown.trim_end_matches('\n'), text.trim_end_matches('\n'));
    }
}
