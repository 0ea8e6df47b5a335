//! Programs of Debian's that the unit tests need.

use std::path::Path;

use anyhow::{Result, bail};

use crate::shell;

/// Program, and the package that brings it.
const NEEDED: [(&str, &str); 3] = [("bwrap", "bubblewrap"), ("git", "git"), ("unzip", "unzip")];

/// Install whatever is missing, where that can be done.
pub fn prepare() -> Result<()> {
    let missing = NEEDED.into_iter().filter(|(program, _)| !is_there(program));
    let packages: Vec<&str> = missing.map(|(_, package)| package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    if !is_there("apt-get") || !is_root() {
        bail!("install {}; the unit tests need it", packages.join(" and "));
    }
    let apt = || {
        let mut apt = shell::command("apt-get", "");
        apt.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
        apt
    };
    // A mirror between two states fails this, as apt says itself, and may still have all that is wanted.
    let _ = shell::run(apt().arg("update"));
    let options = ["install", "--yes", "--no-install-recommends"];
    shell::run(apt().args(options).args(packages))
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The owner of this process, as Linux tells it.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    Path::new("/proc/self")
        .metadata()
        .is_ok_and(|me| me.uid() == 0)
}
