//! What an error answer says about itself: RFC 9457, `application/problem+json`.

use serde::Deserialize;

use crate::answer::Answer;

/// As much as a reader of a flag wants to see of it.
const MAX_CHARS: usize = 200;

#[derive(Deserialize)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
}

/// `title: detail` of a problem document, if the answer is one that says anything.
pub fn told(answer: &Answer) -> Option<String> {
    let media_type = answer.content_type.as_deref()?.split(';').next()?.trim();
    if !media_type.eq_ignore_ascii_case("application/problem+json") {
        return None;
    }
    let problem: Problem = serde_json::from_slice(&answer.body).ok()?;
    let parts = [problem.title, problem.detail];
    let parts: Vec<_> = parts.iter().flatten().map(|part| clean(part)).collect();
    let told: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (!told.is_empty()).then(|| shorten(&told.join(": ")))
}

/// One line without control characters and without those that turn the direction of text.
pub fn clean(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let visible: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .filter(|&c| !turns(c))
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cut to a length that a comment can hold.
pub fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
