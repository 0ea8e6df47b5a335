//! The one place where chance comes from.

/// Between 0 and 1, to spread what failed together.
pub fn jitter() -> f64 {
    getrandom::u32().map_or(0.5, |dice| f64::from(dice) / f64::from(u32::MAX))
}
