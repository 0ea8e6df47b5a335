//! Phases, commands and their one shell, as a buildspec means them.

mod support;

use chela_buildspec::{PhaseName, PhaseResult, Stage};
use chela_runner::{Failure, Kind};
use support::Bench;

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
            "{kind:?}; the log:\n{}",
            ran.log
        );
        let stages: Vec<_> = PhaseName::ALL
            .map(|name| (Stage::Phase(name), PhaseResult::Succeeded))
            .to_vec();
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
    finally: ['sh -c \"exit 4\"', echo neither]
  post_build: {commands: ['echo succeeding: $CODEBUILD_BUILD_SUCCEEDING']}
",
    );
    assert_eq!(
        *ran.failed(),
        Failure::Command {
            phase: PhaseName::Build,
            command: "sh -c \"exit 3\"".to_owned(),
            status: 3
        }
    );
    assert_eq!(ran.printed(), "one\nsucceeding: 0\n");
}
