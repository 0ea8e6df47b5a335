//! Laws: nothing panics, and what is written is what is read.

use std::collections::BTreeMap;
use std::fmt::Write;

use chela_buildspec::{OnFailure, PhaseName, Shell, VariableName, parse};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// A text in one of YAML's ways of writing one.
#[derive(Debug, Clone)]
enum Written {
    Quoted(String),
    Single(String),
    Block(Vec<String>),
}

impl Written {
    fn text(&self) -> String {
        match self {
            Self::Quoted(text) | Self::Single(text) => text.clone(),
            Self::Block(lines) => lines.join("\n") + "\n",
        }
    }

    fn yaml(&self, indent: usize) -> String {
        match self {
            Self::Quoted(text) => {
                let escaped = text.chars().map(|c| format!("\\U{:08x}", u32::from(c)));
                format!("\"{}\"", escaped.collect::<Vec<_>>().concat())
            }
            Self::Single(text) => format!("'{}'", text.replace('\'', "''")),
            Self::Block(lines) => {
                let lines = lines.iter().map(|line| format!("\n{:indent$}{line}", ""));
                format!("|{}", lines.collect::<Vec<_>>().concat())
            }
        }
    }
}

fn written() -> impl Strategy<Value = Written> {
    prop_oneof![
        any::<String>().prop_map(|text| Written::Quoted(text.replace('\0', ""))),
        "[ -~é→]{0,40}".prop_map(Written::Single),
        vec("[!-~][ -~]{0,30}[!-~]", 1..4).prop_map(Written::Block),
    ]
}

type Phases = BTreeMap<PhaseName, (Vec<Written>, Vec<Written>, OnFailure)>;

fn phases() -> impl Strategy<Value = Phases> {
    let on_failure = prop_oneof![
        Just(OnFailure::Usual),
        Just(OnFailure::Abort),
        Just(OnFailure::Continue)
    ];
    let phase = (vec(written(), 1..4), vec(written(), 0..3), on_failure);
    btree_map(
        proptest::sample::select(PhaseName::ALL.to_vec()),
        phase,
        1..5,
    )
}

fn yaml(shell: Shell, variables: &BTreeMap<String, Written>, phases: &Phases) -> String {
    let mut text = format!(
        "version: 0.2\nenv:\n  shell: {}\n  variables:\n",
        shell.program()
    );
    for (name, value) in variables {
        writeln!(text, "    {name}: {}", value.yaml(6)).expect("a string takes all");
    }
    text.push_str("phases:\n");
    for (name, (commands, finally, on_failure)) in phases {
        writeln!(text, "  {}:", name.key()).expect("a string takes all");
        match on_failure {
            OnFailure::Usual => {}
            OnFailure::Abort => text.push_str("    on-failure: ABORT\n"),
            OnFailure::Continue => text.push_str("    on-failure: CONTINUE\n"),
        }
        for (key, list) in [("commands", commands), ("finally", finally)] {
            writeln!(text, "    {key}:").expect("a string takes all");
            for command in list {
                writeln!(text, "      - {}", command.yaml(8)).expect("a string takes all");
            }
        }
    }
    text
}

fn texts(list: &[Written]) -> Vec<String> {
    list.iter().map(Written::text).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(
        bash in any::<bool>(),
        variables in btree_map("V[A-Za-z0-9_]{0,8}", written(), 0..5),
        phases in phases(),
    ) {
        let shell = if bash { Shell::Bash } else { Shell::Sh };
        let text = yaml(shell, &variables, &phases);
        let plan = parse(text.as_bytes());
        prop_assert!(plan.is_ok(), "{:?}\n{text}", plan);
        let plan = plan.expect("looked at above");
        prop_assert_eq!(plan.env.shell, shell);
        let read: BTreeMap<VariableName, String> = variables
            .iter()
            .map(|(name, value)| (VariableName::new(name).expect("a name"), value.text()))
            .collect();
        prop_assert_eq!(plan.env.variables, read);
        prop_assert_eq!(plan.phases.len(), phases.len());
        for (phase, (name, (commands, finally, on_failure))) in plan.phases.iter().zip(&phases) {
            prop_assert_eq!(phase.name, *name);
            prop_assert_eq!(&phase.commands, &texts(commands));
            prop_assert_eq!(&phase.finally, &texts(finally));
            prop_assert_eq!(phase.on_failure, *on_failure);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_order_of_a_buildspecs_words_makes_it_panic(words in vec(word(), 0..60)) {
        let _ = parse(words.concat().as_bytes());
    }

    /// An error is one line, so that it fits a log and a flag's comment.
    #[test]
    fn an_error_is_one_harmless_line(words in vec(word(), 0..40)) {
        if let Err(error) = parse(words.concat().as_bytes()) {
            let error = error.to_string();
            prop_assert!(!error.chars().any(char::is_control), "{error:?}");
            prop_assert!(error.len() < 1000, "{error:?}");
        }
    }
}

fn word() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "version: 0.2\n",
        "phases:\n",
        "  build:\n",
        "    commands:\n",
        "      - ",
        "make",
        "\n",
        "env:\n",
        "  variables:\n",
        "    A: ",
        "artifacts:\n",
        "  files:\n",
        "    - '**/*'\n",
        "  secondary-artifacts:\n",
        "cache:\n",
        "reports:\n",
        "batch:\n",
        "1.10",
        "~",
        "null",
        "yes",
        "&a ",
        "*a",
        "<<: *a\n",
        "|\n",
        ">-\n",
        "\"",
        "'",
        "[",
        "]",
        "{",
        "}",
        ": ",
        "? ",
        "---\n",
        "...\n",
        "!!int ",
        "!!str ",
        "!x ",
        "\t",
        "\r\n",
        "#",
        "\u{feff}",
        "é",
        "\\e",
        "\u{1b}",
        ",",
    ])
}
