//! Waits between tries that meet each other.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The longest wait before the second try; it doubles.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// How long to wait after so many tries: anything up to a bound that doubles, so that two that
/// met do not meet again.
pub fn pause(tries: u32) -> Duration {
    let bound = FIRST
        .saturating_mul(1 << tries.saturating_sub(1).min(16))
        .min(LONGEST);
    bound.mul_f64(random())
}

/// Between 0 and 1. The standard library seeds each of its hashers anew.
pub fn random() -> f64 {
    let bits = RandomState::new().hash_one(()) >> 32;
    let bits = u32::try_from(bits).expect("32 bits are left");
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_bounded_however_often_it_was_tried() {
        for tries in [1, 5, 100, u32::MAX] {
            assert!(pause(tries) <= LONGEST);
        }
        assert!((0..100).all(|_| pause(1) <= FIRST));
    }

    #[test]
    fn two_that_met_wait_for_different_times() {
        let first = pause(4);
        assert!((0..20).any(|_| pause(4) != first));
    }
}
