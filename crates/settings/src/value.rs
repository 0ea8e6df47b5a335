//! One value each: what a setting may be, and what to write where it is something else.

use std::{
    net::SocketAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use chela_outbound::{Policy, Setting};
use url::Url;

use crate::{
    duration,
    error::Complaint,
    key::Key,
    size::Size,
    tree::{Node, Value},
};

pub(crate) type Parsed<T> = Result<T, Wrong>;

/// Why a value is refused.
pub(crate) enum Wrong {
    /// Another one should be written; this one may be shown.
    Write(String),
    /// The value may hold a secret: what it is, without its text, and what to write.
    Hidden { found: &'static str, write: String },
    /// There is no folder for a file without one.
    Relative,
    /// The name of a variable is taken.
    Reserved,
    /// The name is no variable's.
    VariableName,
}

impl Wrong {
    pub fn about(self, key: Key, node: &Node) -> Complaint {
        match self {
            Self::Write(write) => Complaint::Wrong {
                key,
                found: describe(node),
                write,
            },
            Self::Hidden { found, write } => Complaint::Wrong {
                key,
                found: found.to_owned(),
                write,
            },
            Self::Relative => Complaint::Relative { key },
            Self::Reserved => Complaint::Reserved { key },
            Self::VariableName => Complaint::VariableName { key },
        }
    }
}

fn write<T>(what: impl Into<String>) -> Parsed<T> {
    Err(Wrong::Write(what.into()))
}

/// A value as a person would call it, cut to what fits on a line.
pub(crate) fn describe(node: &Node) -> String {
    const SHOWN: usize = 60;
    match &node.value {
        Value::Text(text) if text.chars().count() > SHOWN => {
            format!("{:?}…", text.chars().take(SHOWN).collect::<String>())
        }
        Value::Text(text) => format!("{text:?}"),
        Value::Whole(number) => number.to_string(),
        Value::Switch(switch) => switch.to_string(),
        Value::List(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
        Value::Other(kind) => (*kind).to_owned(),
    }
}

pub(crate) fn text(node: &Node) -> Parsed<String> {
    match node.text() {
        Some(text) if !text.contains('\0') => Ok(text.to_owned()),
        _ => write("a text in quotes"),
    }
}

pub(crate) fn switch(node: &Node) -> Parsed<bool> {
    match node.value {
        Value::Switch(switch) => Ok(switch),
        _ => write("true or false"),
    }
}

/// A whole number within bounds.
pub(crate) fn whole<T>(range: RangeInclusive<T>) -> impl Fn(&Node) -> Parsed<T>
where
    T: TryFrom<i64> + PartialOrd + std::fmt::Display,
{
    move |node| {
        let number = match node.value {
            Value::Whole(number) => T::try_from(number).ok(),
            _ => None,
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => Ok(number),
            None => write(format!(
                "a whole number from {} to {}",
                range.start(),
                range.end()
            )),
        }
    }
}

/// A duration within bounds.
pub(crate) fn lasting(range: RangeInclusive<Duration>) -> impl Fn(&Node) -> Parsed<Duration> {
    move |node| {
        let read = node.text().and_then(duration::parse);
        match read.filter(|duration| range.contains(duration)) {
            Some(duration) => Ok(duration),
            None => write(format!(
                "a duration from \"{}\" to \"{}\", a number with its unit (d, h, m, s or ms)",
                duration::spell(*range.start()),
                duration::spell(*range.end())
            )),
        }
    }
}

/// A size within bounds.
pub(crate) fn size(range: RangeInclusive<Size>) -> impl Fn(&Node) -> Parsed<Size> {
    move |node| {
        let read = node.text().and_then(Size::parse);
        match read.filter(|size| range.contains(size)) {
            Some(size) => Ok(size),
            None => write(format!(
                "a size from \"{}\" to \"{}\", a number with its unit (B, KiB, MiB, GiB or TiB)",
                range.start(),
                range.end()
            )),
        }
    }
}

/// One of a few words.
pub(crate) fn choice<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&Node) -> Parsed<T> {
    move |node| {
        let meant = words.iter().find(|(word, _)| node.text() == Some(word));
        if let Some((_, meant)) = meant {
            return Ok(*meant);
        }
        let words: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        write(format!("one of {}", words.join(", ")))
    }
}

pub(crate) fn socket_address(node: &Node) -> Parsed<SocketAddr> {
    match node.text().and_then(|text| text.parse().ok()) {
        Some(address) => Ok(address),
        None => write("an address and a port, such as \"127.0.0.1:8110\" or \"[::1]:8110\""),
    }
}

/// An absolute path without `..`.
pub(crate) fn path(node: &Node) -> Parsed<PathBuf> {
    match node.text().map(Path::new).filter(|path| is_whole(path)) {
        Some(path) => Ok(path.to_owned()),
        None => write("an absolute path without \"..\", such as \"/var/lib/chela\""),
    }
}

/// Whether a path means one place, whatever the working directory.
pub(crate) fn is_whole(path: &Path) -> bool {
    use std::path::Component::{Normal, RootDir};
    let plain = path
        .components()
        .all(|part| matches!(part, RootDir | Normal(_)));
    path.is_absolute() && plain && !path.as_os_str().as_encoded_bytes().contains(&0)
}

/// `http(s)://host[:port][/path]`; its path ends with a slash, so that names can be joined to it.
pub(crate) fn base_url(node: &Node) -> Parsed<Url> {
    const EXAMPLE: &str = "an address such as \"https://ci.example.org\"";
    if node.text().is_some_and(|text| text.contains('@')) {
        return Err(Wrong::Hidden {
            found: "an address with @, as if with a password",
            write: EXAMPLE.to_owned(),
        });
    }
    let Some(mut url) = node.text().and_then(|text| Url::parse(text).ok()) else {
        return write(EXAMPLE);
    };
    let plain = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(is_server)
        && url.query().is_none()
        && url.fragment().is_none();
    if !plain {
        return write(format!("{EXAMPLE}, without ? and #"));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// Whether the outbound guard could let it through, and it alone: `*.example.org` would let
/// through all hosts below it.
fn is_server(host: &str) -> bool {
    !host.contains('*') && Policy::default().add(Setting::LimitHosts, host).is_ok()
}

/// A server: [`base_url`] without a path.
pub(crate) fn origin(node: &Node) -> Parsed<Url> {
    let url = base_url(node)?;
    if url.path() == "/" {
        Ok(url)
    } else {
        write("an address without a path, such as \"https://git.example.org\"")
    }
}
