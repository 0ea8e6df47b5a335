//! The fuzz targets, each for a while.

use anyhow::Result;

use crate::{shell, tools};

/// Run every target for so many seconds. What is found lies in fuzz/artifacts.
pub fn fuzz(seconds: u32) -> Result<()> {
    tools::prepare()?;
    for target in targets()? {
        let found = shell::root().join("target/fuzz").join(&target);
        std::fs::create_dir_all(&found)?;
        shell::run(
            tools::tool("cargo-fuzz")
                // The coverage that steers a fuzzer is unstable; a sanitizer would want another
                // standard library, and there is no unsafe code to watch.
                .env("RUSTC_BOOTSTRAP", "1")
                .args(["run", "--sanitizer", "none", &target])
                .arg(found)
                .arg(shell::root().join("fuzz/corpus").join(&target))
                .args([
                    "--",
                    "-verbosity=0",
                    "-print_final_stats=0",
                    "-max_len=8192",
                ])
                .arg(format!("-max_total_time={seconds}")),
        )?;
    }
    Ok(())
}

fn targets() -> Result<Vec<String>> {
    let folder = shell::root().join("fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        names.extend(
            path.file_stem()
                .map(|name| name.to_string_lossy().into_owned()),
        );
    }
    names.sort();
    Ok(names)
}
