//! What becomes of single requests.

use chela_contract::{BuildRequest, Micros, Reason, Status};
use chela_receiver::Strangers;
use rstest::rstest;

use super::crashes::settled;
use crate::engine::Prepared;
use crate::entry::Queued;
use crate::ledger::HeadKey;
use crate::message::{Message, Word};
use crate::record::{Pipeline, Service};
use crate::trigger::fake::{Effect, Fake, Fault, Kind, RunState};
use crate::trigger::play::{Pagure, Process};
use crate::trigger::testing::{at, because, id, of, queued, request, stranger};

fn told(fake: &Fake, queued: Queued) -> Pagure {
    assert_eq!(fake.deliver(queued, 1), []);
    let mut pagure = Pagure::default();
    fake.report(&mut pagure);
    pagure
}

#[test]
fn no_call_is_made_twice_and_none_that_is_not_needed() {
    let fake = Fake::new();
    assert_eq!(fake.deliver(queued(request(1)), 1), []);
    assert_eq!(
        *fake.calls.borrow(),
        [
            "job", "claim", "open_new", "head", "head_put", "prepare", "bring", "update", "start",
            "update", "link", "tell", "tell", "head",
        ]
    );
}

#[test]
fn a_second_delivery_of_what_was_started_looks_for_nothing_and_starts_nothing() {
    let fake = Fake::new();
    assert_eq!(fake.deliver(queued(request(1)), 1), []);
    fake.calls.borrow_mut().clear();
    assert_eq!(fake.deliver(queued(request(1)), 1), []);
    assert_eq!(
        *fake.calls.borrow(),
        ["job", "claim", "open", "link", "tell", "tell", "head"]
    );
}

#[test]
fn a_second_delivery_of_what_is_over_does_nothing() {
    let fake = Fake::new();
    let mut pagure = told(&fake, queued(request(1)));
    fake.end(&mut pagure);
    fake.calls.borrow_mut().clear();
    assert_eq!(fake.deliver(queued(request(1)), 1), []);
    assert_eq!(*fake.calls.borrow(), ["job", "claim", "open"]);
}

#[test]
fn a_strangers_build_waits_until_a_committer_has_seen_it_and_runs_as_a_strangers() {
    let fake = Fake::new();
    let mut pagure = told(&fake, queued(stranger(request(1))));
    assert_eq!(
        pagure.says(id(1)),
        "Waits for a committer to ask for a rebuild of aaaaaaaaaaaa"
    );
    let acknowledged = fake.open.borrow()[&id(1)]
        .acknowledged
        .expect("Pagure has it");
    let mut release = because(Reason::Rebuild, request(2000));
    if let Some(by) = &mut release.requested_by {
        by.at = acknowledged.plus_seconds(1);
    }
    assert_eq!(fake.deliver(queued(release), 1), []);
    settled(&fake, &mut pagure);
    assert_eq!(pagure.status(id(1)), Some(Status::Canceled));
    assert_eq!(pagure.status(id(2000)), Some(Status::Success));
    let runs = fake.runs.borrow();
    let targets: Vec<_> = runs.values().map(|run| run.target.name.as_str()).collect();
    assert_eq!(targets, ["hello-untrusted"]);
    assert!(fake.open.borrow().is_empty());
}

#[test]
fn a_rebuild_of_what_nobody_has_seen_is_held() {
    let fake = Fake::new();
    let pagure = told(&fake, queued(because(Reason::Rebuild, request(1))));
    assert!(
        pagure
            .says(id(1))
            .starts_with("Waits for a committer to ask again")
    );
    assert_eq!(fake.starts(id(1)), 0);
}

#[test]
fn a_stranger_who_asks_again_for_what_runs_stops_nothing() {
    let fake = Fake::new();
    assert_eq!(fake.deliver(queued(request(1)), 1), []);
    let again = stranger(because(Reason::Rebuild, request(2)));
    assert_eq!(fake.deliver(queued(again), 1), []);
    assert_eq!(fake.states(id(1)), [RunState::Runs]);
    assert_eq!(fake.starts(id(2)), 0);
}

