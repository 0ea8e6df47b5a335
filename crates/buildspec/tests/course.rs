//! Which phase follows which, and what the build's result is.

use std::fmt::Write;

use chela_buildspec::{
    Buildspec, Command, CommandResult, Commands, Course, OnFailure, Part, PhaseName, PhaseResult,
    Stage, Step, parse,
};
use rstest::rstest;

const ALL: &str = "install pre_build build post_build artifacts";

/// Phases with their `on-failure`, as in "build=CONTINUE", and perhaps "artifacts".
fn plan(description: &str) -> Buildspec {
    let mut text = "version: 0.2\nphases:\n".to_owned();
    for word in description.split(' ').filter(|word| *word != "artifacts") {
        let (name, on_failure) = word.split_once('=').unwrap_or((word, ""));
        writeln!(text, "  {name}:\n    commands: [make]").expect("a string takes all");
        if !on_failure.is_empty() {
            writeln!(text, "    on-failure: {on_failure}").expect("a string takes all");
        }
    }
    if description.ends_with("artifacts") {
        text.push_str("artifacts:\n  files: ['**/*']\n");
    }
    parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What was done, with a `!` where a phase saw `CODEBUILD_BUILD_SUCCEEDING=0`, and the result.
fn walk(plan: &Buildspec, failing: &str) -> (String, Result<(), Stage>) {
    let mut done = Vec::new();
    let mut course = Course::of(plan);
    loop {
        let name = match course.step() {
            Step::Run {
                phase, succeeding, ..
            } => {
                done.push(format!(
                    "{}{}",
                    phase.name.key(),
                    if succeeding { "" } else { "!" }
                ));
                phase.name.key()
            }
            Step::Collect { .. } => {
                done.push("artifacts".to_owned());
                "artifacts"
            }
            Step::End(outcome) => return (done.join(" "), outcome),
        };
        let fails = failing.split(' ').any(|word| word == name);
        course = course.ended(if fails {
            PhaseResult::Failed
        } else {
            PhaseResult::Succeeded
        });
    }
}

#[rstest]
#[case::all_is_well(ALL, "", ALL)]
#[case::only_what_is_there("build", "", "build")]
#[case::install_ends_it(ALL, "install", "install")]
#[case::pre_build_ends_it(ALL, "pre_build", "install pre_build")]
#[case::post_build_follows(ALL, "build", "install pre_build build post_build! artifacts")]
#[case::post_build_fails(ALL, "post_build", "install pre_build build post_build artifacts")]
#[case::both_fail(
    ALL,
    "build post_build",
    "install pre_build build post_build! artifacts"
)]
#[case::artifacts_fail("build artifacts", "artifacts", "build artifacts")]
#[case::abort("build=ABORT post_build artifacts", "build", "build")]
#[case::abort_is_for_failures("build=ABORT post_build", "", "build post_build")]
#[case::abort_at_the_end("build post_build=ABORT artifacts", "post_build", "build post_build")]
#[case::go_on(
    "install=CONTINUE build artifacts",
    "install",
    "install build! artifacts"
)]
#[case::go_on_and_fail_again(
    "install=CONTINUE pre_build build",
    "install pre_build",
    "install pre_build!"
)]
fn what_follows(#[case] phases: &str, #[case] failing: &str, #[case] expected: &str) {
    assert_eq!(walk(&plan(phases), failing).0, expected);
}

#[rstest]
#[case(ALL, "", Ok(()))]
#[case(ALL, "install", Err(Stage::Phase(PhaseName::Install)))]
#[case(ALL, "build post_build artifacts", Err(Stage::Phase(PhaseName::Build)))]
#[case(ALL, "artifacts", Err(Stage::Artifacts))]
#[case(
    "build=CONTINUE post_build",
    "build",
    Err(Stage::Phase(PhaseName::Build))
)]
fn the_first_failure_is_the_builds(
    #[case] phases: &str,
    #[case] failing: &str,
    #[case] outcome: Result<(), Stage>,
) {
    assert_eq!(walk(&plan(phases), failing).1, outcome);
}

/// Every combination of `on-failure` and of failures, through all phases.
#[test]
fn whatever_happens_a_failure_is_never_forgotten_and_the_percentage_only_grows() {
    let on_failure = [OnFailure::Usual, OnFailure::Abort, OnFailure::Continue];
    for rules in 0..81_usize {
        let mut plan = plan(ALL);
        for (at, phase) in plan.phases.iter_mut().enumerate() {
            phase.on_failure =
                on_failure[rules / 3_usize.pow(u32::try_from(at).expect("small")) % 3];
        }
        for failures in 0..32_u8 {
            one_course(&plan, failures);
        }
    }
}

fn one_course(plan: &Buildspec, failures: u8) {
    let (mut course, mut failed, mut last) = (Course::of(plan), false, 0);
    for at in 0.. {
        let percent = match course.step() {
            Step::Run {
                succeeding,
                percent,
                ..
            } => {
                assert_eq!(succeeding, !failed, "CODEBUILD_BUILD_SUCCEEDING lies");
                percent
            }
            Step::Collect { percent } => percent,
            Step::End(outcome) => {
                assert_eq!(outcome.is_err(), failed, "the outcome lies");
                return;
            }
        };
        assert!(
            percent > last && percent < 100,
            "{percent} comes after {last}"
        );
        last = percent;
        let fails = failures >> at & 1 == 1;
        failed |= fails;
        course = course.ended(if fails {
            PhaseResult::Failed
        } else {
            PhaseResult::Succeeded
        });
    }
}

#[test]
fn after_the_end_nothing_changes() {
    let plan = plan("build");
    let course = Course::of(&plan)
        .ended(PhaseResult::Succeeded)
        .ended(PhaseResult::Failed);
    assert_eq!(course.step(), Step::End(Ok(())));
}

/// Commands a, b and `finally` c, d: what runs if these fail.
#[rstest]
#[case("", "a b c d", PhaseResult::Succeeded)]
#[case("a", "a c d", PhaseResult::Failed)]
#[case("b", "a b c d", PhaseResult::Failed)]
#[case("c", "a b c", PhaseResult::Failed)]
#[case("d", "a b c d", PhaseResult::Failed)]
#[case("a c", "a c", PhaseResult::Failed)]
fn finally_always_runs(#[case] failing: &str, #[case] ran: &str, #[case] result: PhaseResult) {
    let text = "version: 0.2\nphases: {build: {commands: [a, b], finally: [c, d]}}";
    let plan = parse(text.as_bytes()).expect("a plan");
    let mut commands = Commands::of(&plan.phases[0]);
    let mut done = Vec::new();
    while let Some(Command { text, part }) = commands.current() {
        assert_eq!(
            part == Part::Finally,
            text > "b",
            "{text} is of the wrong list"
        );
        done.push(text);
        let fails = failing.split(' ').any(|word| word == text);
        let result = if fails {
            CommandResult::Failed
        } else {
            CommandResult::Succeeded
        };
        commands = commands.ended(result);
    }
    assert_eq!((done.join(" ").as_str(), commands.result()), (ran, result));
}

#[test]
fn a_phase_with_finally_alone_runs_it() {
    let text = "version: 0.2\nphases: {build: {commands: [], finally: [c]}}";
    let plan = parse(text.as_bytes()).expect("a plan");
    let command = Commands::of(&plan.phases[0]).current();
    assert_eq!(
        command,
        Some(Command {
            text: "c",
            part: Part::Finally
        })
    );
}
