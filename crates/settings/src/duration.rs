//! Durations as people write them: `90s`, `1h30m`, `30d`.

use std::time::Duration;

/// Each unit's milliseconds, the largest first.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Numbers with their units, each unit once and the larger one first.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    let mut rest = text;
    loop {
        let (number, after) = leading(rest, |c| c.is_ascii_digit());
        let (unit, after) = leading(after, |c| c.is_ascii_alphabetic());
        let &(_, each) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(each)?)?;
        rest = after.trim_start();
        if rest.is_empty() {
            return Some(Duration::from_millis(total));
        }
    }
}

/// The way back.
pub(crate) fn spell(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut parts = Vec::new();
    for (unit, each) in UNITS {
        if rest >= each {
            parts.push(format!("{}{unit}", rest / each));
            rest %= each;
        }
    }
    if parts.is_empty() {
        parts.push("0s".to_owned());
    }
    parts.concat()
}

/// What stands before the first character that does not fit, and what follows.
pub(crate) fn leading(text: &str, fits: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !fits(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("90s", 90_000)]
    #[case("1h30m", 5_400_000)]
    #[case("1h 30m", 5_400_000)]
    #[case("30d", 2_592_000_000)]
    #[case("250ms", 250)]
    #[case("0s", 0)]
    fn a_duration_is_numbers_with_units(#[case] text: &str, #[case] milliseconds: u64) {
        assert_eq!(parse(text), Some(Duration::from_millis(milliseconds)));
    }

    #[rstest]
    #[case("")]
    #[case("90")]
    #[case("s")]
    #[case("-5s")]
    #[case("1.5h")]
    #[case("5 s")]
    #[case("5S")]
    #[case("30m1h")]
    #[case("5s5s")]
    #[case("1y")]
    #[case("99999999999999999999s")]
    #[case("18446744073709551615d")]
    fn what_is_none_is_refused(#[case] text: &str) {
        assert_eq!(parse(text), None);
    }

    proptest! {
        #[test]
        fn what_is_spelled_is_read(milliseconds: u64) {
            let duration = Duration::from_millis(milliseconds);
            prop_assert_eq!(parse(&spell(duration)), Some(duration));
        }
    }
}
