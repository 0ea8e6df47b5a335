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
