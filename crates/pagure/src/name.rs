//! A project's name in Pagure's three spellings: `/fork/` in web pages and most of its API,
//! `/forks/` in git URLs and below `/api/0/ci/`.

use std::{fmt, str::FromStr};

use url::Url;

/// Where reports are received, below the forge's address; the project follows.
const REPORT_PREFIX: &str = "api/0/ci/webhook";

/// A project: its name, its namespace if it has one, and whose fork it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProjectName {
    /// Whose fork it is.
    pub username: Option<String>,
    /// The namespace.
    pub namespace: Option<String>,
    /// The name within it.
    pub name: String,
}

/// The text names no project.
#[derive(Debug, thiserror::Error)]
#[error(
    "not a Pagure project: write <name>, <namespace>/<name>, forks/<user>/<name> or \
     forks/<user>/<namespace>/<name>"
)]
pub struct InvalidName;

impl ProjectName {
    /// A project out of its parts, as Pagure's database has them.
    pub fn new(
        username: Option<&str>,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Self, InvalidName> {
        let parts = [username, namespace, Some(name)];
        if parts.into_iter().flatten().all(is_segment) {
            let own = |part: Option<&str>| part.map(str::to_owned);
            Ok(Self {
                username: own(username),
                namespace: own(namespace),
                name: name.to_owned(),
            })
        } else {
            Err(InvalidName)
        }
    }

    /// `namespace/name`, or `forks/user/namespace/name`: how Pagure itself and git URLs spell it.
    #[must_use]
    pub fn fullname(&self) -> String {
        self.spell("forks")
    }

    /// The path of its web page, without a leading slash.
    #[must_use]
    pub fn web_path(&self) -> String {
        self.spell("fork")
    }

    /// The path to which reports are posted, with a leading slash.
    #[must_use]
    pub fn report_path(&self) -> String {
        format!("/{REPORT_PREFIX}/{}", self.fullname())
    }

    /// The address to which reports are posted, at a forge whose address is `forge`.
    pub fn report_url(&self, forge: &str) -> Result<Url, url::ParseError> {
        Url::parse(&format!(
            "{}{}",
            forge.trim_end_matches('/'),
            self.report_path()
        ))
    }

    fn spell(&self, forks: &str) -> String {
        let fork = self
            .username
            .as_ref()
            .map(|user| format!("{forks}/{user}/"));
        let namespace = self
            .namespace
            .as_ref()
            .map(|namespace| format!("{namespace}/"));
        format!(
            "{}{}{}",
            fork.unwrap_or_default(),
            namespace.unwrap_or_default(),
            self.name
        )
    }
}

/// Pagure's own rule for names (`STRICT_REGEX` and the user name's), and never a path of its own.
fn is_segment(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+@".contains(c);
    let reserved = matches!(text, "." | "..") || text.strip_suffix(".git").is_some();
    !text.is_empty() && text.len() <= 255 && !reserved && text.chars().all(plain)
}

impl FromStr for ProjectName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim_matches('/');
        let text = text.strip_suffix(".git").unwrap_or(text);
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            ["fork" | "forks", user, name] => Self::new(Some(user), None, name),
            ["fork" | "forks", user, namespace, name] => {
                Self::new(Some(user), Some(namespace), name)
            }
            [name] => Self::new(None, None, name),
            [namespace, name] => Self::new(None, Some(namespace), name),
            _ => Err(InvalidName),
        }
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fullname())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("hello", "hello", "hello", "/api/0/ci/webhook/hello")]
    #[case(
        "demo/hello",
        "demo/hello",
        "demo/hello",
        "/api/0/ci/webhook/demo/hello"
    )]
    #[case(
        "fork/ada/hello",
        "forks/ada/hello",
        "fork/ada/hello",
        "/api/0/ci/webhook/forks/ada/hello"
    )]
    #[case(
        "/forks/ada/demo/hello.git",
        "forks/ada/demo/hello",
        "fork/ada/demo/hello",
        "/api/0/ci/webhook/forks/ada/demo/hello"
    )]
    fn a_name_is_spelled_three_ways(
        #[case] text: &str,
        #[case] full: &str,
        #[case] web: &str,
        #[case] report: &str,
    ) {
        let name: ProjectName = text.parse().unwrap();
        assert_eq!(name.fullname(), full);
        assert_eq!(name.web_path(), web);
        assert_eq!(name.report_path(), report);
    }

    #[rstest]
    #[case("")]
    #[case("a/b/c/d/e")]
    #[case("../hello")]
    #[case("demo/hel lo")]
    #[case("demo/hello?x=1")]
    #[case("demo//hello")]
    #[case("hello.git.git")]
    fn what_is_no_name_is_refused(#[case] text: &str) {
        assert!(text.parse::<ProjectName>().is_err());
    }
}
