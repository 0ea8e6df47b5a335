//! The name of one build: a UUID of version 7, which carries the time at which it was asked for.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Micros;

/// Names one build; greater means asked for later. A retry keeps it, a rebuild gets a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BuildId(Uuid);

/// The text names no build.
#[derive(Debug, thiserror::Error)]
#[error(
    "not a build id: it must be a UUID of version 7, such as 0199a1c2-6f0e-7c3a-9d6b-2f6f1f1f0a11"
)]
pub struct InvalidBuildId;

impl BuildId {
    /// A new id for a build asked for at `at`, with 62 random bits.
    ///
    /// The 12 bits below the millisecond hold its fraction (RFC 9562, section 6.2, method 3), so
    /// that two builds of one millisecond keep their order.
    #[must_use]
    pub fn new(at: Micros) -> Self {
        let millis = u64::try_from(at.get().div_euclid(1000)).unwrap_or(0);
        let micro = u16::try_from(at.get().rem_euclid(1000)).expect("below 1000");
        // Rounded up, so that `time` finds the same microsecond again.
        let fraction = (u32::from(micro) * 4096).div_ceil(1000);
        let fraction = u16::try_from(fraction).expect("below 4096");
        let mut bytes = *Uuid::new_v4().as_bytes();
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6..8].copy_from_slice(&(0x7000 | fraction).to_be_bytes());
        Self(Uuid::from_bytes(bytes))
    }

    /// When the build was asked for, in microseconds: the 48 bits of milliseconds, and the next 12
    /// bits as their fraction. Foreign ids have random bits there: still one time for one id.
    #[must_use]
    pub fn time(self) -> Micros {
        let bytes = self.0.as_bytes();
        let millis = bytes[..6]
            .iter()
            .fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
        let fraction = i64::from(u16::from_be_bytes([bytes[6] & 0x0f, bytes[7]]));
        Micros::new(millis * 1000 + fraction * 1000 / 4096)
    }
}

impl FromStr for BuildId {
    type Err = InvalidBuildId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = Uuid::try_parse(text).map_err(|_| InvalidBuildId)?;
        // One spelling only: ids are compared as text by receivers.
        let canonical = id.as_hyphenated().to_string() == text;
        let v7 = id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122;
        if canonical && v7 {
            Ok(Self(id))
        } else {
            Err(InvalidBuildId)
        }
    }
}

impl TryFrom<String> for BuildId {
    type Error = InvalidBuildId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BuildId> for String {
    fn from(id: BuildId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    proptest! {
        #[test]
        fn an_id_keeps_its_microsecond(micros in 0_i64..(1 << 47) * 1000) {
            let at = Micros::new(micros);
            prop_assert_eq!(BuildId::new(at).time(), at);
        }

        #[test]
        fn a_later_build_has_a_greater_id(a in 0_i64..1 << 50, b in 0_i64..1 << 50) {
            prop_assume!(a < b);
            prop_assert!(BuildId::new(Micros::new(a)) < BuildId::new(Micros::new(b)));
        }
    }

    #[rstest]
    #[case("0199a1c2-6f0e-4c3a-9d6b-2f6f1f1f0a11")] // version 4
    #[case("0199a1c2-6f0e-7c3a-0d6b-2f6f1f1f0a11")] // not RFC 9562's variant
    #[case("0199A1C2-6F0E-7C3A-9D6B-2F6F1F1F0A11")]
    #[case("0199a1c26f0e7c3a9d6b2f6f1f1f0a11")]
    #[case("{0199a1c2-6f0e-7c3a-9d6b-2f6f1f1f0a11}")]
    #[case("")]
    fn another_spelling_is_refused(#[case] text: &str) {
        assert!(text.parse::<BuildId>().is_err());
    }
}
