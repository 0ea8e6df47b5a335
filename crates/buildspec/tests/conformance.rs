//! The table in `docs/buildspec.md` cannot lie: each verdict is tried, and no key is missing.

use std::collections::BTreeSet;

use chela_buildspec::{Buildspec, parse};

/// Every key, with each value that has a meaning of its own, of "Build specification reference for
/// `CodeBuild`", read in November 2026.
const REFERENCE: &[&str] = &[
    "version",
    "run-as",
    "env.shell: bash",
    "env.shell: /bin/sh",
    "env.shell: powershell.exe",
    "env.shell: cmd.exe",
    "env.variables",
    "env.parameter-store",
    "env.secrets-manager",
    "env.exported-variables",
    "env.git-credential-helper: yes",
    "proxy.upload-artifacts: yes",
    "proxy.logs: yes",
    "batch.fast-fail",
    "batch.build-list",
    "batch.build-matrix",
    "batch.build-graph",
    "batch.build-fanout",
    "phases.<phase>.run-as",
    "phases.<phase>.on-failure: ABORT",
    "phases.<phase>.on-failure: CONTINUE",
    "phases.<phase>.on-failure: RETRY",
    "phases.<phase>.on-failure: RETRY-4",
    "phases.<phase>.on-failure: RETRY-.*timed out.*",
    "phases.<phase>.on-failure: RETRY-8-invalid+",
    "phases.<phase>.commands",
    "phases.<phase>.finally",
    "phases.install.runtime-versions",
    "reports.<group>.files",
    "reports.<group>.file-format",
    "reports.<group>.base-directory",
    "reports.<group>.discard-paths",
    "artifacts.files",
    "artifacts.name",
    "artifacts.discard-paths: yes",
    "artifacts.base-directory",
    "artifacts.exclude-paths",
    "artifacts.enable-symlinks: yes",
    "artifacts.s3-prefix",
    "artifacts.secondary-artifacts.<identifier>.files",
    "artifacts.secondary-artifacts.<identifier>.name",
    "artifacts.secondary-artifacts.<identifier>.discard-paths: yes",
    "artifacts.secondary-artifacts.<identifier>.base-directory",
    "artifacts.secondary-artifacts.<identifier>.exclude-paths",
    "cache.key",
    "cache.fallback-keys",
    "cache.action",
    "cache.paths",
];

/// A row of the table.
struct Row {
    key: String,
    value: String,
    verdict: String,
}

/// A buildspec with the key, and the same one without it (or with another value).
struct Example {
    with: String,
    without: String,
}

#[test]
fn every_key_of_the_reference_is_in_the_table_and_no_other() {
    let named = |row: Row| match row.value.as_str() {
        "" => row.key,
        value => format!("{}: {value}", row.key),
    };
    let listed: BTreeSet<String> = rows().into_iter().map(named).collect();
    let reference = REFERENCE.iter().map(ToString::to_string).collect();
    assert_eq!(
        listed, reference,
        "docs/buildspec.md on the left, the reference on the right"
    );
}

#[test]
fn every_verdict_in_the_table_is_what_the_parser_does() {
    for row in rows() {
        let examples = examples(&row.key, &row.value);
        assert!(
            !examples.is_empty(),
            "no example tries `{}` {}",
            row.key,
            row.value
        );
        for (key, example) in examples {
            judge(&row, &key, &example);
        }
    }
}

fn judge(row: &Row, key: &str, example: &Example) {
    let (with, without) = (plan(&example.with), plan(&example.without));
    let about = format!(
        "`{key}` {}: the table says {}\n{}",
        row.value, row.verdict, example.with
    );
    match row.verdict.as_str() {
        "done" => {
            let done = with
                .clone()
                .unwrap_or_else(|error| panic!("{about}\n{error}"));
            assert_ne!(Ok(&done), without.as_ref(), "{about}\nit changes nothing");
            assert_eq!(done.notes, [], "{about}\nit is skipped");
        }
        "skipped" => {
            let mut with = with.unwrap_or_else(|error| panic!("{about}\n{error}"));
            let notes = std::mem::take(&mut with.notes);
            let named = |note: &&chela_buildspec::Note| key.starts_with(&note.key);
            let note = notes.iter().find(named);
            let note = note.unwrap_or_else(|| panic!("{about}\nnothing is said"));
            assert!(note.line > 1, "{about}\nthe note names line {}", note.line);
            assert_eq!(Ok(with), without, "{about}\nit changes the plan");
        }
        "refused" => {
            let error = with.expect_err(&about);
            let named = |name: &str| error.contains(&format!("`{name}`"));
            let section = key.split('.').next().unwrap_or_default();
            assert!(
                named(key) || named(section),
                "{about}\nthe error does not name it: {error}"
            );
            without.unwrap_or_else(|error| panic!("{about}\nrefused without it too: {error}"));
        }
        other => panic!("{about}\nis `{other}` a verdict?"),
    }
}

fn plan(text: &str) -> Result<Buildspec, String> {
    parse(text.as_bytes()).map_err(|error| error.to_string())
}

fn rows() -> Vec<Row> {
    let document = include_str!("../../../docs/buildspec.md");
    let table = document
        .lines()
        .skip_while(|line| !line.starts_with("| key |"));
    let bare = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').collect();
        Row {
            key: bare(cells[1]),
            value: bare(cells[2]),
            verdict: bare(cells[3]),
        }
    };
    table
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(row)
        .collect()
}

