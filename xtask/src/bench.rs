//! Ratios against peers, for the README's table.

use anyhow::Result;

use crate::{python, shell, wheel};

/// Measure everything, in one run.
pub fn bench(build: &wheel::Build) -> Result<()> {
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
    let build = [
        "build",
        "--quiet",
        "--profile",
        "wheel",
        "--package",
        "chela-outbound",
    ];
    shell::run(shell::cargo().args(build).arg("--examples"))?;
    let examples = shell::root().join("target/wheel/examples");
    shell::run(
        python::tool("python", "tests/bench")
            .env("CHELA_SIGN", examples.join("sign"))
            .env("CHELA_ACCEPT", examples.join("accept"))
            .arg("bench.py"),
    )
}
