//! What a buildspec says is what the plan has.

use std::fmt::Write;

use chela_buildspec::{
    Buildspec, Error, MAX_BYTES, OnFailure, Paths, PhaseName, Shell, Template, VariableName, parse,
};
use rstest::rstest;

fn plan(text: &str) -> Buildspec {
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn with_command(command: &str) -> String {
    format!("version: 0.2\nphases:\n  build:\n    commands:\n      - {command}\n")
}

fn with_env(lines: &str) -> String {
    format!("version: 0.2\nenv:\n  {lines}\nphases:\n  build:\n    commands: [make]\n")
}

#[rstest]
#[case("true", "true")]
#[case("yes", "yes")]
#[case("1.10", "1.10")]
#[case("010", "010")]
#[case("0x1F", "0x1F")]
#[case("1_000", "1_000")]
#[case(".nan", ".nan")]
#[case("1e999", "1e999")]
#[case("-0", "-0")]
#[case("!!str 1.30", "1.30")]
#[case("!!int \"6\"", "6")]
#[case("\"1.50\"", "1.50")]
#[case("'it''s'", "it's")]
#[case("echo a:b", "echo a:b")]
#[case("echo 'a # b'", "echo 'a")]
#[case("'echo \"a: b\"'", "echo \"a: b\"")]
#[case("|\n        one\n        two", "one\ntwo\n")]
#[case("|-\n        echo \"a: b\"", "echo \"a: b\"")]
#[case(">\n        one\n        two", "one two\n")]
fn a_command_is_what_was_written(#[case] written: &str, #[case] command: &str) {
    assert_eq!(plan(&with_command(written)).phases[0].commands, [command]);
}

#[rstest]
#[case("1.10", "1.10")]
#[case("010", "010")]
#[case("yes", "yes")]
#[case("true", "true")]
#[case("\"null\"", "null")]
#[case("\"\"", "")]
#[case("", "")]
#[case("$PATH:/opt/bin", "$PATH:/opt/bin")]
fn a_variable_is_what_was_written(#[case] written: &str, #[case] value: &str) {
    let plan = plan(&with_env(&format!("variables:\n    NAME: {written}")));
    let name = VariableName::new("NAME").expect("a name");
    assert_eq!(plan.env.variables[&name], value);
}

#[rstest]
#[case("0.2")]
#[case("\"0.2\"")]
#[case("'0.2'")]
fn version_0_2_may_be_quoted(#[case] version: &str) {
    plan(&with_command("make").replace("0.2", version));
}

#[test]
fn phases_come_in_their_order_and_not_in_the_files() {
    let text = "version: 0.2\nphases:\n  post_build: {commands: [d]}\n  install: {commands: [a]}\n";
    let names: Vec<PhaseName> = plan(text).phases.iter().map(|phase| phase.name).collect();
    assert_eq!(names, [PhaseName::Install, PhaseName::PostBuild]);
}

#[rstest]
#[case("", OnFailure::Usual)]
#[case("on-failure: ABORT", OnFailure::Abort)]
#[case("on-failure: CONTINUE", OnFailure::Continue)]
#[case("on-failure: RETRY-3-.*", OnFailure::Abort)]
#[case("on-failure: Retry-invalid+", OnFailure::Abort)]
fn on_failure_is_read(#[case] line: &str, #[case] on_failure: OnFailure) {
    let text = format!("{}    {line}\n", with_command("make"));
    assert_eq!(plan(&text).phases[0].on_failure, on_failure);
}

#[rstest]
#[case("bash", Shell::Bash)]
#[case("/bin/bash", Shell::Bash)]
#[case("/bin/sh", Shell::Sh)]
#[case("sh", Shell::Sh)]
fn the_shell_is_read(#[case] name: &str, #[case] shell: Shell) {
    assert_eq!(plan(&with_env(&format!("shell: {name}"))).env.shell, shell);
}

#[test]
fn without_a_word_the_shell_is_sh() {
    assert_eq!(plan(&with_command("make")).env.shell, Shell::Sh);
}

#[test]
fn exported_variables_keep_their_order_without_repetition() {
    let plan = plan(&with_env("exported-variables: [B, A, AWS_REGION, B]"));
    let names: Vec<&str> = plan.env.exported.iter().map(VariableName::as_str).collect();
    assert_eq!(names, ["B", "A"]);
    assert_eq!(
        plan.notes.len(),
        1,
        "AWS_REGION is skipped, and that is said: {:?}",
        plan.notes
    );
}

#[test]
fn artifacts_are_read_with_their_secondary_sets() {
    let text = format!(
        "{}artifacts:\n  files: [a, 'b/**/*']\n  discard-paths: YES\n  exclude-paths: '**/.*'\n  \
         secondary-artifacts:\n    docs:\n      files: ['*.md']\n      name: docs-$(date +%F)\n",
        with_command("make")
    );
    let artifacts = plan(&text).artifacts.expect("the section is there");
    assert_eq!(artifacts.primary.paths, Paths::Discard);
    assert_eq!(artifacts.primary.files.len(), 2);
    assert_eq!(artifacts.primary.exclude_paths.len(), 1);
    let docs = &artifacts.secondary["docs"];
    assert_eq!(docs.paths, Paths::Keep);
    let name = docs.name.as_ref().map(Template::as_written);
    assert_eq!(name, Some("docs-$(date +%F)"));
}

#[test]
fn an_identifier_can_be_a_folders_name() {
    let text = |name: &str| {
        let build = with_command("make");
        format!("{build}artifacts: {{files: [a], secondary-artifacts: {{{name}: {{files: [b]}}}}}}")
    };
    plan(&text(&"x".repeat(128)));
    for bad in [&"x".repeat(129), "..", "a/b", "''"] {
        assert!(
            refused(&text(bad)).contains("name a set with letters"),
            "{bad} was taken"
        );
    }
}

#[test]
fn anchors_aliases_and_merges_work() {
    let text = "version: 0.2\nphases:\n  build: &b\n    commands: &c [make, 1.10]\n  \
                post_build:\n    <<: *b\n    finally: *c\n";
    let plan = plan(text);
    assert_eq!(plan.phases[1].commands, ["make", "1.10"]);
    assert_eq!(plan.phases[1].finally, ["make", "1.10"]);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let text = "version: 0.2\nphases:\n  build:\n    commands:\n      - 1.10\n      - |\n        \
                one\n        two\n";
    let other = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_eq!(plan(&other), plan(text));
}

#[rstest]
#[case("CI")]
#[case("CHELA_COMMIT")]
#[case("BRANCH_TO")]
#[case("cause")]
fn a_variable_of_the_request_is_said_to_lose(#[case] name: &str) {
    let plan = plan(&with_env(&format!("variables: {{ {name}: x }}")));
    let said = plan
        .notes
        .iter()
        .map(ToString::to_string)
        .collect::<String>();
    assert!(
        said.contains(name) && said.contains("wins"),
        "the log has: {said:?}"
    );
}

#[test]
fn sections_without_content_ask_for_nothing() {
    let text = "version: 0.2\nenv:\n  parameter-store:\n  secrets-manager: {}\nproxy:\n  logs: no\n\
                reports:\ncache:\nartifacts:\nphases:\n  build:\n    commands: [make]\n";
    assert_eq!(plan(text), plan(&with_command("make")));
}

#[test]
fn a_file_of_the_largest_size_is_read_and_one_byte_more_is_not() {
    let mut text = with_command("make");
    text.push('#');
    text.push_str(&"x".repeat(MAX_BYTES - text.len()));
    plan(&text);
    text.push('x');
    let error = parse(text.as_bytes()).expect_err("one byte more is too much");
    assert_eq!(error, Error::TooLarge);
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{aliases}]").expect("a string takes all");
    }
    assert!(refused(&text).contains("too much nesting"));
}

#[rstest]
#[case("[")]
#[case("{a: ")]
#[case("- ")]
fn a_deep_nesting_is_refused(#[case] level: &str) {
    for levels in [40, 5_000] {
        let text = format!("version: 0.2\nenv: {}", level.repeat(levels));
        parse(text.as_bytes()).expect_err("no buildspec is that deep");
    }
}

#[test]
fn a_deep_but_well_formed_nesting_is_refused_for_its_depth() {
    let text = format!("version: {}{}", "[".repeat(40), "]".repeat(40));
    assert!(refused(&text).contains("at most 32 levels"));
}

fn refused(text: &str) -> String {
    parse(text.as_bytes())
        .expect_err("it has to be refused")
        .to_string()
}
