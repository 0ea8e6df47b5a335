//! Files that the caller names: secrets, bodies, headers. `-` is standard input.

use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
};

use chela_contract::webhook::{EmptyToken, Key};
use secrecy::{ExposeSecret as _, SecretString};

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It cannot be read.
    #[error("{} cannot be read: {cause}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A secret that is no text.
    #[error("{} holds no text in UTF-8", path.display())]
    NotText {
        /// Which one.
        path: PathBuf,
    },
    /// It holds no token.
    #[error("{} is empty: {cause}", path.display())]
    NoToken {
        /// Which one.
        path: PathBuf,
        /// What to do.
        cause: EmptyToken,
    },
}

/// The bytes of a file, as they are.
pub fn bytes(path: &Path) -> Result<Vec<u8>, Unreadable> {
    let read = if path == Path::new("-") {
        let mut all = Vec::new();
        io::stdin().lock().read_to_end(&mut all).map(|_| all)
    } else {
        fs::read(path)
    };
    read.map_err(|cause| Unreadable::File {
        path: path.to_owned(),
        cause,
    })
}

/// A file's text.
pub fn text(path: &Path) -> Result<String, Unreadable> {
    String::from_utf8(bytes(path)?).map_err(|_| Unreadable::NotText {
        path: path.to_owned(),
    })
}

/// A secret, without the line end that editors and `echo` put after it.
pub fn secret(path: &Path) -> Result<SecretString, Unreadable> {
    let text = SecretString::from(text(path)?);
    Ok(text.expose_secret().trim_end_matches(['\r', '\n']).into())
}

/// The project's CI token. White space is never part of one.
pub fn key(path: &Path) -> Result<Key, Unreadable> {
    let token: SecretString = secret(path)?.expose_secret().trim().into();
    Key::new(token).map_err(|cause| Unreadable::NoToken {
        path: path.to_owned(),
        cause,
    })
}
