//! The help as people see it, and the exit code of a wrong call.

mod support;

use insta::assert_snapshot;
use rstest::rstest;
use support::{Run, chela};

#[rstest]
#[case::chela(&[])]
#[case::send(&["send"])]
#[case::report(&["report"])]
#[case::verify(&["verify"])]
#[case::schema(&["schema"])]
#[case::serve(&["serve"])]
#[case::config(&["config"])]
#[case::pages(&["pages"])]
#[case::demo(&["demo"])]
fn the_help_shows_examples_and_exit_codes(#[case] command: &[&str]) {
    let run = Run::of(chela().args(command).arg("--help"));
    assert_eq!(run.code, 0);
    assert!(!run.stdout.contains('\x1b'), "colours outside a terminal");
    let name = command.first().unwrap_or(&"chela");
    assert_snapshot!(*name, run.stdout);
}

#[rstest]
#[case::no_command(&[])]
#[case::no_such_command(&["sing"])]
#[case::no_such_option(&["schema", "report", "--loud"])]
#[case::a_password_on_the_command_line(&["send", "--password", "secret"])]
fn a_wrong_call_ends_with_2(#[case] args: &[&str]) {
    let run = Run::of(chela().args(args));
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("Usage: "), "{}", run.stderr);
}

#[test]
fn an_error_is_said_on_stderr_alone() {
    let run = Run::of(chela().args([
        "verify",
        "report",
        "--headers",
        "none",
        "--body",
        "none",
        "--token-file",
        "/no/such/file",
    ]));
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(
        run.stderr
            .starts_with("error: /no/such/file cannot be read: "),
        "{}",
        run.stderr
    );
}
