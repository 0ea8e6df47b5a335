//! What happens around the fake world: the queue hands messages out, processes are killed, the
//! function `report` tells Pagure, and the engines come to an end.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use chela_contract::{BuildId, Micros, Report, Shown, Status};

use super::fake::{Fake, RunState};
use super::visit::{Outcome, visit};
use crate::entry::Queued;
use crate::message::{Message, Word};
use crate::record::Record;

/// As often as the queue hands out a message.
const RECEIVES: u32 = 5;

/// A process that carries out a message, a poll at a time.
pub(crate) struct Process<'a>(Pin<Box<dyn Future<Output = Outcome> + 'a>>);

impl<'a> Process<'a> {
    pub fn new(fake: &'a Fake, queued: &'a Queued, receives: u32) -> Self {
        Self(Box::pin(visit(fake, queued, receives)))
    }

    /// Goes on for so many steps at most. A process that is dropped was killed.
    pub fn run(&mut self, steps: usize) -> Option<Outcome> {
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..steps {
            if let Poll::Ready(outcome) = self.0.as_mut().poll(&mut context) {
                return Some(outcome);
            }
        }
        None
    }

    pub fn finish(&mut self) -> Outcome {
        self.run(100_000).expect("a visit comes to its end")
    }
}

/// What Pagure shows.
#[derive(Default)]
pub(crate) struct Pagure {
    pub flags: BTreeMap<BuildId, Shown>,
}

impl Fake {
    /// Hands a message out until it is done with, and all that is put back; the dead letters.
    pub fn deliver(&self, queued: Queued, receives: u32) -> Vec<Queued> {
        let mut waiting = vec![(queued, receives)];
        let mut dead = Vec::new();
        while let Some((queued, receives)) = waiting.pop() {
            // The queue waits for as long before it hands a message out again.
            if receives > 1 {
                self.pass(360);
            }
            let outcome = Process::new(self, &queued, receives).finish();
            match outcome {
                Outcome::GiveBack if receives >= RECEIVES => dead.push(queued),
                Outcome::GiveBack => waiting.push((queued, receives + 1)),
                Outcome::Acknowledge => {}
            }
            for (queued, delay) in self.requests.take() {
                self.pass(i64::try_from(delay.as_secs()).expect("a short time"));
                waiting.push((queued, 1));
            }
        }
        dead
    }

    /// What the function `report` does with its queue.
    pub fn report(&self, pagure: &mut Pagure) {
        for message in self.reports.take() {
            match message {
                Message::Say(said) => {
                    let now = super::testing::at(10_000_000);
                    let report = Report::from_body(said.body.as_bytes(), now).expect("a report");
                    pagure.show(said.build, report.shown);
                    self.told(said.build, said.word);
                }
                Message::Check { build } => self.check(build, pagure),
            }
        }
    }

    fn told(&self, build: BuildId, word: Word) {
        let mut open = self.open.borrow_mut();
        match (word, open.get_mut(&build)) {
            (Word::Held, Some(open)) => {
                open.acknowledged
                    .get_or_insert(Micros::new(self.clock.get()));
            }
            (Word::Last, _) => {
                open.remove(&build);
            }
            _ => {}
        }
    }

    fn check(&self, build: BuildId, pagure: &mut Pagure) {
        let records = self.records.borrow();
        let Some(record) = records.get(&build).map(|there| &there.value) else {
            return;
        };
        let Some(shown) = self.look(record) else {
            return;
        };
        pagure.show(build, shown);
        self.open.borrow_mut().remove(&build);
    }

    /// The end of a build, if it has one: the recorded one before the engine's.
    fn look(&self, record: &Record) -> Option<Shown> {
        let execution = record.execution.as_ref()?;
        let link = &execution.link;
        if let Some(ended) = &record.ended {
            let text = &ended.description;
            return Some(Shown::new(ended.at, ended.status, None, link, text));
        }
        let status = match self.runs.borrow()[&execution.id].state {
            RunState::Runs => return None,
            RunState::Stopped => Status::Canceled,
            RunState::Succeeded => Status::Success,
        };
        let at = super::testing::at(20_000);
        Some(Shown::new(at, status, None, link, "the engine says so"))
    }

    /// Every run comes to its end; the events tell of those that are linked.
    pub fn end(&self, pagure: &mut Pagure) {
        for run in self.runs.borrow_mut().values_mut() {
            if run.state == RunState::Runs {
                run.state = RunState::Succeeded;
            }
        }
        let linked: Vec<BuildId> = self.links.borrow().values().copied().collect();
        for build in linked {
            self.check(build, pagure);
        }
    }

    /// How often the engines were asked to run a build, and did.
    pub fn starts(&self, build: BuildId) -> usize {
        self.runs
            .borrow()
            .values()
            .filter(|run| run.build == build)
            .count()
    }

    pub fn states(&self, build: BuildId) -> Vec<RunState> {
        let runs = self.runs.borrow();
        let of = runs.values().filter(|run| run.build == build);
        of.map(|run| run.state).collect()
    }
}

impl Pagure {
    /// The contract's order: what is not greater changes nothing.
    fn show(&mut self, build: BuildId, shown: Shown) {
        let flag = self.flags.entry(build).or_insert_with(|| shown.clone());
        if *flag < shown {
            *flag = shown;
        }
    }

    pub fn status(&self, build: BuildId) -> Option<Status> {
        self.flags.get(&build).map(|shown| shown.status)
    }

    pub fn says(&self, build: BuildId) -> &str {
        self.flags
            .get(&build)
            .map_or("", |shown| &shown.description)
    }
}
