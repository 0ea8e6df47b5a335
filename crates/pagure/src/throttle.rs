//! How much of the workers' time one URL and one project may take, so that a dead target does not
//! starve the others. The state lies in numbers that the processes of a machine share; a lost
//! update costs one attempt.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// After its first failure a URL rests this long, then twice as long, up to the longest. Seconds.
const FIRST_REST: i64 = 5;
const LONGEST_REST: i64 = 600;
/// A project may run this far ahead of its share before it waits. Seconds.
const BURST: i64 = 120;
/// An attempt costs this many times its length, so a project gets at most a third of one worker…
const PRICE: i64 = 3;
/// …and at least this much. Milliseconds.
const LEAST: i64 = 1000;

/// Where in a table of `slots` numbers `key` lies, and the tag by which it is known there. Both
/// depend on the worker's own secret: nobody can choose a URL that shares another's slot.
#[must_use]
pub fn slot(key: &str, slots: u64, secret: u64) -> (u64, i64) {
    // Keyed alike in every process of the worker: the table is shared.
    let mut hasher = DefaultHasher::new();
    (secret, key).hash(&mut hasher);
    let hash = hasher.finish();
    // Never 0, which an empty slot has.
    (hash % slots, (hash / slots).cast_signed() | 1)
}

/// How long to wait before the next attempt: milliseconds, 0 for now. `rests_until` belongs to the
/// URL, `paid_until` to the project; all in milliseconds since 1970.
#[must_use]
pub fn wait(now: i64, rests_until: i64, paid_until: i64) -> i64 {
    (rests_until - now)
        .max(paid_until - now - BURST * 1000)
        .max(0)
}

/// Until when a URL rests after `failures` failures in a row (this one counted): milliseconds.
#[must_use]
pub fn after_failure(now: i64, failures: u32) -> i64 {
    let doublings = failures.saturating_sub(1).min(16);
    now + (FIRST_REST << doublings).min(LONGEST_REST) * 1000
}

/// Until when a project has paid after an attempt that took `took` milliseconds.
#[must_use]
pub fn after_attempt(now: i64, paid_until: i64, took: i64) -> i64 {
    paid_until.max(now) + (PRICE * took).max(LEAST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, 0, 0)]
    #[case(7_000, 0, 7_000)]
    #[case(0, 120_000, 0)]
    #[case(0, 121_000, 1_000)]
    #[case(5_000, 130_000, 10_000)]
    fn an_attempt_waits_for_its_url_and_for_its_project(
        #[case] rests: i64,
        #[case] paid: i64,
        #[case] expected: i64,
    ) {
        let now = 1_795_000_000_000;
        assert_eq!(wait(now, now + rests, now + paid), expected);
    }

    #[test]
    fn a_url_rests_longer_after_each_failure_up_to_ten_minutes() {
        let rests: Vec<i64> = (1..=9)
            .map(|failures| after_failure(0, failures) / 1000)
            .collect();
        assert_eq!(rests, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        assert_eq!(after_failure(0, u32::MAX), 600_000);
    }

    #[test]
    fn a_project_whose_target_never_answers_gets_a_third_of_a_worker() {
        let (mut now, mut paid, mut busy) = (0, 0, 0);
        while now < 3_600_000 {
            let pause = wait(now, 0, paid);
            now += pause;
            paid = after_attempt(now, paid, 15_000);
            now += 15_000;
            busy += 15_000;
        }
        assert!(
            (1_200_000..1_300_000).contains(&busy),
            "{busy} ms of an hour"
        );
    }

    #[test]
    fn another_worker_keeps_its_table_otherwise() {
        assert_eq!(
            slot("https://ci.example.org/", 4096, 1),
            slot("https://ci.example.org/", 4096, 1)
        );
        assert_ne!(
            slot("https://ci.example.org/", 4096, 1),
            slot("https://ci.example.org/", 4096, 2)
        );
    }

    proptest! {
        #[test]
        fn a_slot_lies_in_its_table_and_its_tag_is_never_empty(key: String, secret: u64) {
            let (slot, tag) = slot(&key, 4096, secret);
            prop_assert!(slot < 4096);
            prop_assert_ne!(tag, 0);
        }
    }
}
