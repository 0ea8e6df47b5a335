//! Phases, commands and their one shell, as a buildspec means them.

use chela_buildspec::{PhaseName, PhaseResult, Stage};
use chela_runner::{Event, Failure, Kind};

use crate::support::Bench;

const KINDS: [Kind; 3] = [Kind::Bubblewrap, Kind::Landlock, Kind::None];

#[test]
fn a_good_build_succeeds_in_every_sandbox() {
    for kind in KINDS {
        let bench = Bench::new(kind);
        bench.write("greeting", "from the source\n");
        let ran = bench.run(
            "
version: 0.2
phases:
  install: {commands: [echo installed]}
  pre_build: {commands: [echo prepared]}
  build: {commands: [cat greeting], finally: [echo cleaned]}
  post_build: {commands: [echo after]}
",
        );
        ran.succeeded();
        assert_eq!(
            ran.printed(),
            "installed\nprepared\nfrom the source\ncleaned\nafter\n",
            "{kind:?}"
        );
        let stages = PhaseName::ALL.map(|name| (Stage::Phase(name), PhaseResult::Succeeded));
        assert_eq!(ran.stages(), stages);
    }
}

#[test]
fn the_first_failing_command_is_the_builds_failure() {
    let ran = Bench::new(Kind::Bubblewrap).run(
        "
version: 0.2
phases:
  build:
    commands: [echo one, 'sh -c \"exit 3\"', echo not reached]
    finally: [echo finally, 'sh -c \"exit 4\"', echo neither]
  post_build: {commands: ['echo succeeding: $CODEBUILD_BUILD_SUCCEEDING']}
",
    );
    let command = "sh -c \"exit 3\"".to_owned();
    assert_eq!(
        *ran.failed(),
        Failure::Command {
            phase: PhaseName::Build,
            command,
            status: 3
        }
    );
    assert_eq!(ran.printed(), "one\nfinally\nsucceeding: 0\n");
    ran.says("Phase BUILD FAILED")
        .says("Phase POST_BUILD SUCCEEDED");
}

#[test]
fn what_follows_a_failure_is_what_on_failure_says() {
    for (phase, on_failure, printed) in [
        ("pre_build", "", ""),
        ("pre_build", "on-failure: CONTINUE", "build\nafter\n"),
        ("build", "", "after\n"),
        ("build", "on-failure: ABORT", ""),
    ] {
        let other = if phase == "build" {
            ""
        } else {
            "  build: {commands: [echo build]}\n"
        };
        let ran = Bench::new(Kind::Bubblewrap).run(&format!(
            "version: 0.2\nphases:\n  {phase}:\n    commands: ['false']\n    {on_failure}\n{other}  \
             post_build: {{commands: [echo after]}}\n"
        ));
        assert_eq!(ran.status(), 1);
        assert_eq!(ran.printed(), printed, "{phase} {on_failure}");
    }
}

#[test]
fn events_tell_each_phase_and_how_far_the_build_is() {
    let ran = Bench::new(Kind::Bubblewrap).run(
        "
version: 0.2
phases:
  install: {commands: ['true']}
  build: {commands: ['echo made > made']}
artifacts: {files: [made]}
",
    );
    let started = |event: &Event| match event {
        Event::Started { stage, percent } => Some((*stage, *percent)),
        Event::Ended { .. } => None,
    };
    let told: Vec<_> = ran.events.iter().filter_map(started).collect();
    assert_eq!(
        told,
        [
            (Stage::Phase(PhaseName::Install), 20),
            (Stage::Phase(PhaseName::Build), 60),
            (Stage::Artifacts, 90)
        ]
    );
    assert_eq!(
        ran.events.len(),
        6,
        "each start has its end: {:?}",
        ran.events
    );
}

