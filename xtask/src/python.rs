//! The tests' own Python environment, target/venv, with pinned packages.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell;

/// Versions for which the pinned packages, Pagure's included, have wheels.
const SUPPORTED: &str = "import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))";

/// A program of the environment, run in a folder of the checkout.
pub fn tool(name: &str, folder: &str) -> Command {
    shell::command(bin().join(name), folder)
}

/// Create the environment, or bring it up to date with tests/requirements.txt.
pub fn prepare() -> Result<()> {
    let wanted = fs::read_to_string(shell::root().join("tests/requirements.txt"))
        .context("tests/requirements.txt cannot be read: is the checkout complete?")?;
    let stamp = venv().join("requirements.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    create()?;
    shell::run(
        tool("python", "")
            .args(["-m", "pip", "--quiet", "--disable-pip-version-check"])
            .args(["install", "--requirement", "tests/requirements.txt"]),
    )?;
    fs::write(&stamp, wanted).with_context(|| format!("{} cannot be written", stamp.display()))
}

fn create() -> Result<()> {
    let python = std::env::var("CHELA_BASE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    if !shell::succeeds(shell::command(&python, "").args(["-c", SUPPORTED])) {
        bail!("{python} is not a Python 3.10 to 3.13; set CHELA_BASE_PYTHON to one that is");
    }
    shell::run(shell::command(&python, "").args(["-m", "venv"]).arg(venv()))
        .context("on Debian and Ubuntu, `apt-get install python3-venv` brings what is missing")
}

fn venv() -> PathBuf {
    shell::root().join("target/venv")
}

fn bin() -> PathBuf {
    venv().join("bin")
}
