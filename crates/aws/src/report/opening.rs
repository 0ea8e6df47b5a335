//! What becomes of `open/<id>`: pure, so that whoever meets another writer may ask again.

use chela_contract::Micros;

use crate::record::Open;

/// What is to be done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Revision {
    /// Nothing.
    Leave,
    /// This is written.
    Put(Open),
    /// It is removed.
    Close,
}

/// Why it is looked at. What is seen is `None` if the build is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Pagure has the word that the build is held, since this moment.
    Acknowledged(Micros),
    /// The engine goes on with it, since this moment.
    Resumed(Micros),
    /// A part of it failed, at this moment.
    Failed(String, Micros),
    /// Pagure has the end of this moment.
    Told(Micros),
    /// Pagure was told something of a build that somebody closed in the same moment.
    Unsure,
}

impl Reason {
    /// Pagure will never have its end.
    pub(crate) fn never_to_be_told() -> Self {
        Self::Told(Micros::new(i64::MAX))
    }

    /// Decides.
    pub(crate) fn revise(&self, seen: Option<&Open>) -> Revision {
        match (self, seen) {
            (Self::Acknowledged(at), Some(open)) if open.acknowledged.is_none() => {
                Revision::Put(Open {
                    acknowledged: Some(*at),
                    ..open.clone()
                })
            }
            (Self::Resumed(at), seen) if seen.and_then(|open| open.reopened) < Some(*at) => {
                Revision::Put(Open {
                    reopened: Some(*at),
                    failed: None,
                    ..seen.cloned().unwrap_or_default()
                })
            }
            // Of before it was retried.
            (Self::Failed(_, at), Some(open)) if open.reopened > Some(*at) => Revision::Leave,
            (Self::Failed(what, _), Some(open)) => Revision::Put(Open {
                failed: Some(what.clone()),
                ..open.clone()
            }),
            (Self::Told(at), Some(open)) if open.reopened <= Some(*at) => Revision::Close,
            // The sweep looks at it, and closes it.
            (Self::Unsure, None) => Revision::Put(Open::default()),
            _ => Revision::Leave,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(second: i64) -> Micros {
        Micros::new(1_795_000_000_000_000).plus_seconds(second)
    }

    fn open(acknowledged: Option<i64>, reopened: Option<i64>, failed: Option<&str>) -> Open {
        Open {
            acknowledged: acknowledged.map(at),
            reopened: reopened.map(at),
            failed: failed.map(str::to_owned),
        }
    }

    fn fresh() -> Open {
        Open::default()
    }

    fn put(open: Open) -> Revision {
        Revision::Put(open)
    }

    fn part() -> Reason {
        Reason::Failed("a part".to_owned(), at(5))
    }

    #[rstest]
    #[case::the_first_acknowledgement_is_kept(
        Reason::Acknowledged(at(5)),
        Some(fresh()),
        put(open(Some(5), None, None))
    )]
    #[case::a_second_one_is_not(
        Reason::Acknowledged(at(9)),
        Some(open(Some(5), None, None)),
        Revision::Leave
    )]
    #[case::nor_one_of_a_closed_build(Reason::Acknowledged(at(5)), None, Revision::Leave)]
    #[case::an_end_closes(Reason::Told(at(5)), Some(fresh()), Revision::Close)]
    #[case::an_end_closes_what_was_opened_again_before_it(
        Reason::Told(at(5)),
        Some(open(None, Some(4), None)),
        Revision::Close
    )]
    #[case::an_end_of_before_does_not(
        Reason::Told(at(5)),
        Some(open(None, Some(6), None)),
        Revision::Leave
    )]
    #[case::what_is_closed_stays_closed(Reason::Told(at(5)), None, Revision::Leave)]
    #[case::a_retry_opens_a_closed_build(
        Reason::Resumed(at(5)),
        None,
        put(open(None, Some(5), None))
    )]
    #[case::a_retry_forgets_what_had_failed(
        Reason::Resumed(at(5)),
        Some(open(Some(1), Some(2), Some("x"))),
        put(open(Some(1), Some(5), None))
    )]
    #[case::a_late_retry_takes_nothing_back(
        Reason::Resumed(at(5)),
        Some(open(None, Some(6), Some("x"))),
        Revision::Leave
    )]
    #[case::what_failed_is_noted(part(), Some(fresh()), put(open(None, None, Some("a part"))))]
    #[case::unless_it_was_retried_since(part(), Some(open(None, Some(6), None)), Revision::Leave)]
    #[case::or_told(part(), None, Revision::Leave)]
    #[case::a_word_that_met_an_end_has_the_sweep_look(Reason::Unsure, None, put(fresh()))]
    #[case::and_only_then(Reason::Unsure, Some(fresh()), Revision::Leave)]
    fn each_reason_revises_what_is_seen(
        #[case] reason: Reason,
        #[case] seen: Option<Open>,
        #[case] expected: Revision,
    ) {
        assert_eq!(reason.revise(seen.as_ref()), expected);
    }
}
