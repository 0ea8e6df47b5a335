//! A process that is killed between any two of its calls, and the message's next delivery.

use chela_contract::{BuildRequest, Status};
use rstest::rstest;

use crate::trigger::fake::{Fake, RunState};
use crate::trigger::play::{Pagure, Process};
use crate::trigger::testing::{id, queued, request, stranger};

/// More than any visit here has.
const STEPS: usize = 400;

fn commits(mut request: BuildRequest) -> BuildRequest {
    request.pull_request = None;
    request
}

/// As many steps as a visit takes that nobody disturbs.
fn steps(prepare: impl Fn(&Fake), request: &BuildRequest) -> usize {
    let fake = Fake::new();
    prepare(&fake);
    let queued = queued(request.clone());
    let mut process = Process::new(&fake, &queued, 1);
    let steps = (0..STEPS).take_while(|_| process.run(1).is_none()).count();
    assert!(steps < STEPS, "a visit is longer than the tests believe");
    steps
}

/// Nothing pends for ever, and what pends is open.
pub(super) fn settled(fake: &Fake, pagure: &mut Pagure) {
    fake.report(pagure);
    for (build, flag) in &pagure.flags {
        let is_open = fake.open.borrow().contains_key(build);
        assert!(
            is_open || flag.status != Status::Pending,
            "{build} pends, and is not open"
        );
    }
    fake.end(pagure);
    fake.report(pagure);
}

fn started_once(fake: &Fake) {
    let mut pagure = Pagure::default();
    settled(fake, &mut pagure);
    assert_eq!(fake.states(id(1)), [RunState::Succeeded]);
    assert_eq!(fake.links.borrow().values().collect::<Vec<_>>(), [&id(1)]);
    assert_eq!(pagure.status(id(1)), Some(Status::Success));
    assert!(fake.open.borrow().is_empty());
}

#[rstest]
#[case::pull_request(request(1))]
#[case::commit(commits(request(1)))]
fn a_visit_that_is_killed_anywhere_ends_in_one_started_build(#[case] request: BuildRequest) {
    for killed in 0..=steps(|_| {}, &request) {
        let fake = Fake::new();
        let queued = queued(request.clone());
        let ended = Process::new(&fake, &queued, 1).run(killed);
        assert_eq!(ended, None, "it was not killed");
        assert_eq!(fake.deliver(queued, 2), []);
        started_once(&fake);
    }
}

#[test]
fn a_visit_that_is_killed_twice_ends_in_one_started_build() {
    let all = steps(|_| {}, &request(1));
    for (first, second) in (0..=all).flat_map(|first| (0..=all).map(move |second| (first, second)))
    {
        let fake = Fake::new();
        let queued = queued(request(1));
        Process::new(&fake, &queued, 1).run(first);
        fake.pass(360);
        Process::new(&fake, &queued, 2).run(second);
        assert_eq!(fake.deliver(queued, 3), []);
        started_once(&fake);
    }
}

#[test]
fn a_visit_that_is_killed_every_time_ends_with_an_error() {
    let all = steps(|_| {}, &request(1));
    let mut errors = 0;
    for killed in 0..=all {
        let fake = Fake::new();
        let queued = queued(request(1));
        for receives in 1..4 {
            Process::new(&fake, &queued, receives).run(killed);
            fake.pass(360);
        }
        assert_eq!(fake.deliver(queued, 4), []);
        let mut pagure = Pagure::default();
        settled(&fake, &mut pagure);
        assert!(fake.open.borrow().is_empty());
        assert!(fake.starts(id(1)) <= 1);
        match (pagure.status(id(1)), fake.starts(id(1))) {
            (Some(Status::Success), 1) => {}
            (Some(Status::Error), 0) => {
                assert!(
                    pagure.says(id(1)).contains("ended 3 times"),
                    "{}",
                    pagure.says(id(1))
                );
                errors += 1;
            }
            other => panic!("killed after {killed} steps it came to {other:?}"),
        }
    }
    assert!(errors > 0);
}

#[test]
fn a_hold_that_is_killed_anywhere_is_told_and_stays_open() {
    let request = stranger(request(1));
    for killed in 0..=steps(|_| {}, &request) {
        let fake = Fake::new();
        let queued = queued(request.clone());
        Process::new(&fake, &queued, 1).run(killed);
        assert_eq!(fake.deliver(queued, 2), []);
        let mut pagure = Pagure::default();
        settled(&fake, &mut pagure);
        assert_eq!(fake.starts(id(1)), 0);
        assert_eq!(pagure.status(id(1)), Some(Status::Pending));
        assert!(fake.open.borrow()[&id(1)].acknowledged.is_some());
    }
}

/// The older build is under way already when the newer one comes.
fn older_runs(fake: &Fake) {
    assert_eq!(fake.deliver(queued(request(1)), 1), []);
}

#[test]
fn an_overtaking_that_is_killed_anywhere_stops_the_older_build_and_starts_the_newer() {
    let newer = request(2);
    for killed in 0..=steps(older_runs, &newer) {
        let fake = Fake::new();
        older_runs(&fake);
        let queued = queued(newer.clone());
        Process::new(&fake, &queued, 1).run(killed);
        assert_eq!(fake.deliver(queued, 2), []);
        let mut pagure = Pagure::default();
        settled(&fake, &mut pagure);
        assert_eq!(fake.states(id(1)), [RunState::Stopped]);
        assert_eq!(fake.states(id(2)), [RunState::Succeeded]);
        assert_eq!(pagure.status(id(1)), Some(Status::Canceled));
        assert_eq!(pagure.status(id(2)), Some(Status::Success));
        assert!(fake.open.borrow().is_empty());
    }
}

#[test]
fn an_overtaking_that_is_killed_anywhere_cancels_no_flag_of_a_build_that_is_over() {
    let over = |fake: &Fake| {
        older_runs(fake);
        // Its end was not reported yet.
        for run in fake.runs.borrow_mut().values_mut() {
            run.state = RunState::Succeeded;
        }
    };
    for killed in 0..=steps(over, &request(2)) {
        let fake = Fake::new();
        over(&fake);
        let queued = queued(request(2));
        Process::new(&fake, &queued, 1).run(killed);
        assert_eq!(fake.deliver(queued, 2), []);
        let mut pagure = Pagure::default();
        settled(&fake, &mut pagure);
        assert_eq!(pagure.status(id(1)), Some(Status::Success));
        assert_eq!(pagure.status(id(2)), Some(Status::Success));
        assert!(fake.open.borrow().is_empty());
    }
}
