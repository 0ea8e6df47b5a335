//! The data folder's own secret, from which the addresses of lists are made.

use std::{fs, io, os::unix::fs::OpenOptionsExt as _, path::Path};

use secrecy::SecretSlice;

const NAME: &str = "pages.key";
const BYTES: usize = 32;

/// Reads it, or makes it where there is none. A file of its own, because the database belongs to
/// the process that serves.
pub fn open(data: &Path) -> io::Result<SecretSlice<u8>> {
    let path = data.join(NAME);
    match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(data, &path),
        found => found,
    }
}

/// Reads it.
pub fn read(path: &Path) -> io::Result<SecretSlice<u8>> {
    let bytes = fs::read(path)?;
    if bytes.len() == BYTES {
        Ok(bytes.into())
    } else {
        let why = format!(
            "{} is damaged; remove it: lists get new addresses",
            path.display()
        );
        Err(io::Error::other(why))
    }
}

/// Where it lies.
pub fn path(data: &Path) -> std::path::PathBuf {
    data.join(NAME)
}

/// Whole or not at all: written beside, then renamed.
fn make(data: &Path, path: &Path) -> io::Result<SecretSlice<u8>> {
    let mut bytes = vec![0; BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let new = data.join(format!("{NAME}.new"));
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    io::Write::write_all(&mut file, &bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    Ok(bytes.into())
}
