//! Two processes at once: the same message twice, or two messages of one pull request.

use chela_contract::{BuildId, BuildRequest, Status};
use proptest::prelude::*;

use super::crashes::settled;
use crate::entry::Queued;
use crate::ledger::HeadKey;
use crate::trigger::fake::{Fake, RunState};
use crate::trigger::play::{Pagure, Process};
use crate::trigger::testing::{id, of, queued, request, stranger};

/// More than any visit here has.
const STEPS: usize = 36;

#[test]
fn two_deliveries_at_once_start_one_build_wherever_they_meet() {
    for (first, second) in
        (0..STEPS).flat_map(|first| (0..STEPS).map(move |second| (first, second)))
    {
        let fake = Fake::new();
        let queued = queued(request(1));
        let (mut one, mut other) = (
            Process::new(&fake, &queued, 1),
            Process::new(&fake, &queued, 1),
        );
        let ended = (one.run(first), other.run(second));
        if ended.0.is_none() {
            one.finish();
        }
        if ended.1.is_none() {
            other.finish();
        }
        drop((one, other));
        let mut pagure = Pagure::default();
        settled(&fake, &mut pagure);
        assert_eq!(
            fake.states(id(1)),
            [RunState::Succeeded],
            "{first}, {second}"
        );
        assert_eq!(pagure.status(id(1)), Some(Status::Success));
        assert!(fake.open.borrow().is_empty());
    }
}

#[test]
fn a_delivery_that_fetches_for_longer_than_engines_remember_looks_before_it_starts() {
    for (first, second) in
        (0..STEPS).flat_map(|first| (0..STEPS).map(move |second| (first, second)))
    {
        let fake = Fake::new();
        let queued = queued(request(1));
        let mut slow = Process::new(&fake, &queued, 1);
        if slow.run(first).is_some() {
            break;
        }
        // Between the record of the source and the start lies no fetch, and no time.
        let records = fake
            .records
            .borrow()
            .get(&id(1))
            .map(|there| there.value.clone());
        if records.is_some_and(|record| record.origin.is_some() && record.execution.is_none()) {
            continue;
        }
        Process::new(&fake, &queued, 1).run(second);
        fake.pass(600);
        slow.finish();
        assert_eq!(fake.starts(id(1)), 1, "{first}, {second}");
    }
}

#[test]
fn of_two_builds_of_a_pull_request_the_newer_one_is_built_wherever_they_meet() {
    let (older, newer) = (queued(request(1)), queued(of('b', request(2))));
    for (first, second) in
        (0..STEPS).flat_map(|first| (0..STEPS).map(move |second| (first, second)))
    {
        let fake = Fake::new();
        let (mut one, mut other) = (
            Process::new(&fake, &older, 1),
            Process::new(&fake, &newer, 1),
        );
        let ended = (one.run(first), other.run(second));
        if ended.0.is_none() {
            one.finish();
        }
        if ended.1.is_none() {
            other.finish();
        }
        drop((one, other));
        only_the_newest_runs(&fake, &[id(1), id(2)]);
    }
}

#[test]
fn an_older_build_that_is_killed_while_it_is_overtaken_leaves_nothing_running() {
    let (older, newer) = (queued(request(1)), queued(of('b', request(2))));
    for first in 0..STEPS {
        let fake = Fake::new();
        let killed = Process::new(&fake, &older, 1).run(first).is_none();
        assert_eq!(fake.deliver(newer.clone(), 1), []);
        // The flag of the older one is told before its message is seen again.
        fake.report(&mut Pagure::default());
        if killed {
            assert_eq!(fake.deliver(older.clone(), 2), []);
        }
        assert!(!fake.states(id(1)).contains(&RunState::Runs), "{first}");
        only_the_newest_runs(&fake, &[id(1), id(2)]);
    }
}

