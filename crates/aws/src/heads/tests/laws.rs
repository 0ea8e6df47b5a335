//! Whatever is asked in whatever order.

use chela_contract::{CommitId, Micros, Reason};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::*;
use super::{decided, lane};
use crate::trigger::testing::{at, because, of, request, stranger};

/// Requests of a pull request, each with another second.
fn requests(rebuilds: bool) -> impl Strategy<Value = Vec<BuildRequest>> {
    let reasons = if rebuilds {
        vec![Reason::Updated, Reason::Rebuild]
    } else {
        vec![Reason::Updated]
    };
    let one = (any::<bool>(), select(vec!['a', 'b']), select(reasons));
    prop::collection::vec(one, 1..7).prop_map(|all| {
        let request = |(second, (can_push, digit, reason)): (i64, (bool, char, Reason))| {
            let request = because(reason, of(digit, request(second)));
            if can_push { request } else { stranger(request) }
        };
        (1..).zip(all).map(request).collect()
    })
}

/// Hands requests out in this order; `open` is what is open before each.
fn played(requests: &[&BuildRequest], acknowledged: Option<i64>) -> Option<Head> {
    let mut head: Option<Head> = None;
    for request in requests {
        let lane = head
            .clone()
            .map_or_else(Lane::default, |head| lane(head, acknowledged));
        let decision = decided(request, &lane);
        head = decision.head.or(head);
    }
    head
}

fn order(requests: &[BuildRequest], picks: &[Index]) -> Vec<BuildRequest> {
    let mut left: Vec<_> = requests.to_vec();
    let mut order = Vec::new();
    for pick in picks {
        order.push(requests[pick.index(requests.len())].clone());
    }
    // Whatever was left out comes at the end, the last one first.
    left.reverse();
    order.extend(left);
    order
}

proptest! {
    #[test]
    fn any_order_and_repetition_ends_in_the_same_head(
        requests in requests(false),
        picks in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        let in_order = played(&requests.iter().collect::<Vec<_>>(), None);
        let shuffled = order(&requests, &picks);
        let in_any = played(&shuffled.iter().collect::<Vec<_>>(), None);
        let without_ends = |head: Option<Head>| head.map(|head| Head { ends: Vec::new(), ..head });
        prop_assert_eq!(without_ends(in_any), without_ends(in_order));
    }

    #[test]
    fn the_greatest_build_wins_in_any_order_and_waits_or_runs(
        requests in requests(true),
        picks in prop::collection::vec(any::<Index>(), 0..12),
        acknowledged in prop::option::of(0..8_i64),
    ) {
        let shuffled = order(&requests, &picks);
        let head = played(&shuffled.iter().collect::<Vec<_>>(), acknowledged).expect("a head");
        let newest = requests.last().expect("there is one");
        prop_assert_eq!(head.newest, newest.build_id);
        prop_assert_eq!(&head.commit, &newest.source.commit);
        let standing = settled(newest, &head);
        prop_assert!(
            matches!(standing, Some(Standing::Through(_) | Standing::Held(_))),
            "{standing:?}"
        );
        prop_assert!(head.ends.iter().all(|id| *id < head.newest), "only older ones end");
    }

    #[test]
    fn a_decision_that_is_taken_again_is_the_same_whatever_is_known_since(
        requests in requests(true),
        acknowledged in prop::option::of(0..8_i64),
        since in prop::option::of(0..8_i64),
    ) {
        let mut before: Option<Head> = None;
        for request in &requests {
            let lane_of = |head: Option<Head>, acknowledged| {
                head.map_or_else(Lane::default, |head| lane(head, acknowledged))
            };
            let first = decided(request, &lane_of(before.clone(), acknowledged));
            let after = first.head.clone().or(before);
            let again = decided(request, &lane_of(after.clone(), since));
            prop_assert_eq!(again.standing, first.standing);
            prop_assert_eq!(again.head, None);
            before = after;
        }
    }

    #[test]
    fn requests_in_their_order_meet_what_they_meet_on_one_machine(
        requests in requests(true),
        acknowledged in prop::option::of(0..8_i64),
    ) {
        let mut machine = Machine::default();
        let mut head: Option<Head> = None;
        for request in &requests {
            let lane = machine.lane(head.clone(), acknowledged.map(at));
            let there = machine.admit(request, acknowledged.map(at));
            let here = decided(request, &lane);
            head = here.head.clone().or(head);
            let ends = head.iter().flat_map(|head| head.ends.clone()).collect::<BTreeSet<_>>();
            match (&there, &here.standing) {
                // One machine remembers every commit that was let through, the head the last one:
                // here it may have to be seen, or be a stranger's, again.
                (
                    Admission::Queue { .. },
                    Standing::Through(Origin::Stranger) | Standing::Held(Held::Unseen),
                ) => {}
                (Admission::Queue { origin, .. }, Standing::Through(here)) => {
                    prop_assert_eq!(origin, here);
                }
                (Admission::Hold { why, .. }, Standing::Held(here)) => prop_assert_eq!(why, here),
                other => prop_assert!(false, "{other:?}"),
            }
            if let Admission::Queue { overtakes, .. } | Admission::Hold { overtakes, .. } = there {
                let overtakes: BTreeSet<_> = overtakes.into_iter().collect();
                prop_assert!(ends.is_subset(&overtakes), "{ends:?} of {overtakes:?}");
                let same = matches!(here.standing, Standing::Through(_))
                    || by_stranger(request);
                prop_assert!(!same || ends == overtakes, "{ends:?} and {overtakes:?}");
            }
            machine.settle(request, &here.standing, &ends);
        }
    }
}

