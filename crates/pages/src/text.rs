//! Text from outside, with everything in sight.

use std::fmt::{self, Write as _};

use maud::Render;

/// More of one name than anybody reads. Characters.
const MAX_SHOWN: usize = 500;

/// Text that somebody else wrote: a title, a branch, a file's name. A page shows it escaped, what
/// is invisible or turns the direction of writing made visible, and cut where it is too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside(String);

impl Outside {
    /// The text as it came, not for a page.
    #[must_use]
    pub fn as_written(&self) -> &str {
        &self.0
    }

    /// What follows the last slash, as it is shown.
    pub(crate) fn file_name(&self) -> String {
        let name = self.0.rsplit('/').next().unwrap_or_default();
        Self::from(name).to_string()
    }
}

impl<T: Into<String>> From<T> for Outside {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Outside {
    /// What a page shows, not yet escaped for HTML.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = String::new();
        let mut rest = self.0.chars();
        for c in rest.by_ref().take(MAX_SHOWN) {
            push_visible(&mut shown, c);
        }
        f.write_str(&shown)?;
        if rest.next().is_some() {
            f.write_char('…')?;
        }
        Ok(())
    }
}

impl Render for Outside {
    fn render_to(&self, buffer: &mut String) {
        self.to_string().as_str().render_to(buffer);
    }
}

/// Appends `c`, or if it cannot be seen its number (`⟨U+202E⟩`). The pictures of control characters
/// that Unicode has are missing from many fonts.
pub(crate) fn push_visible(text: &mut String, c: char) {
    if c.is_control() || is_invisible(c) {
        write!(text, "⟨U+{:04X}⟩", u32::from(c)).expect("writing to a string cannot fail");
    } else {
        text.push(c);
    }
}

/// Unicode's `Default_Ignorable_Code_Point` and `Bidi_Control`, line separators, and what
/// annotates. Without the two variation selectors of emoji, which half of all build tools print.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0d}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use maud::html;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("fix\u{202e}gpj.exe", "fix⟨U+202E⟩gpj.exe")]
    #[case("a\0b\x1b[m\n\x7f", "a⟨U+0000⟩b⟨U+001B⟩[m⟨U+000A⟩⟨U+007F⟩")]
    #[case("\u{9b}31m", "⟨U+009B⟩31m")]
    #[case("ad\u{200b}a\u{feff}", "ad⟨U+200B⟩a⟨U+FEFF⟩")]
    #[case("⚠\u{fe0f} Größe 日本 العربية", "⚠\u{fe0f} Größe 日本 العربية")]
    fn what_cannot_be_seen_is_shown(#[case] text: &str, #[case] shown: &str) {
        assert_eq!(Outside::from(text).to_string(), shown);
    }

    #[test]
    fn markup_is_text() {
        let title = Outside::from("<script>alert('x')</script>\" onload=\"y");
        assert_eq!(
            html! { p title=(title) {} }.into_string(),
            "<p title=\"&lt;script&gt;alert('x')&lt;/script&gt;&quot; onload=&quot;y\"></p>"
        );
    }

    #[test]
    fn a_long_name_is_cut() {
        let shown = Outside::from("é".repeat(501)).to_string();
        assert_eq!(shown, format!("{}…", "é".repeat(500)));
        assert_eq!(Outside::from("é".repeat(500)).to_string(), "é".repeat(500));
    }

    proptest! {
        #[test]
        fn nothing_shown_is_a_control_character(text in any::<String>()) {
            let shown = Outside::from(text).to_string();
            prop_assert!(!shown.chars().any(|c| c.is_control() || is_invisible(c)));
        }
    }
}
