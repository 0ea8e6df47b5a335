//! What the runner adds to a trivial build: the same commands in the runner and in `bash` alone.
//!
//! `cargo run --release -p chela-runner --example trivial [builds]` prints medians as a table.
#![allow(clippy::print_stdout, reason = "it prints its result")]

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use chela_buildspec::{Buildspec, parse};
use chela_runner::{Build, Kind, Limits, Outcome, Sandbox, Stop, remove, run};

const BUILDSPEC: &str = "
version: 0.2
env: {shell: bash}
phases:
  pre_build: {commands: [export GREETING=hello]}
  build: {commands: ['echo $GREETING > greeting', 'test -s greeting']}
  post_build: {commands: [cat greeting]}
";
const SCRIPT: &str = "export GREETING=hello
echo $GREETING > greeting
test -s greeting
cat greeting";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builds = std::env::args()
        .nth(1)
        .map_or(Ok(50), |count| count.parse())?;
    let spec = parse(BUILDSPEC.as_bytes())?;
    let folder = tempfile::tempdir()?;
    fs::set_permissions(folder.path(), Permissions::from_mode(0o711))?;
    let sandbox = Sandbox::new(Kind::Bubblewrap)?;
    let mut bash = Vec::new();
    let mut runner = Vec::new();
    let mut first_event = Vec::new();
    // In turns, so that both meet the same machine.
    for _ in 0..builds {
        bash.push(in_bash(folder.path())?);
        let (whole, first) = in_runner(folder.path(), &spec, &sandbox)?;
        runner.push(whole);
        first_event.push(first);
    }
    let (bash, runner, first) = (median(bash), median(runner), median(first_event));
    println!(
        "| a trivial build, median | in bubblewrap | its commands in `bash` | overhead | goal |"
    );
    println!("| --- | --- | --- | --- | --- |");
    println!(
        "| {builds} builds | {runner:.1} ms (first event {first:.1}) | {bash:.1} ms | {:.1} ms | 100 ms |",
        runner - bash
    );
    Ok(())
}

fn in_bash(folder: &Path) -> io::Result<Duration> {
    let started = Instant::now();
    let source = fresh(folder, "source")?;
    let mut command = Command::new("bash");
    let status = command
        .args(["-c", SCRIPT])
        .current_dir(source)
        .stdout(Stdio::null())
        .status()?;
    assert!(status.success(), "bash failed: {status}");
    Ok(started.elapsed())
}

fn in_runner(
    folder: &Path,
    spec: &Buildspec,
    sandbox: &Sandbox,
) -> io::Result<(Duration, Duration)> {
    let started = Instant::now();
    let source = fresh(folder, "source")?;
    let scratch = fresh(folder, "scratch")?;
    let artifacts = fresh(folder, "artifacts")?;
    let mut log = Vec::new();
    let mut first = None;
    let build = Build {
        spec,
        source: &source,
        scratch: &scratch,
        artifacts: &artifacts,
        variables: &BTreeMap::new(),
        sandbox,
        limits: &Limits::default(),
        log: &mut log,
    };
    let finished = run(build, &Stop::default(), &mut |_| {
        first.get_or_insert(started.elapsed());
    });
    assert_eq!(
        finished.outcome,
        Outcome::Succeeded,
        "{}",
        String::from_utf8_lossy(&log)
    );
    Ok((started.elapsed(), first.unwrap_or_default()))
}

fn fresh(folder: &Path, name: &str) -> io::Result<std::path::PathBuf> {
    let path = folder.join(name);
    remove(&path)?;
    fs::create_dir(&path)?;
    Ok(path)
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times
        .get(times.len() / 2)
        .copied()
        .unwrap_or_default()
        .as_secs_f64()
        * 1000.0
}
