//! Which known name was meant by one that is not known.

/// The name that takes the fewest changes, if those are few for its length.
pub(crate) fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let written = written.to_ascii_lowercase().replace('-', "_");
    known
        .iter()
        .map(|&name| (strsim::damerau_levenshtein(&written, name), name))
        .filter(|&(changes, name)| changes <= (name.len() / 3).clamp(1, 3))
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("paralel", Some("parallel"))]
    #[case("Parallel", Some("parallel"))]
    #[case("timeuot", Some("timeout"))]
    #[case("keep-builds", Some("keep_builds"))]
    #[case("lmit", Some("limit"))]
    #[case("colour", None)]
    #[case("", None)]
    fn a_slip_is_known_and_another_word_is_not(
        #[case] written: &str,
        #[case] expected: Option<&str>,
    ) {
        let known = ["keep_builds", "limit", "parallel", "timeout", "url"];
        assert_eq!(nearest(written, &known), expected);
    }
}
