//! Whatever stands in the file and in the environment: an answer, never a panic.

use std::path::Path;

use chela_settings::{DOCUMENTED, Environment, Error, Settings};
use proptest::prelude::*;

fn load(text: &str, environment: &Environment) -> Result<Settings, Error> {
    let read = Settings::parse(Some((Path::new("chela.toml"), text)), environment);
    if let Err(error) = &read {
        // No error without a text that says where.
        assert!(
            error.to_string().lines().all(|line| line.contains(": ")),
            "{error}"
        );
        assert!(!error.to_string().is_empty());
    }
    read
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<bool>().prop_map(|switch| switch.to_string()),
        "\"[ -~&&[^\"\\\\]]{0,12}\"",
        "\"[0-9]{0,20}(ms|s|m|h|d|B|KiB|TiB)\"",
        "\\[(\"[a-z.:*]{0,8}\"(, )?){0,3}\\]",
        "\\{ [a-zA-Z]{1,4} = \"x\" \\}",
        Just("2026-11-22".to_owned()),
        Just("1e400".to_owned()),
        Just("99999999999999999999999".to_owned()),
    ]
}

/// Lines of the documented file, each with some other value.
fn disturbed() -> impl Strategy<Value = String> {
    let lines: Vec<String> = DOCUMENTED
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|l| !l.starts_with(' '))
                .unwrap_or(line)
        })
        .map(str::to_owned)
        .collect();
    let count = lines.len();
    let changes = prop::collection::vec((0..count, value()), 0..12);
    changes.prop_map(move |changes| {
        let mut lines = lines.clone();
        for (at, value) in changes {
            if let Some((name, _)) = lines[at].clone().split_once(" = ") {
                lines[at] = format!("{name} = {value}");
            }
        }
        lines.join("\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}") {
        let _ = load(&text, &Environment::default());
    }

    #[test]
    fn anything_like_a_file_is_answered(text in disturbed()) {
        let _ = load(&text, &Environment::default());
    }

    #[test]
    fn any_variable_is_answered(
        name in "CHELA_(SERVE|BUILDS|PAGURE|X)_{1,2}[A-Z_]{0,10}",
        known in prop::sample::select(vec!["SERVE__LISTEN", "BUILDS__KEEP", "EGRESS__ALLOW_PORTS"]),
        value in "\\PC{0,40}",
        other in value(),
    ) {
        let variables = [(name, value), (format!("CHELA_{known}"), other)];
        let _ = load("", &Environment::from_iter(variables));
    }
}
