//! The one place where the time comes from.

use std::time::{SystemTime, UNIX_EPOCH};

use chela_contract::Micros;

/// Now, in microseconds since 1970.
pub fn now() -> Micros {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Micros::new(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The last microsecond of this moment's second: what an event is stamped with, whose own time is
/// cut to the second.
pub fn end_of_second(at: Micros) -> Micros {
    Micros::new(at.whole_second().get() + 999_999)
}
