//! Secrets: where they are, and reading them when they are needed.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};

use crate::{
    tree::Node,
    value::{Parsed, Wrong, is_whole},
};

/// More than any token or key. Bytes.
const MAX_BYTES: u64 = 64 * 1024;
/// The bits of a file's mode that let everybody read or write it.
const EVERYBODY: u32 = 0o006;

/// A file that holds a secret. It is read anew each time, so that a new secret counts at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFile(PathBuf);

/// Where a project's CI token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// In a file.
    File(SecretFile),
    /// In a variable of the program's environment.
    Variable(String),
}

/// Why a file gives no secret.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It cannot be read.
    #[error("{} cannot be read: {cause}; let the user that chela runs as read it", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A folder, a pipe, a device.
    #[error("{} is no ordinary file; name one", path.display())]
    Kind {
        /// Which one.
        path: PathBuf,
    },
    /// Everybody on the machine may read or change it.
    #[error("{0} is open to everybody (mode {mode:03o}); chmod o= {0}", path.display())]
    Open {
        /// Which one.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is too long for a secret.
    #[error("{} is longer than 64 KiB; name the file with the secret alone", path.display())]
    Long {
        /// Which one.
        path: PathBuf,
    },
    /// It is no text.
    #[error("{} holds no text in UTF-8; secrets are text", path.display())]
    NotText {
        /// Which one.
        path: PathBuf,
    },
    /// There is nothing in it.
    #[error("{} is empty; put the secret into it", path.display())]
    Empty {
        /// Which one.
        path: PathBuf,
    },
}

impl SecretFile {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The secret, without the line ends behind it.
    pub fn read(&self) -> Result<SecretString, Unreadable> {
        let path = || self.0.clone();
        let failed = |cause| Unreadable::File {
            path: path(),
            cause,
        };
        let metadata = fs::metadata(&self.0).map_err(failed)?;
        // Before it is opened: that would wait for the other end of a pipe.
        if !metadata.is_file() {
            return Err(Unreadable::Kind { path: path() });
        }
        let file = File::open(&self.0).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & EVERYBODY != 0 {
            return Err(Unreadable::Open { path: path(), mode });
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(256));
        let mut some = file.take(MAX_BYTES + 1);
        some.read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(Unreadable::Long { path: path() });
        }
        let text = str::from_utf8(&bytes).map_err(|_| Unreadable::NotText { path: path() })?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(Unreadable::Empty { path: path() }),
            secret => Ok(secret.into()),
        }
    }

    /// A setting that names one: an absolute path, or a name below `credentials`.
    ///
    /// What is refused is not shown: somebody may have written the secret itself there.
    pub(crate) fn read_path(node: &Node, credentials: Option<&Path>) -> Parsed<Self> {
        let path = node.text().filter(|text| !text.is_empty()).map(Path::new);
        let whole = match (path, credentials) {
            (Some(path), _) if path.is_absolute() => Some(path.to_owned()),
            (Some(path), Some(folder)) => Some(folder.join(path)),
            (Some(_), None) => return Err(Wrong::Relative),
            (None, _) => None,
        };
        match whole.filter(|path| is_whole(path)) {
            Some(path) => Ok(Self(path)),
            None => Err(Wrong::Hidden {
                found: "no file's name",
                write: "an absolute path, such as \"/etc/chela/tokens/hello\"".to_owned(),
            }),
        }
    }
}

/// A token without white space, which is never part of one.
pub(crate) fn trimmed(secret: &SecretString) -> SecretString {
    secret.expose_secret().trim().into()
}