#[test]
fn a_strangers_other_commit_stops_what_runs() {
    let fake = Fake::new();
    assert_eq!(fake.deliver(queued(request(1)), 1), []);
    let other = stranger(of('b', request(2)));
    let pagure = told(&fake, queued(other));
    assert_eq!(fake.states(id(1)), [RunState::Stopped]);
    assert_eq!(pagure.says(id(1)), "Canceled: bbbbbbbbbbbb is newer");
}

#[test]
fn a_head_that_others_write_again_and_again_delays_a_build() {
    let fake = Fake::new();
    fake.contended.set(10_000);
    let queued = queued(request(1));
    Process::new(&fake, &queued, 1).finish();
    let calls = fake.calls.take();
    let tries = calls.iter().filter(|call| **call == "head_put");
    assert_eq!(tries.count(), 10);
    let (again, _) = fake.requests.borrow_mut().pop().expect("it is put back");
    fake.contended.set(9);
    assert_eq!(fake.deliver(again, 1), []);
    assert_eq!(fake.states(id(1)), [RunState::Runs]);
}

#[test]
fn while_pagure_is_down_each_older_build_is_told_of_once() {
    let fake = Fake::new();
    for second in 1..=6 {
        assert_eq!(fake.deliver(queued(request(second)), 1), []);
    }
    let reports = fake.reports.borrow();
    let ended = reports.iter().filter_map(|message| match message {
        Message::Say(said) if said.word == Word::Last => Some(said.build),
        _ => None,
    });
    assert_eq!(ended.collect::<Vec<_>>(), [1, 2, 3, 4, 5].map(id));
    let key = HeadKey::of(&request(1)).expect("a pull request");
    assert_eq!(fake.heads.borrow()[&key].value.ends, []);
}

#[test]
fn a_build_that_comes_after_a_newer_one_is_canceled_and_never_started() {
    let fake = Fake::new();
    assert_eq!(fake.deliver(queued(of('b', request(2))), 1), []);
    let pagure = told(&fake, queued(request(1)));
    assert_eq!(fake.starts(id(1)), 0);
    assert_eq!(pagure.says(id(1)), "Canceled: bbbbbbbbbbbb is newer");
    assert_eq!(pagure.status(id(1)), Some(Status::Canceled));
}

#[test]
fn a_build_whose_end_is_told_while_it_is_overtaken_keeps_that_end() {
    let fake = Fake::new();
    assert_eq!(fake.deliver(queued(stranger(request(1))), 1), []);
    let newer = queued(request(2));
    let mut process = Process::new(&fake, &newer, 1);
    fake.calls.borrow_mut().clear();
    while !fake.calls.borrow().ends_with(&["head_put"]) {
        assert_eq!(process.run(1), None, "the newer one ends the older");
    }
    // Nobody came in time for it, and Pagure was told so a moment before the newer one looks.
    fake.open.borrow_mut().remove(&id(1));
    process.finish();
    assert_eq!(fake.records.borrow()[&id(1)].value.ended, None);
}

#[test]
fn strangers_are_refused_where_the_settings_say_so() {
    let fake = Fake::new();
    if let Ok(assigned) = &mut *fake.assigned.borrow_mut() {
        assigned.strangers = Strangers::Refuse;
    }
    let pagure = told(&fake, queued(stranger(request(1))));
    assert_eq!(pagure.status(id(1)), Some(Status::Error));
    assert!(fake.heads.borrow().is_empty(), "it counts for nobody else");
}

#[test]
fn a_job_that_is_gone_from_the_settings_is_an_error_that_says_so() {
    let fake = Fake::new();
    *fake.assigned.borrow_mut() = Err("no such job: codebuild/hello".to_owned());
    let mut pagure = told(&fake, queued(request(1)));
    assert_eq!(pagure.status(id(1)), Some(Status::Error));
    assert_eq!(pagure.says(id(1)), "no such job: codebuild/hello");
    settled(&fake, &mut pagure);
    assert!(fake.open.borrow().is_empty());
}