fn only_the_newest_runs(fake: &Fake, builds: &[BuildId]) {
    let (newest, older) = builds.split_last().expect("there is one");
    for older in older {
        assert!(
            !fake.states(*older).contains(&RunState::Runs),
            "{older} runs"
        );
        assert!(fake.starts(*older) <= 1, "{older} was started twice");
    }
    let mut pagure = Pagure::default();
    settled(fake, &mut pagure);
    assert_eq!(fake.states(*newest), [RunState::Succeeded]);
    assert_eq!(pagure.status(*newest), Some(Status::Success));
    for older in older {
        assert!(matches!(
            pagure.status(*older),
            None | Some(Status::Canceled)
        ));
    }
    assert!(fake.open.borrow().is_empty(), "{:?}", fake.open.borrow());
    let key = HeadKey::of(&request(1)).expect("a pull request");
    assert_eq!(fake.heads.borrow()[&key].value.newest, *newest);
}

/// What a schedule does next.
#[derive(Clone, Debug)]
enum Turn {
    /// A process goes on for so many steps.
    Run(usize, usize),
    /// It is killed, and its message handed out again.
    Kill(usize),
    /// The function `report` has its turn.
    Report,
    /// Builds come to their end.
    End,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        12 => (0..4_usize, 1..8_usize).prop_map(|(who, steps)| Turn::Run(who, steps)),
        1 => (0..4_usize).prop_map(Turn::Kill),
        1 => Just(Turn::Report),
        1 => Just(Turn::End),
    ]
}

fn asked(second: i64) -> impl Strategy<Value = BuildRequest> {
    (any::<bool>(), prop::sample::select(vec!['a', 'b'])).prop_map(move |(can_push, digit)| {
        let request = of(digit, request(second));
        if can_push { request } else { stranger(request) }
    })
}

struct Play<'a> {
    fake: &'a Fake,
    messages: &'a [Queued],
    processes: Vec<Option<Process<'a>>>,
    receives: Vec<u32>,
}

impl<'a> Play<'a> {
    fn new(fake: &'a Fake, messages: &'a [Queued]) -> Self {
        let processes = messages
            .iter()
            .map(|queued| Some(Process::new(fake, queued, 1)));
        Self {
            fake,
            messages,
            processes: processes.collect(),
            receives: vec![1; messages.len()],
        }
    }

    fn turn(&mut self, turn: &Turn, pagure: &mut Pagure) {
        match *turn {
            Turn::Run(who, steps) => {
                if let Some(process) = &mut self.processes[who]
                    && process.run(steps).is_some()
                {
                    self.processes[who] = None;
                }
            }
            Turn::Kill(who) if self.processes[who].is_some() && self.receives[who] < 3 => {
                self.receives[who] += 1;
                let again = Process::new(self.fake, &self.messages[who], self.receives[who]);
                self.processes[who] = Some(again);
            }
            Turn::Kill(_) => {}
            Turn::Report => self.fake.report(pagure),
            Turn::End => self.fake.end(pagure),
        }
    }

    fn finish(&mut self) {
        for process in self.processes.iter_mut().flatten() {
            process.finish();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]
    #[test]
    fn whatever_meets_and_is_killed_no_build_starts_twice_and_nothing_pends_unseen(
        requests in (asked(1), asked(2), asked(3)),
        turns in prop::collection::vec(turn(), 0..80),
    ) {
        let fake = Fake::new();
        // The last one is delivered twice.
        let messages: Vec<_> = [&requests.0, &requests.1, &requests.2, &requests.2]
            .map(|request| queued(request.clone()))
            .into();
        let mut pagure = Pagure::default();
        let mut play = Play::new(&fake, &messages);
        for turn in &turns {
            play.turn(turn, &mut pagure);
        }
        play.finish();
        drop(play);
        settled(&fake, &mut pagure);
        let newest_can_push = requests.2.requested_by.as_ref().is_some_and(|by| by.can_push);
        for second in 1..=3 {
            prop_assert!(fake.starts(id(second)) <= 1, "{second} was started twice");
        }
        prop_assert_eq!(fake.starts(id(3)), usize::from(newest_can_push));
        // Only what waits for a committer is open, and pends.
        let waits: Vec<_> = fake.open.borrow().keys().copied().collect();
        let expected: &[BuildId] = if newest_can_push { &[] } else { &[id(3)] };
        prop_assert_eq!(&waits[..], expected);
        for (build, flag) in &pagure.flags {
            prop_assert_eq!(flag.status == Status::Pending, waits.contains(build));
        }
    }
}
