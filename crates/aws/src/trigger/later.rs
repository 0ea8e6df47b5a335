//! When a request that could not be carried out now is tried again.

use std::time::Duration;

use chela_contract::{BuildId, Micros};
use chela_outbound::Backoff;

use crate::entry::Queued;

/// The same request, to be put into its queue again, and for how long it is to be hidden there.
/// `None` when it was tried for a day.
pub fn later(queued: &Queued, now: Micros) -> Option<(Queued, Duration)> {
    let tries = queued.tries.saturating_add(1);
    let dice = dice(queued.request.build_id, tries);
    let next = Backoff::next(tries, queued.first, now, None, dice)?;
    let again = Queued {
        tries,
        ..queued.clone()
    };
    Some((again, Duration::from_secs(next.step(now))))
}

/// Between 0 and 1: the chance that is in a build's id, so that those that failed together come
/// back apart.
fn dice(id: BuildId, tries: u32) -> f64 {
    let text = id.to_string();
    let (_, random) = text.rsplit_once('-').unwrap_or_default();
    let random = u64::from_str_radix(random, 16).unwrap_or_default();
    let spread = (random ^ u64::from(tries)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let top = u32::try_from(spread >> 32).unwrap_or_default();
    f64::from(top) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::trigger::testing::{at, queued, request};

    proptest! {
        #[test]
        fn a_request_comes_back_within_a_quarter_of_an_hour_and_not_after_a_day(
            tries in 0..200_u32,
            waited in 0..100_000_i64,
        ) {
            let first = Queued { tries, ..queued(request(1)) };
            let now = at(1).plus_seconds(waited);
            match later(&first, now) {
                Some((again, delay)) => {
                    prop_assert!(waited < 86_400);
                    prop_assert!(delay <= Duration::from_mins(15));
                    prop_assert!(delay > Duration::ZERO);
                    prop_assert_eq!(again.tries, tries + 1);
                    prop_assert_eq!(again.first, first.first);
                }
                None => prop_assert!(waited >= 86_400),
            }
        }
    }

    #[test]
    fn builds_that_failed_together_come_back_apart() {
        let delay = |second| {
            let tries = 20;
            let queued = queued(request(second));
            later(&Queued { tries, ..queued }, at(4000)).map(|(_, delay)| delay)
        };
        let delays: BTreeSet<_> = (0..20).map(delay).collect();
        assert!(delays.len() > 15, "{delays:?}");
    }
}