#[test]
fn directory_variables_functions_and_options_last() {
    for shell in ["sh", "bash"] {
        let ran = Bench::new(Kind::Bubblewrap).run(&format!(
            "
version: 0.2
env: {{shell: {shell}}}
phases:
  install:
    commands:
      - mkdir -p deep/er && cd deep/er
      - export EXPORTED=1 && PLAIN=2
      - greet() {{ echo \"hello $1\"; }}
  build:
    commands:
      - pwd
      - echo $EXPORTED$PLAIN
      - greet you
      - sh -c 'echo $EXPORTED$PLAIN'
      - set -u && set -f
      - echo *
"
        ));
        ran.succeeded();
        assert_eq!(
            ran.printed(),
            "/codebuild/src/deep/er\n12\nhello you\n1\n*\n",
            "{shell}"
        );
    }
}

#[test]
fn a_command_may_have_several_lines_and_any_character() {
    let ran = Bench::new(Kind::Bubblewrap).commands(&[
        "for word in one two; do\n  echo \"$word\"\ndone",
        "cat <<'END'\n$HOME `x` \\ '\" é\nEND",
        "printf 'no end'",
    ]);
    ran.succeeded();
    assert_eq!(ran.printed(), "one\ntwo\n$HOME `x` \\ '\" é\nno end\n");
}

#[test]
fn a_command_that_exits_ends_the_shell_and_what_must_run_gets_a_new_one() {
    for kind in KINDS {
        let ran = Bench::new(kind).run(
            "
version: 0.2
phases:
  build:
    commands: [export KEPT=no, cd /, exit 7, echo not reached]
    finally: ['echo finally ${KEPT-unset}']
  post_build:
    commands: ['test $PWD = $CODEBUILD_SRC_DIR', 'echo $CODEBUILD_BUILD_SUCCEEDING']
",
        );
        assert_eq!(ran.status(), 7, "{kind:?}");
        assert_eq!(ran.printed(), "finally unset\n0\n", "{kind:?}");
    }
}

#[test]
fn a_command_that_exits_well_has_succeeded() {
    let ran = Bench::new(Kind::Bubblewrap).commands(&["exit 0", "echo next"]);
    ran.succeeded();
    assert_eq!(ran.printed(), "next\n");
}

#[test]
fn a_shell_that_dies_any_way_has_failed_with_its_status() {
    for kind in KINDS {
        for (command, status) in [
            ("kill -9 $$", 137),
            ("kill -TERM $$", 143),
            ("set -e; false", 1),
            ("exec sh -c 'exit 9'", 9),
            ("sh -c 'kill -9 $PPID'", 137),
        ] {
            let ran = Bench::new(kind).run(&format!(
                "
version: 0.2
phases:
  build: {{commands: ['{}']}}
  post_build: {{commands: [echo after]}}
",
                command.replace('\'', "''")
            ));
            assert_eq!(
                ran.status(),
                status,
                "{kind:?} {command}; the log:\n{}",
                ran.log
            );
            assert_eq!(ran.printed(), "after\n", "{kind:?} {command}");
        }
    }
}

#[test]
fn the_callers_variables_win_over_the_buildspecs_and_are_only_data() {
    let mut bench = Bench::new(Kind::Bubblewrap);
    let hostile = "$(touch owned) `touch owned` '; touch owned; ' \"\n\\ é";
    for (name, value) in [("BOTH", "caller"), ("HOSTILE", hostile), ("no-name", "x")] {
        bench.variables.insert(name.to_owned(), value.to_owned());
    }
    let ran = bench.run(
        "
version: 0.2
env: {variables: {BOTH: buildspec, ONLY: \"it's\"}}
phases: {build: {commands: ['echo \"$BOTH $ONLY\"', 'printf %s \"$HOSTILE\" > hostile']}}
",
    );
    ran.succeeded().says("The variable `no-name` is left out");
    assert_eq!(ran.printed(), "caller it's\n");
    let arrived = std::fs::read_to_string(bench.source().join("hostile")).unwrap();
    assert_eq!(arrived, hostile);
    assert!(!bench.source().join("owned").exists(), "a value was run");
}

#[test]
fn the_environment_is_what_the_documentation_lists() {
    let mut bench = Bench::new(Kind::Bubblewrap);
    bench
        .variables
        .insert("CHELA_COMMIT".to_owned(), "7a1b".to_owned());
    let ran = bench.commands(&[
        "env | cut -d= -f1 | grep -vxE 'PWD|SHLVL|_' | sort | tr '\\n' ' '",
        "pwd; cat; id -un",
    ]);
    ran.succeeded();
    assert_eq!(
        ran.printed(),
        "CHELA_COMMIT CODEBUILD_BUILD_SUCCEEDING CODEBUILD_SRC_DIR CODEBUILD_START_TIME HOME LANG \
         LOGNAME PATH SHELL TMPDIR USER \n/codebuild/src\nbuild\n"
    );
}

#[test]
fn exported_variables_are_those_of_the_end() {
    for shell in ["sh", "bash"] {
        let ran = Bench::new(Kind::Bubblewrap).run(&format!(
            "
version: 0.2
env:
  shell: {shell}
  variables: {{FIRST: before}}
  exported-variables: [FIRST, SECOND, EMPTY, NEVER]
phases:
  build: {{commands: [export FIRST=after, 'export SECOND=\"a=b\n\nc\"', export EMPTY=, 'false']}}
"
        ));
        assert_eq!(ran.status(), 1);
        let exported: Vec<(&str, &str)> = ran
            .finished
            .exported
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(
            exported,
            [("EMPTY", ""), ("FIRST", "after"), ("SECOND", "a=b\nc")],
            "{shell}"
        );
    }
}

#[test]
fn a_shell_that_reads_a_file_of_the_build_at_its_start_cannot_confuse_the_runner() {
    let mut bench = Bench::new(Kind::Bubblewrap);
    bench.write(
        "start",
        "echo from the start >&2\nprintf 'done 0 0\\n' >&2\n",
    );
    bench
        .variables
        .insert("BASH_ENV".to_owned(), "/codebuild/src/start".to_owned());
    let ran = bench.run(
        "
version: 0.2
env: {shell: bash}
phases: {build: {commands: [sh -c 'exit 3']}}
",
    );
    assert_eq!(*ran.failed(), Failure::Disturbed);
}
