//! When to try again: pure, because the clock and the dice are the caller's.

use std::time::{Duration, SystemTime};

use chela_contract::Micros;

/// Doubling waits with jitter, for a day.
#[derive(Clone, Copy, Debug)]
pub struct Backoff;

/// The moment before which the next attempt must not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotBefore(pub Micros);

const FIRST_SECONDS: i64 = 5;
const DAY_SECONDS: i64 = 24 * 60 * 60;
const MICROS: i64 = 1_000_000;

impl Backoff {
    /// The longest a single step waits. A broker that redelivers what is held for too long (Celery:
    /// `visibility_timeout`) must not see longer ones.
    pub const STEP_SECONDS: u64 = 900;

    /// When to try again after `attempts` failed ones (at least 1), or `None` when the day is over.
    ///
    /// The wait is 5 s, 10 s, 20 s and so on up to 15 minutes, of which `jitter` (0 to 1) takes off
    /// up to one half. A longer `retry_after` is respected. What would lie beyond the day is tried
    /// a last time at its end.
    #[must_use]
    pub fn next(
        attempts: u32,
        first_at: Micros,
        now: Micros,
        retry_after: Option<Duration>,
        jitter: f64,
    ) -> Option<NotBefore> {
        let end = first_at.plus_seconds(DAY_SECONDS);
        if now >= end {
            return None;
        }
        let asked = micros(retry_after.unwrap_or_default());
        let wait = spread(full_wait(attempts), jitter).max(asked);
        Some(NotBefore(
            Micros::new(now.get().saturating_add(wait)).min(end),
        ))
    }
}

impl NotBefore {
    /// How many seconds to sleep now, at most [`Backoff::STEP_SECONDS`]; 0 means that it is time.
    #[must_use]
    pub fn step(self, now: Micros) -> u64 {
        let left = self.0.get().saturating_sub(now.get()).max(0).unsigned_abs();
        left.div_ceil(MICROS.unsigned_abs())
            .min(Backoff::STEP_SECONDS)
    }
}

/// In microseconds.
fn full_wait(attempts: u32) -> i64 {
    let doublings = attempts.saturating_sub(1).min(16);
    (FIRST_SECONDS << doublings).min(Backoff::STEP_SECONDS.cast_signed()) * MICROS
}

/// Between half of the wait and all of it, so that builds that failed together come back apart.
fn spread(wait: i64, jitter: f64) -> i64 {
    let permille = (jitter.clamp(0.0, 1.0) * 1000.0).round();
    // A float that is no number becomes 0.
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1000")]
    let permille = permille as i64;
    wait - wait / 2 / 1000 * permille
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// A moment as HTTP writes it (RFC 9110, section 5.6.7).
pub fn http_date(value: &str) -> Option<Micros> {
    let at = httpdate::parse_http_date(value.trim()).ok()?;
    let at = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Micros::new(i64::try_from(at.as_micros()).ok()?))
}

/// `Retry-After` in either form (RFC 9110, section 10.2.3), a day at most.
pub fn retry_after(value: &str, now: Micros) -> Option<Duration> {
    let value = value.trim();
    let day = Duration::from_secs(DAY_SECONDS.unsigned_abs());
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit are more than a day.
        return Some(value.parse().map_or(day, Duration::from_secs).min(day));
    }
    let left = http_date(value)?.get().saturating_sub(now.get()).max(0);
    Some(Duration::from_micros(left.unsigned_abs()).min(day))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn first() -> Micros {
        Micros::new(1_000_000_000_000_000)
    }

    fn at(seconds: i64) -> Micros {
        first().plus_seconds(seconds)
    }

    #[rstest]
    #[case(0, 5)]
    #[case(1, 5)]
    #[case(2, 10)]
    #[case(3, 20)]
    #[case(8, 640)]
    #[case(9, 900)]
    #[case(10, 900)]
    #[case(u32::MAX, 900)]
    fn waits_double_up_to_fifteen_minutes(#[case] attempts: u32, #[case] seconds: i64) {
        let next = |jitter| {
            Backoff::next(attempts, first(), at(60), None, jitter)
                .unwrap()
                .0
        };
        assert_eq!(next(0.0), at(60 + seconds));
        assert_eq!(next(1.0).get(), at(60).get() + seconds * MICROS / 2);
    }

    #[test]
    fn a_longer_retry_after_is_waited_out_in_steps() {
        let wait = Some(Duration::from_secs(2000));
        let next = Backoff::next(1, first(), at(0), wait, 0.5).unwrap();
        assert_eq!(next, NotBefore(at(2000)));
        assert_eq!(
            [0, 900, 1800, 2000, 2001].map(|now| next.step(at(now))),
            [900, 900, 200, 0, 0]
        );
    }

    #[test]
    fn a_shorter_retry_after_does_not_shorten_the_wait() {
        let next = Backoff::next(5, first(), at(0), Some(Duration::from_secs(1)), 0.0);
        assert_eq!(next, Some(NotBefore(at(80))));
    }

    #[test]
    fn the_last_attempt_is_made_when_the_day_ends() {
        let end = DAY_SECONDS;
        let late = Backoff::next(100, first(), at(end - 60), None, 0.0);
        assert_eq!(late, Some(NotBefore(at(end))));
        let asked = Backoff::next(1, first(), at(10), Some(Duration::from_secs(100_000)), 0.0);
        assert_eq!(asked, Some(NotBefore(at(end))));
        assert_eq!(Backoff::next(101, first(), at(end), None, 0.0), None);
    }

    #[rstest]
    #[case("120", Some(120))]
    #[case(" 0 ", Some(0))]
    #[case("86401", Some(86_400))]
    #[case("99999999999999999999999", Some(86_400))]
    #[case("Sun, 06 Nov 1994 08:49:37 GMT", Some(60))]
    #[case("Sunday, 06-Nov-94 08:49:37 GMT", Some(60))]
    #[case("Sun Nov  6 08:49:37 1994", Some(60))]
    #[case("Sun, 06 Nov 1994 08:48:00 GMT", Some(0))]
    #[case("Sun, 06 Nov 2044 08:49:37 GMT", Some(86_400))]
    #[case("-1", None)]
    #[case("+1", None)]
    #[case("1.5", None)]
    #[case("", None)]
    #[case("soon", None)]
    fn retry_after_is_read_in_both_forms(#[case] value: &str, #[case] seconds: Option<u64>) {
        let now = "1994-11-06T08:48:37Z".parse().unwrap();
        assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs));
    }

    proptest! {
        #[test]
        fn the_next_attempt_lies_ahead_and_within_the_day(
            attempts: u32, now in 0..DAY_SECONDS, asked in 0_u64..200_000, jitter: f64,
        ) {
            let asked = Some(Duration::from_secs(asked));
            let next = Backoff::next(attempts, first(), at(now), asked, jitter).unwrap();
            prop_assert!(next.0 > at(now) && next.0 <= at(DAY_SECONDS));
            prop_assert!(next.step(at(now)) <= Backoff::STEP_SECONDS);
        }

        #[test]
        fn any_retry_after_is_read_without_panic(value: String, now: i64) {
            let _ = retry_after(&value, Micros::new(now));
        }
    }
}
