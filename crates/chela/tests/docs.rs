//! The page "write your own receiver" says what is true of the receiver and of the program.

mod support;

use std::collections::BTreeSet;

use chela_contract::Report;
use rstest::rstest;
use support::{Run, chela, now};

const PAGE: &str = include_str!("../../../docs/write-a-receiver.md");
const RECEIVER: &str = include_str!("../../../docs/receiver/receiver.py");
const REPORT: &str = include_str!("../../../docs/receiver/report.py");

/// The words of this kind in a text.
fn words<'a>(text: &'a str, prefix: &str) -> BTreeSet<&'a str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.split(|c| !word(c))
        .filter(|word| word.starts_with(prefix))
        .collect()
}

/// The blocks of shell on the page, one command a line.
fn commands() -> Vec<String> {
    let blocks = PAGE
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    blocks
        .flat_map(|block| {
            block
                .replace("\\\n", " ")
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_setting_of_the_receiver_is_explained() {
    let table = PAGE
        .split("| setting |")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    let first = |line: &'static str| line.split('|').nth(1);
    let cells: Vec<&str> = table.lines().filter_map(first).collect();
    let explained = cells.join(" ");
    let settings: BTreeSet<&str> = [RECEIVER, REPORT]
        .iter()
        .flat_map(|source| source.split("environ").skip(1))
        .filter_map(|read| read.split('"').nth(1))
        .filter(|name| name.starts_with("CHELA_"))
        .collect();
    assert!(settings.len() > 5, "{settings:?}");
    assert_eq!(words(&explained, "CHELA_"), settings);
}

/// Without blank lines, comments, docstrings and imports.
fn lines_of_code(source: &str) -> usize {
    let left_out = ["#", "\"\"\"", "import ", "from "];
    let code = source.lines().map(str::trim);
    code.filter(|line| !line.is_empty() && !left_out.iter().any(|start| line.starts_with(start)))
        .count()
}

#[rstest]
#[case::receiver(RECEIVER, 30)]
#[case::report(REPORT, 17)]
fn the_receiver_is_short(#[case] source: &str, #[case] most: usize) {
    assert!(lines_of_code(source) <= most, "{}", lines_of_code(source));
    let longest = source.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(100), "a line of {longest:?} characters");
}

#[test]
fn every_option_on_the_page_exists() {
    let mut checked = 0;
    for command in commands() {
        let Some((_, call)) = command.split_once("chela ") else {
            continue;
        };
        let subcommand = call.split_whitespace().next().unwrap();
        let help = Run::of(chela().args([subcommand, "--help"])).stdout;
        let known = words(&help, "--");
        for option in words(call, "--") {
            assert!(known.contains(option), "chela {subcommand} has no {option}");
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} options found on the page");
}

#[test]
fn the_report_on_the_page_is_valid() {
    let json = PAGE
        .split("```json\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    Report::from_body(json.as_bytes(), now()).unwrap();
}
