//! Ratios against peers, for the README's tables.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::{lambda, python, shell, wheel};

/// What is measured.
#[derive(Clone, Copy, ValueEnum)]
pub enum Part {
    /// What leaves Pagure: the plugin
    Plugin,
    /// The way into the receiver
    Accepting,
    /// One commit, beside git
    Fetching,
    /// What the sandbox and the log cost
    Building,
    /// The functions for AWS Lambda
    Functions,
}

/// Measure one part, or everything, in one run.
pub fn bench(part: Option<Part>, build: &wheel::Build) -> Result<()> {
    python::prepare()?;
    let all = Part::value_variants();
    let parts = part.as_ref().map_or(all, std::slice::from_ref);
    parts.iter().try_for_each(|part| match part {
        Part::Plugin => plugin(build),
        Part::Accepting => accepting(),
        Part::Fetching => fetching(),
        Part::Building => building(),
        Part::Functions => functions(),
    })
}

/// As it is shipped.
fn plugin(build: &wheel::Build) -> Result<()> {
    let wheel = wheel::wheel(build)?;
    shell::run(pip().args(["--force-reinstall", "--no-deps"]).arg(wheel))?;
    let profile = ["--profile", "wheel"];
    shell::run(compiler("chela-outbound", &["--examples"]).args(profile))?;
    let examples = shell::root().join("target/wheel/examples");
    shell::run(
        script("bench.py")
            .env("CHELA_SIGN", examples.join("sign"))
            .env("CHELA_ACCEPT", examples.join("accept")),
    )
}

fn accepting() -> Result<()> {
    shell::run(compiler("chela", &[]).arg("--release"))?;
    shell::run(
        script("accept.py")
            .env("CHELA_PROGRAM", released("chela"))
            .env("CHELA_SCRATCH", scratch()),
    )
}

fn fetching() -> Result<()> {
    shell::run(compiler("chela-source", &["--examples"]).arg("--release"))?;
    shell::run(
        script("fetch.py")
            .env("CHELA_FETCH", released("examples/fetch"))
            .env("CHELA_ZIP", released("examples/zip"))
            .env("CHELA_REPOSITORIES", scratch().join("repositories")),
    )
}

fn building() -> Result<()> {
    shell::run(compiler("chela-runner", &["--example", "trivial"]).arg("--release"))?;
    shell::run(&mut shell::command(released("examples/trivial"), ""))
}

fn functions() -> Result<()> {
    let zips = lambda::lambda()?;
    shell::run(
        script("functions.py")
            .env("CHELA_FUNCTIONS", lambda::programs()?)
            .env("CHELA_ZIPS", zips)
            .env("CHELA_PACKAGES", packages()?)
            .env("CHELA_REPOSITORIES", scratch().join("repositories")),
    )
}

/// What the peers of the functions need, in a folder, as one would pack it for Lambda.
fn packages() -> Result<PathBuf> {
    let list = "tests/requirements-bench.txt";
    let wanted = fs::read_to_string(shell::root().join(list))
        .with_context(|| format!("{list} cannot be read: is the checkout complete?"))?;
    let folder = scratch().join("packages");
    let stamp = folder.join("requirements.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    shell::run(
        pip()
            .args(["--upgrade", "--requirement", list, "--target"])
            .arg(&folder),
    )?;
    fs::write(&stamp, wanted).with_context(|| format!("{} cannot be written", stamp.display()))?;
    Ok(folder)
}

fn pip() -> Command {
    let mut command = python::tool("python", "");
    command.args([
        "-m",
        "pip",
        "--quiet",
        "--disable-pip-version-check",
        "install",
    ]);
    command
}

fn compiler(package: &str, what: &[&str]) -> Command {
    let mut command = shell::cargo();
    command.args(["build", "--quiet", "--package", package]);
    command.args(what);
    command
}

fn script(name: &str) -> Command {
    let mut command = python::tool("python", "tests/bench");
    command
        .env("PYTHONPATH", shell::root().join("tests/bed"))
        .arg(name);
    command
}

fn released(name: &str) -> PathBuf {
    shell::root().join("target/release").join(name)
}

/// On a disk: a file system in memory would make every promise to keep something free of charge.
fn scratch() -> PathBuf {
    shell::root().join("target/bench")
}
