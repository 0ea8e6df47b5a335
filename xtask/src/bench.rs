//! Ratios against peers, for the README's tables.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{python, shell, wheel};

/// Measure everything, in one run.
pub fn bench(build: &wheel::Build) -> Result<()> {
    plugin(build)?;
    accepting()?;
    fetching()?;
    building()
}

/// What leaves Pagure: the plugin, as it is shipped.
fn plugin(build: &wheel::Build) -> Result<()> {
    let wheel = wheel::wheel(build)?;
    shell::run(
        python::tool("python", "")
            .args([
                "-m",
                "pip",
                "--quiet",
                "--disable-pip-version-check",
                "install",
            ])
            .args(["--force-reinstall", "--no-deps"])
            .arg(wheel),
    )?;
    let profile = ["--profile", "wheel"];
    shell::run(compiler("chela-outbound", &["--examples"]).args(profile))?;
    let examples = shell::root().join("target/wheel/examples");
    shell::run(
        script("bench.py")
            .env("CHELA_SIGN", examples.join("sign"))
            .env("CHELA_ACCEPT", examples.join("accept")),
    )
}

/// The way into the receiver.
fn accepting() -> Result<()> {
    shell::run(compiler("chela", &[]).arg("--release"))?;
    shell::run(
        script("accept.py")
            .env("CHELA_PROGRAM", released("chela"))
            .env("CHELA_SCRATCH", scratch()),
    )
}

/// One commit, beside git.
fn fetching() -> Result<()> {
    shell::run(compiler("chela-source", &["--examples"]).arg("--release"))?;
    shell::run(
        script("fetch.py")
            .env("CHELA_FETCH", released("examples/fetch"))
            .env("CHELA_ZIP", released("examples/zip"))
            .env("CHELA_REPOSITORIES", scratch().join("repositories")),
    )
}

/// What the sandbox and the log cost.
fn building() -> Result<()> {
    shell::run(compiler("chela-runner", &["--example", "trivial"]).arg("--release"))?;
    shell::run(&mut shell::command(released("examples/trivial"), ""))
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
