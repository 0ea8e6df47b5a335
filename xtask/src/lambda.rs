//! The two functions, packed as AWS Lambda wants them.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, DateTime};

use crate::glibc::{self, Glibc};
use crate::shell;

/// The functions, by the names of their programs.
const FUNCTIONS: [&str; 2] = ["trigger", "report"];

/// What `provided.al2023` has: AWS's "Amazon Linux 2023 User Guide" on its toolchain.
const GLIBC: Glibc = Glibc(2, 34);

/// Small and quick to start; see the root's Cargo.toml.
const PROFILE: &str = "lambda";

/// Build both for this machine's processor; leave two zips and their checksums, and say where.
pub fn lambda() -> Result<PathBuf> {
    let programs = programs()?;
    let folder = shell::root().join("target/functions");
    fs::create_dir_all(&folder).with_context(|| cannot_write(&folder))?;
    let read = |name| {
        let program = programs.join(name);
        let bytes =
            fs::read(&program).with_context(|| format!("{} cannot be read", program.display()))?;
        glibc::check(name, &bytes, GLIBC)?;
        anyhow::Ok((name, bytes))
    };
    let programs: Vec<_> = FUNCTIONS.into_iter().map(read).collect::<Result<_>>()?;
    let sums = programs.iter().map(|(name, program)| {
        let zip = format!("{name}-{}.zip", std::env::consts::ARCH);
        let sum = pack(program, &folder.join(&zip))?;
        anyhow::Ok(format!("{sum}  {zip}\n"))
    });
    let sums: String = sums.collect::<Result<_>>()?;
    let list = folder.join("SHA256SUMS");
    fs::write(&list, sums).with_context(|| cannot_write(&list))?;
    Ok(folder)
}

/// Build them as they are shipped, and say in which folder they are.
pub fn programs() -> Result<PathBuf> {
    shell::run(
        shell::cargo()
            .args(["build", "--quiet", "--package", "chela-lambda"])
            .args(["--profile", PROFILE]),
    )?;
    Ok(shell::root().join("target").join(PROFILE))
}

/// One program as `bootstrap` in a zip: the same program gives the same bytes. Its checksum.
fn pack(program: &[u8], zip: &Path) -> Result<String> {
    let file = File::create(zip).with_context(|| cannot_write(zip))?;
    let mut writer = ZipWriter::new(file);
    // AWS Lambda Developer Guide, "Building a custom runtime": a file of this name that may be run.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    writer.start_file("bootstrap", options)?;
    writer.write_all(program)?;
    writer.finish().with_context(|| cannot_write(zip))?;
    let packed = fs::read(zip).with_context(|| format!("{} cannot be read", zip.display()))?;
    Ok(hex(&Sha256::digest(packed)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn cannot_write(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}