#[test]
fn an_end_that_cannot_be_recorded_now_is_recorded_later() {
    let fake = Fake::new();
    let fault = |call, kind| Fault {
        call,
        effect: Effect::None,
        kind,
    };
    *fake.faults.borrow_mut() = vec![fault(5, Kind::Denied), fault(6, Kind::Passing)];
    let queued = queued(request(1));
    Process::new(&fake, &queued, 1).finish();
    assert_eq!(fake.calls.borrow()[5..=6], ["prepare", "update"]);
    let (again, _) = fake.requests.borrow_mut().pop().expect("it is put back");
    fake.faults
        .borrow_mut()
        .push(fault(fake.calls.borrow().len() + 4, Kind::Denied));
    let pagure = told(&fake, again);
    assert_eq!(pagure.status(id(1)), Some(Status::Error));
    assert!(fake.records.borrow()[&id(1)].value.ended.is_some());
}

#[test]
fn a_job_that_is_gone_once_its_build_runs_ends_nothing() {
    let fake = Fake::new();
    assert_eq!(fake.deliver(queued(request(1)), 1), []);
    *fake.assigned.borrow_mut() = Err("no such job: codebuild/hello".to_owned());
    assert_eq!(fake.deliver(queued(request(1)), 1), []);
    assert_eq!(fake.states(id(1)), [RunState::Runs]);
}

#[test]
fn a_build_that_finds_no_room_waits_says_so_and_starts_when_there_is_some() {
    let fake = Fake::new();
    fake.full.set(7);
    let queued = queued(request(1));
    Process::new(&fake, &queued, 1).finish();
    let mut pagure = Pagure::default();
    fake.report(&mut pagure);
    assert_eq!(pagure.says(id(1)), "Waits for capacity: no place is free");
    let (again, delay) = fake.requests.borrow_mut().pop().expect("it is put back");
    assert!((1..=5).contains(&delay.as_secs()), "{delay:?}");
    assert_eq!(fake.deliver(again, 1), []);
    settled(&fake, &mut pagure);
    assert_eq!(pagure.status(id(1)), Some(Status::Success));
    assert_eq!(fake.starts(id(1)), 1);
    assert_eq!(fake.objects.borrow().len(), 1);
    let fetched = fake
        .calls
        .borrow()
        .iter()
        .filter(|call| **call == "bring")
        .count();
    assert_eq!(fetched, 1, "the source is stored once");
}

#[test]
fn a_build_that_finds_no_room_for_a_day_is_an_error() {
    let fake = Fake::new();
    fake.full.set(10_000);
    let mut pagure = told(&fake, queued(request(1)));
    assert_eq!(pagure.status(id(1)), Some(Status::Error));
    assert_eq!(
        pagure.says(id(1)),
        "Could not be started within a day: no place is free"
    );
    assert!(Micros::new(fake.clock.get()) >= id(1).time().plus_seconds(86_400));
    settled(&fake, &mut pagure);
    assert!(fake.open.borrow().is_empty());
}

#[test]
fn a_build_that_waits_for_room_and_is_overtaken_is_canceled_and_not_started() {
    let fake = Fake::new();
    fake.full.set(1);
    let older = queued(request(1));
    Process::new(&fake, &older, 1).finish();
    let (again, _) = fake.requests.borrow_mut().pop().expect("it is put back");
    assert_eq!(fake.deliver(queued(of('b', request(2))), 1), []);
    let mut pagure = Pagure::default();
    fake.report(&mut pagure);
    assert_eq!(pagure.status(id(1)), Some(Status::Canceled));
    assert_eq!(fake.deliver(again, 1), []);
    settled(&fake, &mut pagure);
    assert_eq!(pagure.status(id(1)), Some(Status::Canceled));
    assert_eq!(fake.starts(id(1)), 0);
}

fn of_another_project(mut request: BuildRequest) -> BuildRequest {
    request.project.fullname = "evil/hello".to_owned();
    request.project.namespace = Some("evil".to_owned());
    request
}

