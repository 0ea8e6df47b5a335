//! The checks, from the quickest to the slowest.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::{fuzz, packages, program, python, shell, tools, wheel};

/// Formatted by ruff. The receiver in docs is linted only: its lines are as wide as its page.
const FORMATTED: [&str; 2] = ["tests", "plugin"];

/// Enough to see that every target still runs; a longer run is somebody's own.
const FUZZ_SECONDS: u32 = 10;

/// Formatting, lints, types and unit tests.
pub fn check() -> Result<()> {
    packages::prepare()?;
    python::prepare()?;
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]))?;
    shell::run(
        python::tool("ruff", "")
            .args(["format", "--check"])
            .args(FORMATTED),
    )?;
    shell::run(python::tool("ruff", "").arg("check").args(FORMATTED))?;
    shell::run(python::tool("ruff", "").args([
        "check",
        "--config",
        "tests/pyproject.toml",
        "docs",
    ]))?;
    shell::run(python::tool("mypy", "tests").arg("."))?;
    shell::run(python::tool("mypy", "plugin").arg("python"))?;
    shell::run(
        shell::cargo()
            .args(["clippy", "--workspace", "--all-targets", "--all-features"])
            .args(["--", "--deny", "warnings"]),
    )?;
    unit_tests()
}

/// Everything.
pub fn test(build: &wheel::Build) -> Result<()> {
    check()?;
    dependencies()?;
    fuzz::fuzz(FUZZ_SECONDS)?;
    end_to_end(None, build, &[])
}

/// A part of the end-to-end tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Suite {
    /// The plugin, the program and the receiver on one machine
    Pagure,
    /// The functions, on what stands in for AWS
    Aws,
    /// The stack as code in its three dialects, deployed on what stands in for AWS
    Infra,
}

impl Suite {
    /// The suite of a test file, by its name.
    fn of(file: &str) -> Self {
        if file.starts_with("test_aws_") {
            Self::Aws
        } else if file.starts_with("test_infra_") {
            Self::Infra
        } else {
            Self::Pagure
        }
    }
}

/// The end-to-end tests, with the wheel as it is shipped.
pub fn end_to_end(suite: Option<Suite>, build: &wheel::Build, pytest: &[String]) -> Result<()> {
    let wheel = wheel::wheel(build)?;
    let functions = program::functions()?;
    shell::run(
        python::tool("pytest", "tests")
            .env("CHELA_WHEEL", wheel)
            .env("CHELA_PROGRAM", program::program()?)
            .env("CHELA_TRIGGER", functions.join("trigger"))
            .env("CHELA_REPORT", functions.join("report"))
            .env("CHELA_STAGED", program::staged()?)
            .args(files(suite)?)
            .args(pytest),
    )
}

/// The test files of a suite; none, which means all, without one.
fn files(suite: Option<Suite>) -> Result<Vec<String>> {
    let Some(suite) = suite else {
        return Ok(Vec::new());
    };
    let folder = shell::root().join("tests/e2e");
    let entries = fs::read_dir(&folder).with_context(|| {
        format!(
            "{} cannot be read: is the checkout complete?",
            folder.display()
        )
    })?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let wanted = names.filter(|name| name.starts_with("test_") && suite == Suite::of(name));
    let mut files: Vec<String> = wanted.map(|name| format!("e2e/{name}")).collect();
    files.sort();
    Ok(files)
}

/// Licences, bans, sources, and nothing that is not used.
fn dependencies() -> Result<()> {
    tools::prepare()?;
    let deny = [
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ];
    shell::run(
        tools::tool("cargo-deny")
            .args(["--log-level", "error"])
            .args(deny),
    )?;
    shell::run(&mut tools::tool("cargo-machete"))
}

fn unit_tests() -> Result<()> {
    if shell::succeeds(shell::cargo().args(["nextest", "--version"])) {
        shell::run(with_features(shell::cargo().args(["nextest", "run"])))?;
        // nextest leaves the documentation's examples out.
        return shell::run(with_features(shell::cargo().args(["test", "--doc"])));
    }
    shell::run(with_features(shell::cargo().arg("test")))
}

fn with_features(command: &mut Command) -> &mut Command {
    command.args(["--workspace", "--all-features"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_file_is_in_one_suite() {
        for (file, suite) in [
            ("test_heart.py", Suite::Pagure),
            ("test_browser.py", Suite::Pagure),
            ("test_aws_road.py", Suite::Aws),
            ("test_infra_circle.py", Suite::Infra),
            ("test_infra_terraform.py", Suite::Infra),
        ] {
            assert_eq!(Suite::of(file), suite, "{file}");
        }
    }
}