/// The key's whole path, and the example for it; one for each phase where a row stands for all.
fn examples(key: &str, value: &str) -> Vec<(String, Example)> {
    let (section, rest) = key.split_once('.').unwrap_or((key, ""));
    let key = key
        .replace("<group>", "unit")
        .replace("<identifier>", "docs");
    let one = |example| vec![(key.clone(), example)];
    match section {
        "version" => one(Example {
            with: minimal(),
            without: minimal().replace("version: 0.2", ""),
        }),
        "run-as" => one(added("run-as: nobody")),
        // The default changes nothing: it is compared with the other one.
        "env" if value == "/bin/sh" => one(Example {
            with: added("env:\n  shell: /bin/sh").with,
            without: added("env:\n  shell: bash").with,
        }),
        "env" => one(added(&format!("env:\n  {rest}: {}", content(rest, value)))),
        "proxy" | "cache" => one(added(&format!(
            "{section}:\n  {rest}: {}",
            content(rest, value)
        ))),
        "batch" => one(added(&format!(
            "batch:\n  {rest}: {}",
            content(rest, value)
        ))),
        "reports" => one(added(&report(rest))),
        "artifacts" => one(artifact(rest, value)),
        "phases" => phases(rest, value),
        _ => Vec::new(),
    }
}

fn minimal() -> String {
    "version: 0.2\nphases:\n  build:\n    commands: [make]\n".to_owned()
}

fn added(section: &str) -> Example {
    Example {
        with: format!("{}{section}\n", minimal()),
        without: minimal(),
    }
}

/// Something that the key may have as its value.
fn content<'a>(key: &str, value: &'a str) -> &'a str {
    match key {
        _ if !value.is_empty() => value,
        "variables" | "parameter-store" | "secrets-manager" => "{ NAME: value }",
        "exported-variables" => "[NAME]",
        "fast-fail" => "true",
        "build-fanout" => "{ parallelism: 2 }",
        "build-list" | "build-graph" => "[{ identifier: one }]",
        "build-matrix" => "{ dynamic: { env: { variables: { A: [b] } } } }",
        "key" => "a-key",
        "action" => "save",
        "fallback-keys" | "paths" => "[a, b]",
        "name" | "s3-prefix" | "base-directory" => "folder",
        "exclude-paths" => "'**/*.o'",
        "files" => "['*.txt']",
        _ => "",
    }
}

fn report(rest: &str) -> String {
    let key = rest.trim_start_matches("<group>.");
    let more = match key {
        "file-format" => "\n    file-format: JUNITXML",
        "base-directory" => "\n    base-directory: target",
        "discard-paths" => "\n    discard-paths: yes",
        _ => "",
    };
    format!("reports:\n  unit:\n    files: ['**/*.xml']{more}")
}

fn artifact(rest: &str, value: &str) -> Example {
    let spec = |lines: &str| format!("{}artifacts:\n  files: ['**/*']\n{lines}", minimal());
    let secondary = "  secondary-artifacts:\n    docs:\n      files: ['*.md']\n";
    match rest.strip_prefix("secondary-artifacts.<identifier>.") {
        Some("files") => Example {
            with: spec(secondary),
            without: spec(""),
        },
        Some(key) => Example {
            with: spec(&format!(
                "{secondary}      {key}: {}\n",
                content(key, value)
            )),
            without: spec(secondary),
        },
        None if rest == "files" => Example {
            with: spec(""),
            without: minimal(),
        },
        None => Example {
            with: spec(&format!("  {rest}: {}\n", content(rest, value))),
            without: spec(""),
        },
    }
}

fn phases(rest: &str, value: &str) -> Vec<(String, Example)> {
    let (phase, key) = rest.split_once('.').expect("a key below a phase");
    let all = ["install", "pre_build", "build", "post_build"];
    let some = all
        .into_iter()
        .filter(|name| phase == "<phase>" || phase == *name);
    some.map(|name| (format!("phases.{name}.{key}"), in_phase(name, key, value)))
        .collect()
}

fn in_phase(phase: &str, key: &str, value: &str) -> Example {
    let spec = |lines: &str| {
        let other = if phase == "build" {
            "post_build"
        } else {
            "build"
        };
        format!(
            "version: 0.2\nphases:\n  {other}:\n    commands: [make]\n  {phase}:\n    {lines}\n"
        )
    };
    let with = |line: &str| spec(&format!("commands: [test]\n    {line}"));
    match key {
        "commands" => Example {
            with: spec("commands: [test]"),
            without: spec("commands: []"),
        },
        "finally" => Example {
            with: with("finally: [clean]"),
            without: with(""),
        },
        "run-as" => Example {
            with: with("run-as: nobody"),
            without: with(""),
        },
        "runtime-versions" => Example {
            with: with("runtime-versions: { java: latest }"),
            without: with(""),
        },
        // What is not tried again ends the build.
        "on-failure" if value.starts_with("RETRY") => Example {
            with: with(&format!("on-failure: {value}")),
            without: with("on-failure: ABORT"),
        },
        "on-failure" => Example {
            with: with(&format!("on-failure: {value}")),
            without: with(""),
        },
        _ => panic!("no example for `{key}` in a phase"),
    }
}