fn of_another_job(mut request: BuildRequest) -> BuildRequest {
    request.job = "codebuild/deploy".to_owned().try_into().expect("a job");
    request
}

#[rstest]
#[case::another_project(of_another_project)]
#[case::another_job(of_another_job)]
fn a_foreign_request_with_a_builds_id_touches_nothing(
    #[case] foreign: fn(BuildRequest) -> BuildRequest,
) {
    let fake = Fake::new();
    fake.full.set(1);
    let ours = queued(request(1));
    Process::new(&fake, &ours, 1).finish();
    fake.calls.borrow_mut().clear();
    let theirs = queued(foreign(request(1)));
    Process::new(&fake, &theirs, 1).finish();
    assert_eq!(*fake.calls.borrow(), ["job", "claim"]);
}

#[test]
fn a_head_that_nobody_knows_is_held_without_a_flag() {
    let fake = Fake::new();
    let mut request = stranger(request(1));
    request.source.commit = None;
    assert_eq!(fake.deliver(queued(request), 1), []);
    assert!(fake.reports.borrow().is_empty());
    assert!(fake.open.borrow().contains_key(&id(1)));
}

#[test]
fn an_end_without_a_commit_is_recorded_and_left_to_the_sweep() {
    let fake = Fake::new();
    *fake.assigned.borrow_mut() = Err("no such job: codebuild/hello".to_owned());
    let mut request = request(1);
    request.source.commit = None;
    assert_eq!(fake.deliver(queued(request), 1), []);
    assert!(fake.reports.borrow().is_empty());
    let record = &fake.records.borrow()[&id(1)].value;
    assert!(record.ended.is_some());
    assert!(fake.open.borrow().contains_key(&id(1)));
}

#[test]
fn what_the_pipeline_told_is_kept_and_not_asked_for_again() {
    let pipeline = Pipeline {
        source_action: "Source".to_owned(),
        key_override: true,
        bucket: "pipelines".to_owned(),
        key: "source.zip".to_owned(),
        variables: vec!["CHELA_BUILD_ID".to_owned()],
        stages: vec!["Source".to_owned(), "Build".to_owned()],
    };
    let fake = Fake::new();
    if let Ok(assigned) = &mut *fake.assigned.borrow_mut() {
        assigned.target.service = Service::CodePipeline;
    }
    *fake.prepared.borrow_mut() = Prepared::CodePipeline(pipeline.clone());
    fake.full.set(1);
    let queued = queued(request(1));
    Process::new(&fake, &queued, 1).finish();
    let (again, _) = fake.requests.borrow_mut().pop().expect("it is put back");
    fake.calls.borrow_mut().clear();
    assert_eq!(fake.deliver(again, 1), []);
    assert!(!fake.calls.borrow().contains(&"prepare"));
    assert_eq!(fake.records.borrow()[&id(1)].value.pipeline, Some(pipeline));
}

#[test]
fn a_hold_is_told_with_the_same_words_each_time() {
    let fake = Fake::new();
    for _ in 0..2 {
        fake.pass(100);
        assert_eq!(fake.deliver(queued(stranger(request(1))), 1), []);
    }
    let reports = fake.reports.borrow();
    let [Message::Say(first), Message::Say(again)] = &reports[..] else {
        panic!("it is told twice, not {reports:?}");
    };
    assert_eq!(first, again);
    assert_eq!(first.word, Word::Held);
}

#[test]
fn the_end_of_a_build_is_later_than_its_start_whatever_the_clock_says() {
    let fake = Fake::new();
    assert_eq!(fake.deliver(queued(request(1)), 1), []);
    // Another machine, with a clock that is behind.
    fake.clock.set(at(2).get());
    assert_eq!(fake.deliver(queued(request(2)), 1), []);
    let mut pagure = Pagure::default();
    fake.report(&mut pagure);
    assert_eq!(pagure.status(id(1)), Some(Status::Canceled));
}
