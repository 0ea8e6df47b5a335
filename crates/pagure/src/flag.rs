//! How a flag in Pagure's database holds a report, with no column of its own: `date_created` is the
//! build's time and `date_updated` the report's, so that a row alone tells which of two stands.
//!
//! What Pagure sets while it delivers must rank below every report of its build. It carries a time
//! between 10 and 5 minutes before the build; a report is never held as earlier than 5 minutes
//! before its build (two clocks may be that far apart), so the two cannot meet.

use chela_contract::{Micros, Shown, Status};

/// Where a build's reports begin: seconds relative to the build.
const REPORTS_FROM: i64 = -300;
/// Where a delivery's own entries begin: seconds relative to the build.
const DELIVERY_FROM: i64 = -600;
/// Attempts that a row can tell apart; 24 hours need about 110.
const MAX_ATTEMPT: u32 = 130;
const ACCEPTED: i64 = DELIVERY_FROM + 280;
const ENDED: i64 = DELIVERY_FROM + 290;

/// What a database keeps of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// `PostgreSQL`, `SQLite`.
    Microseconds,
    /// `MariaDB` and `MySQL`, whose `DATETIME` has no fraction: their flags are ordered by seconds.
    Seconds,
}

impl Precision {
    fn of(self, at: Micros) -> Micros {
        match self {
            Self::Microseconds => at,
            Self::Seconds => at.whole_second(),
        }
    }
}

/// What a flag holds of one build. The order is the order of reports.
// The derived order compares the build first; do not reorder the fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// When the build was asked for.
    pub build: Micros,
    /// What is shown of it, and when that came about.
    pub shown: Shown,
}

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not told yet, after this many attempts.
    Waiting(u32),
    /// The CI service took it and has not reported yet.
    Accepted,
    /// Refused, given up or called off.
    Ended,
}

/// Whether the person who asked may push: a rebuild asked for by somebody who may not must not
/// take the place of one asked for by somebody who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Requester {
    /// May not push, or is not known.
    Stranger,
    /// May push to the target branch.
    Committer,
}

impl Held {
    /// A report of the build asked for at `build`.
    #[must_use]
    pub fn report(build: Micros, shown: Shown, precision: Precision) -> Self {
        let build = precision.of(build);
        let at = precision.of(shown.at).max(build.plus_seconds(REPORTS_FROM));
        Self {
            build,
            shown: Shown { at, ..shown },
        }
    }

    /// What the delivery itself says of the build asked for at `build`; its time is made up.
    #[must_use]
    pub fn delivery(
        build: Micros,
        progress: Progress,
        requester: Requester,
        shown: Shown,
        precision: Precision,
    ) -> Self {
        let build = precision.of(build);
        let seconds = match progress {
            Progress::Waiting(attempt) => DELIVERY_FROM + 2 * i64::from(attempt.min(MAX_ATTEMPT)),
            Progress::Accepted => ACCEPTED,
            Progress::Ended => ENDED,
        };
        let bit = i64::from(requester == Requester::Committer);
        Self {
            build,
            shown: Shown {
                at: build.plus_seconds(seconds + bit),
                ..shown
            },
        }
    }

    /// The delivery's own progress, or `None` once the CI service has reported.
    #[must_use]
    pub fn progress(&self) -> Option<(Progress, Requester)> {
        let seconds = (self.shown.at.get() - self.build.get()).div_euclid(1_000_000);
        let bit = seconds.rem_euclid(2) == 1;
        let requester = if bit {
            Requester::Committer
        } else {
            Requester::Stranger
        };
        let even = seconds - i64::from(bit);
        let progress = match even {
            ENDED.. if even >= REPORTS_FROM => return None,
            ENDED => Progress::Ended,
            ACCEPTED => Progress::Accepted,
            _ => {
                let attempt = u32::try_from((even - DELIVERY_FROM) / 2).unwrap_or(0);
                Progress::Waiting(attempt)
            }
        };
        Some((progress, requester))
    }

    /// Whether the row waits or runs.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.shown.status == Status::Pending
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use url::Url;

    use super::*;

    fn shown(at: Micros) -> Shown {
        Shown::new(
            at,
            Status::Pending,
            None,
            &Url::parse("https://h/").unwrap(),
            "",
        )
    }

    #[rstest]
    #[case(Progress::Waiting(0))]
    #[case(Progress::Waiting(130))]
    #[case(Progress::Accepted)]
    #[case(Progress::Ended)]
    fn a_row_tells_how_far_its_delivery_has_come(#[case] progress: Progress) {
        for precision in [Precision::Microseconds, Precision::Seconds] {
            for requester in [Requester::Stranger, Requester::Committer] {
                let build = Micros::new(1_795_000_000_123_456);
                let held = Held::delivery(build, progress, requester, shown(build), precision);
                assert_eq!(held.progress(), Some((progress, requester)));
            }
        }
    }

    #[test]
    fn progress_is_ordered() {
        let build = Micros::new(1_795_000_000_123_456);
        let steps = [
            Progress::Waiting(0),
            Progress::Waiting(1),
            Progress::Waiting(130),
            Progress::Accepted,
            Progress::Ended,
        ];
        let held = steps.map(|progress| {
            Held::delivery(
                build,
                progress,
                Requester::Committer,
                shown(build),
                Precision::Seconds,
            )
        });
        assert!(held.is_sorted());
    }

    proptest! {
        #[test]
        fn every_report_outranks_its_delivery(
            build in 1_i64 << 50..1 << 51, at in 0_i64..1 << 51, attempt: u32,
        ) {
            for precision in [Precision::Microseconds, Precision::Seconds] {
                let build = Micros::new(build);
                let report = Held::report(build, shown(Micros::new(at)), precision);
                prop_assert_eq!(report.progress(), None);
                for progress in [Progress::Waiting(attempt), Progress::Accepted, Progress::Ended] {
                    let own =
                        Held::delivery(build, progress, Requester::Committer, shown(build), precision);
                    prop_assert!(own < report);
                }
            }
        }
    }
}
