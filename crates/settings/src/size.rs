//! Sizes in bytes as people write them: `64MiB`.

use std::fmt;

use crate::duration::leading;

/// Each unit's bytes, the largest first.
const UNITS: [(&str, u64); 5] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// A number of bytes, shown in the largest unit that divides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

impl Size {
    /// So many bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// How many bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// A whole number with its unit.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (number, unit) = leading(text, |c| c.is_ascii_digit());
        let &(_, each) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
        number.parse::<u64>().ok()?.checked_mul(each).map(Self)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divides = |&&(_, each): &&(&str, u64)| self.0 > 0 && self.0.is_multiple_of(each);
        let &(unit, each) = UNITS.iter().find(divides).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / each)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("64MiB", 64 << 20)]
    #[case("64 MiB", 64 << 20)]
    #[case("1GiB", 1 << 30)]
    #[case("7B", 7)]
    #[case("0B", 0)]
    fn a_size_is_a_number_with_its_unit(#[case] text: &str, #[case] bytes: u64) {
        assert_eq!(Size::parse(text), Some(Size(bytes)));
    }

    #[rstest]
    #[case("")]
    #[case("64")]
    #[case("64MB")]
    #[case("64mib")]
    #[case("1.5GiB")]
    #[case("-1B")]
    #[case("MiB")]
    #[case("17000000TiB")]
    fn what_is_none_is_refused(#[case] text: &str) {
        assert_eq!(Size::parse(text), None);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read(bytes: u64) {
            prop_assert_eq!(Size::parse(&Size(bytes).to_string()), Some(Size(bytes)));
        }
    }
}
