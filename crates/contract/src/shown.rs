//! What a flag shows of a report, harmless on any page, and the order of reports.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::Url;

use crate::{Micros, Status};

/// Characters of a description that are shown.
const MAX_DESCRIPTION: usize = 255;
/// A URL longer than browsers agree on leads nowhere. Bytes.
const MAX_URL: usize = 2048;
/// Beyond what a URL's own grammar encodes: Pagure writes the URL into HTML as it stands. `&` stays:
/// inside an attribute it can begin an entity but end nothing, and a query needs it.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'\'')
    .add(b'<')
    .add(b'>')
    .add(b'`');

/// What a flag shows of a build. The order is the contract's (section 2.3): of two reports of one
/// build the greater one stands, in whatever order they arrive.
// The derived order compares the fields from the top; do not reorder them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    /// When the status came about.
    pub at: Micros,
    /// What became of the build.
    pub status: Status,
    /// 0-100, of a pending build only.
    pub percent: Option<u8>,
    /// Where the log is: ASCII, with nothing in it that HTML would take for markup.
    pub url: String,
    /// At most 255 characters, with nothing in them that HTML would take for markup.
    pub description: String,
}

impl Shown {
    /// What is shown of these, after cleaning. Cleaning twice changes nothing.
    #[must_use]
    pub fn new(at: Micros, status: Status, percent: Option<u8>, url: &Url, text: &str) -> Self {
        let percent = percent
            .filter(|_| status == Status::Pending)
            .map(|p| p.min(100));
        Self {
            at,
            status,
            percent,
            url: clean_url(url),
            description: clean_text(text),
        }
    }
}

/// At most 255 characters; `< > " ' &` and control characters become U+FFFD, because Pagure's page
/// puts the text into HTML as it stands.
#[must_use]
pub fn clean_text(text: &str) -> String {
    let harmless = |c: char| {
        let direction = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || direction || "<>\"'&".contains(c) {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().take(MAX_DESCRIPTION).map(harmless).collect()
}

/// The URL with everything percent-encoded that HTML would take for markup.
#[must_use]
pub fn clean_url(url: &Url) -> String {
    utf8_percent_encode(url.as_str(), UNSAFE).to_string()
}

/// An absolute URL with http or https and a host, not longer than browsers take.
pub(crate) fn parse_url(text: &str) -> Option<Url> {
    if text.len() > MAX_URL {
        return None;
    }
    // `Url` would quietly drop tabs and line ends, and trim; a sender should know.
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let web = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
    // A password in a link that everybody sees is a mistake, not a link.
    let bare = url.username().is_empty() && url.password().is_none();
    (web && bare && clean_url(&url).len() <= MAX_URL).then_some(url)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("javascript:alert(1)")]
    #[case("data:text/html,x")]
    #[case("//host/path")]
    #[case("/path")]
    #[case("https://")]
    #[case("ftp://host/")]
    #[case("https://user:pw@host/")]
    #[case("java\nscript:alert(1)")]
    #[case("https://host/a b")]
    fn a_link_that_leads_elsewhere_is_refused(#[case] text: &str) {
        assert_eq!(parse_url(text), None);
    }

    #[test]
    fn a_link_holds_no_markup() {
        let url = parse_url("https://host/a'b?x=\"><script>&y='#<i>").unwrap();
        let link = clean_url(&url);
        assert_eq!(
            link,
            "https://host/a%27b?x=%22%3E%3Cscript%3E&y=%27#%3Ci%3E"
        );
    }

    proptest! {
        #[test]
        fn text_is_harmless_short_and_stays_as_it_is(text in ".{0,400}") {
            let clean = clean_text(&text);
            prop_assert!(clean.chars().count() <= 255);
            prop_assert!(!clean.contains(['<', '>', '"', '\'', '&']));
            prop_assert_eq!(clean_text(&clean), clean);
        }

        #[test]
        fn a_link_is_ascii_and_reads_back_as_itself(text in "https://[a-z]{1,9}/.{0,60}") {
            if let Some(url) = parse_url(&text) {
                let link = clean_url(&url);
                prop_assert!(link.is_ascii());
                prop_assert!(!link.contains(['<', '>', '"', '\'', ' ']));
                let again = parse_url(&link).map(|url| clean_url(&url));
                prop_assert_eq!(again, Some(link));
            }
        }
    }
}
