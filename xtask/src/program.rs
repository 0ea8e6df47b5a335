//! The programs, as the test bed runs them.

use std::path::PathBuf;

use anyhow::Result;

use crate::shell;

/// Build it, and say where it is. Tests of a receiver wait for networks and disks, so that an
/// unoptimized one is fast enough.
pub fn program() -> Result<PathBuf> {
    shell::run(shell::cargo().args(["build", "--quiet", "--package", "chela"]))?;
    Ok(shell::root().join("target/debug/chela"))
}

/// The two functions: build them, and say in which folder they are.
pub fn functions() -> Result<PathBuf> {
    shell::run(shell::cargo().args(["build", "--quiet", "--package", "chela-lambda"]))?;
    Ok(shell::root().join("target/debug"))
}

/// Runs a build for what stands in for CodeBuild: build it, and say where it is.
pub fn staged() -> Result<PathBuf> {
    let example = ["--package", "chela-runner", "--example", "staged"];
    shell::run(shell::cargo().args(["build", "--quiet"]).args(example))?;
    Ok(shell::root().join("target/debug/examples/staged"))
}
