//! Patterns over paths: `*` within a name, `**` across folders, `?` for one character.

/// A pattern, cut at its slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Vec<u8>>);

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        let parts = text.split('/').filter(|part| !matches!(*part, "" | "."));
        Self(parts.map(|part| part.as_bytes().to_vec()).collect())
    }

    /// How many names a path needs to match, for a pattern without `**`.
    pub(crate) fn depth(&self) -> usize {
        self.0.len()
    }

    /// The whole path. A file whose name has wild cards in it matches its own name.
    pub(crate) fn matches(&self, path: &[&[u8]]) -> bool {
        across(&self.0, path)
    }
}

/// One row for each part of the pattern, over all the path's beginnings: polynomial where the
/// obvious recursion would take exponential time on `**/**/**/…`.
fn across(pattern: &[Vec<u8>], path: &[&[u8]]) -> bool {
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for part in pattern {
        reached = if part == b"**" {
            let first = reached.iter().position(|reached| *reached);
            (0..=path.len())
                .map(|at| first.is_some_and(|first| at >= first))
                .collect()
        } else {
            let mut next = vec![false; path.len() + 1];
            for at in 0..path.len() {
                next[at + 1] = reached[at] && within(part, path[at]);
            }
            next
        };
    }
    reached[path.len()]
}

/// The last `*` takes one character more at each mismatch; earlier ones need no second look.
fn within(pattern: &[u8], name: &[u8]) -> bool {
    if pattern == name {
        return true;
    }
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                n += character(&name[n..]);
            }
            Some(byte) if *byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, from)) = star else {
                    return false;
                };
                let from = from + character(&name[from..]);
                star = Some((at, from));
                (p, n) = (at + 1, from);
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// The bytes of the first character; a byte that is no UTF-8 counts as one.
fn character(name: &[u8]) -> usize {
    let more = name
        .iter()
        .skip(1)
        .take_while(|byte| **byte & 0xc0 == 0x80)
        .count();
    if name[0] < 0xc0 { 1 } else { 1 + more.min(3) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, in exponential time.
    fn plainly(pattern: &[&str], path: &[&str]) -> bool {
        match pattern {
            [] => path.is_empty(),
            ["**", rest @ ..] => (0..=path.len()).any(|at| plainly(rest, &path[at..])),
            [part, rest @ ..] => {
                !path.is_empty() && name(part, path[0]) && plainly(rest, &path[1..])
            }
        }
    }

    fn name(pattern: &str, text: &str) -> bool {
        let mut letters = text.chars();
        match pattern.chars().next() {
            None => text.is_empty(),
            Some('*') => {
                let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
                ends.into_iter().any(|at| name(&pattern[1..], &text[at..]))
            }
            Some('?') => letters.next().is_some() && name(&pattern[1..], letters.as_str()),
            Some(letter) => {
                letters.next() == Some(letter)
                    && name(&pattern[letter.len_utf8()..], letters.as_str())
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn patterns_match_by_their_definition(
            pattern in prop::collection::vec("\\*\\*|[ab\u{e9}*?]{1,5}", 0..5),
            path in prop::collection::vec("[ab\u{e9}]{1,5}", 0..5),
        ) {
            let parts: Vec<&str> = pattern.iter().map(String::as_str).collect();
            let names: Vec<&str> = path.iter().map(String::as_str).collect();
            let bytes: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
            prop_assert_eq!(
                Pattern::new(&parts.join("/")).matches(&bytes),
                plainly(&parts, &names)
            );
        }
    }
}
