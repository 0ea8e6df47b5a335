//! The plugin's wheel, as it is shipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use clap::Args;

use crate::{python, shell};

/// How to build the plugin's wheel.
#[derive(Args)]
pub struct Build {
    /// Cargo profile of the wheel; `dev` builds faster, `wheel` is what is shipped
    #[arg(long, default_value = "wheel")]
    profile: String,
}

/// Build the wheel, and say where it is.
pub fn wheel(build: &Build) -> Result<PathBuf> {
    python::prepare()?;
    let folder = shell::root().join("target/wheels");
    shell::run(
        python::tool("maturin", "plugin")
            .args(["build", "--quiet", "--profile", &build.profile, "--out"])
            .arg(&folder),
    )?;
    newest(&folder)
}

fn newest(folder: &Path) -> Result<PathBuf> {
    let files = fs::read_dir(folder).with_context(|| format!("{} is missing", folder.display()))?;
    let built = |path: &PathBuf| fs::metadata(path).and_then(|file| file.modified());
    files
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|kind| kind == "whl"))
        .max_by_key(|path| built(path).unwrap_or(SystemTime::UNIX_EPOCH))
        .with_context(|| format!("maturin left no wheel in {}", folder.display()))
}
