//! A build's log: shown without control characters, the same whatever the pieces it comes in, and
//! from each mark on as if it had been read from the beginning.
#![no_main]

use chela_pages::{Line, LogFilter, Mark};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((size, log)) = input.split_first() else {
        return;
    };
    let (lines, _) = read(LogFilter::default(), &[log]);
    for line in &lines {
        let text = line.text();
        assert!(!text.contains(|c: char| c.is_control() && c != '\t'));
        assert_eq!(line.parts().map(|(_, part)| part).collect::<String>(), text);
    }

    let pieces: Vec<&[u8]> = log.chunks(usize::from(*size) + 1).collect();
    let (in_pieces, marks) = read(LogFilter::default(), &pieces);
    assert_eq!(in_pieces, lines);

    for mark in marks {
        let from = usize::try_from(mark.offset).expect("a place in the log");
        let number = usize::try_from(mark.line.expect("read from the beginning")).expect("small");
        let (rest, _) = read(LogFilter::at(mark), &[&log[from..]]);
        assert_eq!(rest, lines[number - 1..]);
    }
});

/// The lines of a log in these pieces, and a few of its marks.
fn read(mut filter: LogFilter, pieces: &[&[u8]]) -> (Vec<Line>, Vec<Mark>) {
    let mut lines = Vec::new();
    let mut marks = Vec::new();
    for piece in pieces {
        filter.push(piece, |line| lines.push(line));
        let mark = filter.mark().to_string();
        marks.push(mark.parse().expect("a mark reads back"));
    }
    marks.dedup();
    marks.truncate(8);
    lines.extend(filter.finish());
    (lines, marks)
}
