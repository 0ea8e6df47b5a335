//! The functions' variables, and what is wrong with them: every text of it.

use std::{collections::BTreeMap, fmt};

use chela_outbound::{Policy, Setting};
use secrecy::SecretString;
use url::Url;

use super::{flaw::BadConfig, nearest::nearest, trigger::names};

const PREFIX: &str = "CHELA_";

/// The variables of the environment, taken once.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// Why a function cannot work as it is set: all that is wrong, a sentence for each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", sentences(.0))]
pub struct BadSettings(pub Vec<BadVariable>);

/// One variable that is wrong. Its value is never shown: it may be a secret in the wrong place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadVariable {
    /// There is no default.
    #[error("the variable {name} is not set; set it to {write}")]
    Missing {
        /// Which one.
        name: &'static str,
        /// To what.
        write: &'static str,
    },
    /// It is nothing of the kind.
    #[error("the variable {name} is not {write}; write that")]
    Wrong {
        /// Which one.
        name: &'static str,
        /// What to write.
        write: String,
    },
    /// A name with a slip.
    #[error("the variable {name} means nothing; did you mean {nearest}?")]
    Unknown {
        /// What is set.
        name: String,
        /// What may have been meant.
        nearest: &'static str,
    },
    /// None or both of two.
    #[error(
        "{count} of the variables CHELA_TOKEN and CHELA_TOKEN_SECRET is set; set CHELA_TOKEN to the \
         project's CI token, or CHELA_TOKEN_SECRET to the name or ARN of a secret that holds it"
    )]
    Token {
        /// How many.
        count: &'static str,
    },
    /// The map of callers.
    #[error("the variable CHELA_CONFIG: {0}")]
    Config(BadConfig),
}

/// Reads one variable after the other, and remembers what is wrong.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    bad: Vec<BadVariable>,
}

impl Environment {
    /// Those of this process. What is no text is as if it were not set.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        std::env::vars_os().filter_map(text).collect()
    }

    /// The variables that the functions read.
    #[must_use]
    pub fn names() -> &'static [&'static str] {
        &names::ALL
    }

    /// A value without white space around it; an empty one is none.
    fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let owned = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        Self(owned.filter(|(name, _)| name.starts_with(PREFIX)).collect())
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<'a> Reader<'a> {
    /// `known` are all variables of both functions: they may well share one environment.
    pub(super) fn new(environment: &'a Environment, known: &'static [&'static str]) -> Self {
        let unknown = |name: &&String| !known.contains(&name.as_str());
        let slip = |name: &String| {
            let nearest = nearest(name, known.iter().copied())?;
            let name = name.clone();
            Some(BadVariable::Unknown { name, nearest })
        };
        let bad = environment.0.keys().filter(unknown).filter_map(slip);
        Self {
            environment,
            bad: bad.collect(),
        }
    }

    /// What was read, if nothing is wrong.
    pub(super) fn done<T>(self, read: Option<T>) -> Result<T, BadSettings> {
        match read {
            Some(read) if self.bad.is_empty() => Ok(read),
            _ => Err(BadSettings(self.bad)),
        }
    }

    pub(super) fn complain(&mut self, bad: BadVariable) {
        self.bad.push(bad);
    }

    /// A variable that has to be set, and to mean something.
    pub(super) fn required<T>(
        &mut self,
        name: &'static str,
        write: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let Some(value) = self.environment.get(name) else {
            self.complain(BadVariable::Missing { name, write });
            return None;
        };
        let parsed = parse(value);
        if parsed.is_none() {
            let write = write.to_owned();
            self.complain(BadVariable::Wrong { name, write });
        }
        parsed
    }

    /// A variable with a default.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        write: impl FnOnce() -> String,
        default: T,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let Some(value) = self.environment.get(name) else {
            return Some(default);
        };
        let parsed = parse(value);
        if parsed.is_none() {
            let write = write();
            self.complain(BadVariable::Wrong { name, write });
        }
        parsed
    }

    /// Entries with commas between them.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        write: &'static str,
        mut parse: impl FnMut(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let entries = |text: &str| {
            let entries = text.split(',').map(str::trim);
            let entries = entries.filter(|entry| !entry.is_empty());
            entries.map(&mut parse).collect::<Option<Vec<T>>>()
        };
        self.optional(name, || write.to_owned(), Vec::new(), entries)
    }

    pub(super) fn secret(&self, name: &str) -> Option<SecretString> {
        self.environment.get(name).map(SecretString::from)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.environment.get(name)
    }
}

/// An address without a password, a query or a fragment; its path ends with a slash.
pub(super) fn base(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok().filter(|_| !text.contains('@'))?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(is_server)
        && url.query().is_none()
        && url.fragment().is_none();
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    plain.then_some(url)
}

/// Whether the outbound guard could let it through, and it alone.
fn is_server(host: &str) -> bool {
    !host.contains('*') && Policy::default().with(Setting::LimitHosts, host).is_ok()
}

/// The address of a queue, as SQS tells it.
pub(super) fn queue(text: &str) -> Option<String> {
    let url = base(text)?;
    let parts = url.path_segments()?.filter(|part| !part.is_empty());
    // `<account>/<name>`
    (parts.count() >= 2).then(|| text.to_owned())
}

/// The name of a bucket (Amazon S3 User Guide, "General purpose bucket naming rules").
pub(super) fn bucket(text: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b);
    let fits = (3..=63).contains(&text.len()) && text.bytes().all(plain);
    fits.then(|| text.to_owned())
}

fn sentences(bad: &[BadVariable]) -> String {
    let all: Vec<String> = bad.iter().map(ToString::to_string).collect();
    all.join("\n")
}
