//! The one place where the time comes from.

use chela_contract::Micros;

/// Now, in microseconds since 1970.
pub fn now() -> Micros {
    jiff::Timestamp::now().into()
}
