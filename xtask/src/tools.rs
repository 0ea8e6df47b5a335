//! Helpers that the checks need, made by cargo, in target/tools.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::shell;

/// One version for everybody: their opinions change.
const VERSIONS: [(&str, &str); 4] = [
    ("cargo-deny", "0.20.2"),
    ("cargo-fuzz", "0.13.2"),
    ("cargo-machete", "0.9.2"),
    ("cfn-guard", "3.2.1"),
];

/// Install whatever is missing.
pub fn prepare() -> Result<()> {
    for (name, version) in VERSIONS {
        if installed(name, version) {
            continue;
        }
        shell::run(
            shell::cargo()
                .args(["install", "--quiet", "--locked", "--root"])
                .arg(root())
                .args([name, "--version", version]),
        )?;
    }
    Ok(())
}

/// One of them, in the checkout.
pub fn tool(name: &str) -> Command {
    shell::command(root().join("bin").join(name), "")
}

fn installed(name: &str, version: &str) -> bool {
    let list = root().join(".crates.toml");
    let entry = format!("\"{name} {version} ");
    std::fs::read_to_string(list).is_ok_and(|list| list.contains(&entry))
}

fn root() -> PathBuf {
    shell::root().join("target/tools")
}
