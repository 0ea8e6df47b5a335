//! Which known name was meant by one that is not known.

/// The name that takes the fewest changes, if those are few for its length.
pub(super) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = written.to_lowercase();
    let changes = |name: &str| strsim::damerau_levenshtein(&lower, &name.to_lowercase());
    known
        .into_iter()
        .map(|name| (changes(name), name))
        .filter(|(changes, name)| *changes <= (name.len() / 3).clamp(1, 3))
        .min()
        .map(|(_, name)| name)
}
