//! Which part of a file a request wants (RFC 9110, section 14).

/// What to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Everything: no range, or one that may be passed over.
    All,
    /// From this byte up to, and not with, that one; never empty.
    Part(u64, u64),
    /// Only what the file does not have.
    Nothing,
}

/// What `header` wants of a file of `size` bytes. Several ranges at once are passed over: nobody
/// needs them, and they can be many.
pub(crate) fn wanted(header: &str, size: u64) -> Wanted {
    let Some(range) = header.strip_prefix("bytes=") else {
        return Wanted::All;
    };
    let Some((first, last)) = range.trim().split_once('-') else {
        return Wanted::All;
    };
    let (start, end) = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => (first, last.saturating_add(1).min(size)),
        (Some(first), None) if last.is_empty() => (first, size),
        (None, Some(length)) if first.is_empty() => (size.saturating_sub(length), size),
        _ => return Wanted::All,
    };
    if start < end {
        Wanted::Part(start, end)
    } else {
        Wanted::Nothing
    }
}

fn number(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("bytes=0-9", Wanted::Part(0, 10))]
    #[case("bytes=90-", Wanted::Part(90, 100))]
    #[case("bytes=90-1000", Wanted::Part(90, 100))]
    #[case("bytes=90-18446744073709551615", Wanted::Part(90, 100))]
    #[case("bytes=-10", Wanted::Part(90, 100))]
    #[case("bytes=-1000", Wanted::Part(0, 100))]
    #[case("bytes=99-99", Wanted::Part(99, 100))]
    #[case("bytes=100-", Wanted::Nothing)]
    #[case("bytes=-0", Wanted::Nothing)]
    #[case("bytes=9-3", Wanted::All)]
    #[case("bytes=-", Wanted::All)]
    #[case("bytes=0-1,5-6", Wanted::All)]
    #[case("bytes=+1-2", Wanted::All)]
    #[case("bytes=a-b", Wanted::All)]
    #[case("bytes=99999999999999999999-", Wanted::All)]
    #[case("lines=0-9", Wanted::All)]
    #[case("", Wanted::All)]
    fn a_range_is_read(#[case] header: &str, #[case] what: Wanted) {
        assert_eq!(wanted(header, 100), what);
    }

    #[test]
    fn an_empty_file_has_no_part() {
        assert_eq!(wanted("bytes=0-", 0), Wanted::Nothing);
        assert_eq!(wanted("bytes=-5", 0), Wanted::Nothing);
    }
}
