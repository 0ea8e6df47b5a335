//! Moments as whole microseconds since 1970: what both messages carry and what databases keep.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// How far two clocks may be apart: the window around `webhook-timestamp`, and how much of the
/// future a report or a build id may claim. Seconds.
pub const TOLERANCE_SECONDS: i64 = 300;

/// A moment in microseconds since 1970-01-01T00:00:00Z, written as RFC 3339 with six digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(i64);

impl Micros {
    /// The moment `micros` microseconds after 1970 began; what a calendar cannot hold is moved to
    /// its nearest end.
    #[must_use]
    pub fn new(micros: i64) -> Self {
        Self(micros.clamp(
            Timestamp::MIN.as_microsecond(),
            Timestamp::MAX.as_microsecond(),
        ))
    }

    /// Microseconds since 1970.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment, `seconds` later (earlier if negative).
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::new(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// This moment without its fraction of a second, as a database of whole seconds keeps it.
    #[must_use]
    pub fn whole_second(self) -> Self {
        Self(self.seconds() * 1_000_000)
    }

    /// Whether this lies further in the future than two clocks may disagree.
    #[must_use]
    pub fn is_future(self, now: Self) -> bool {
        self > now.plus_seconds(TOLERANCE_SECONDS)
    }
}

impl From<Timestamp> for Micros {
    fn from(at: Timestamp) -> Self {
        // jiff rounds towards zero; before 1970 that would be up, so go through nanoseconds.
        let micros = at.as_nanosecond().div_euclid(1000);
        Self::new(i64::try_from(micros).expect("a timestamp in microseconds fits into i64"))
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Timestamp::from_microsecond(self.0).expect("Micros::new keeps to the calendar");
        write!(f, "{at:.6}")
    }
}

impl std::str::FromStr for Micros {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Timestamp>().map(Self::from)
    }
}

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|_| {
            D::Error::custom(
                "not a time; write it as RFC 3339, such as 2026-11-22T20:16:02.000000Z",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_with_six_digits_and_read_back() {
        let at: Micros = "2026-11-22T21:16:02.5+01:00".parse().unwrap();
        assert_eq!(at.to_string(), "2026-11-22T20:16:02.500000Z");
        assert_eq!(at.to_string().parse::<Micros>().unwrap(), at);
    }

    #[test]
    fn only_more_than_five_minutes_ahead_is_the_future() {
        let now = Micros::new(1_000_000_000);
        assert!(!now.plus_seconds(300).is_future(now));
        assert!(Micros::new(now.plus_seconds(300).get() + 1).is_future(now));
    }
}