fn by_stranger(request: &BuildRequest) -> bool {
    request.requested_by.as_ref().is_none_or(|by| !by.can_push)
}

/// What one machine knows of a pull request: every build, and how far it is.
#[derive(Default)]
struct Machine {
    alive: Vec<Other>,
    newest: Option<(BuildId, Option<CommitId>)>,
    cleared: Vec<(Option<CommitId>, Origin)>,
}

impl Machine {
    fn admit(&self, request: &BuildRequest, acknowledged: Option<Micros>) -> Admission {
        let commit = &request.source.commit;
        let is_held = |other: &&Other| matches!(other.stage, Stage::Held { .. });
        let shown = self
            .alive
            .iter()
            .filter(is_held)
            .any(|held| held.commit == *commit);
        let known = Known {
            others: self.alive.clone(),
            newest: self.newest.clone(),
            acknowledged: acknowledged.filter(|_| shown),
            cleared: self
                .cleared
                .iter()
                .find(|(of, _)| of == commit)
                .map(|(_, origin)| *origin),
            ..Known::default()
        };
        admit(request, &known, Strangers::Hold, UNBOUNDED)
    }

    /// What the ledger on AWS has of the same builds.
    fn lane(&self, head: Option<Head>, acknowledged: Option<Micros>) -> Lane {
        let open = self.alive.iter().map(|other| {
            let open = Open {
                acknowledged,
                ..Open::default()
            };
            (other.id, open)
        });
        Lane {
            open: open.collect(),
            head,
        }
    }

    fn settle(&mut self, request: &BuildRequest, standing: &Standing, ends: &BTreeSet<BuildId>) {
        self.alive.retain(|other| !ends.contains(&other.id));
        let commit = request.source.commit.clone();
        let stage = match standing {
            Standing::Through(origin) => {
                self.cleared.insert(0, (commit.clone(), *origin));
                Stage::Running
            }
            _ => Stage::Held { acknowledged: None },
        };
        self.alive.push(Other {
            id: request.build_id,
            commit: commit.clone(),
            stage,
        });
        self.newest = Some((request.build_id, commit));
    }
}
