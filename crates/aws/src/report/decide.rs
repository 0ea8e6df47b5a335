//! What is told of a build, given what is known of it. No I/O.

use chela_contract::{BuildId, Context, Micros, Report, Shown, Status};
use chela_pagure::ProjectName;
use chela_receiver::texts as common;
use url::Url;

use crate::engine::Seen;
use crate::events::{Event, Phase, What};
use crate::links;
use crate::record::{Ended, Open, Record};
use crate::state::{Course, State};
use crate::table::{self, Place};
use crate::texts;

/// A held build waits so long for a committer. Seconds.
const HELD_FOR: i64 = 30 * 24 * 60 * 60;
/// `trigger` gives up after a day; an hour later nobody works on it. Seconds.
const STARTS_WITHIN: i64 = 25 * 60 * 60;
/// Whoever starts an action's build: the build belongs to the pipeline.
const BY_PIPELINE: &str = "codepipeline/";

/// A report, and what follows when Pagure has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Telling {
    /// The build.
    pub(crate) build: BuildId,
    /// Its project.
    pub(crate) project: ProjectName,
    /// What Pagure is told.
    pub(crate) report: Report,
    /// What follows.
    pub(crate) effect: Effect,
}

/// What follows when Pagure has a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    Passing,
    /// The moment is kept: from then on a committer may have seen what waits.
    Held,
    /// Nothing, but before it is told, the build is opened again.
    Reopens,
    /// The build is closed.
    Last,
}

/// What an event comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decided {
    /// Nothing.
    Nothing,
    /// This failed; the end of the whole will tell of it.
    Note(String),
    /// This failed, and the end of the whole has been told without it.
    Late(String),
    /// This is told.
    Tell(Box<Telling>),
}

/// How a build that has not been told to its end stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is over without the engine's word: this is told.
    Over(Box<Telling>),
    /// The engine knows.
    Runs,
    /// It waits for a committer, or to be started.
    Waits,
    /// It is over, and there is no commit that a flag could be set on.
    Unspeakable,
}

/// Writes reports.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    /// The region whose console the links lead to.
    pub(crate) region: String,
}

impl Telling {
    /// The same with the part that failed, if this is the end of a pipeline that does not name it.
    pub(crate) fn naming(&self, part: &str) -> Option<Report> {
        let shown = &self.report.shown;
        let bare = shown.description == texts::PIPELINE_FAILED;
        let text = common::plain(&texts::word(texts::PIPELINE_FAILED, part));
        let url = bare.then(|| shown.url.parse().ok())??;
        Some(Report {
            shown: Shown::new(shown.at, shown.status, None, &url, &text),
            ..self.report.clone()
        })
    }
}

impl Desk {
    /// What an event of the build of `record` comes to; `open` is `None` if it is closed.
    pub(crate) fn event(&self, event: &Event, record: &Record, open: Option<&Open>) -> Decided {
        if record.target != event.target || is_another(event, record) {
            return Decided::Nothing;
        }
        let Some(state) = state(&event.what, record) else {
            return noted(&event.what, record, open);
        };
        let telling = match (&record.ended, open, state.course) {
            // Our word, if Pagure may not have it yet.
            (Some(ended), Some(_), Course::Ended) => self.ended(record, ended),
            (Some(_), ..) | (None, None, Course::Goes | Course::Stops) => None,
            (None, ..) => {
                let at = moment(event, &state);
                self.said(record, &in_full(state, open), at)
            }
        };
        telling.map_or(Decided::Nothing, |telling| Decided::Tell(Box::new(telling)))
    }

    /// How a build that is open stands at `now`.
    pub(crate) fn standing(&self, record: &Record, open: &Open, now: Micros) -> Standing {
        let over = match (&record.ended, &record.execution) {
            (Some(ended), _) => self.ended(record, ended),
            (None, Some(_)) => return Standing::Runs,
            (None, None) => match waited(record, open, now) {
                None => return Standing::Waits,
                Some((status, text)) => {
                    let state = State::ended(status, text);
                    self.said(record, &state, now)
                }
            },
        };
        over.map_or(Standing::Unspeakable, |telling| {
            Standing::Over(Box::new(telling))
        })
    }

    fn said(&self, record: &Record, state: &State, at: Micros) -> Option<Telling> {
        let shown = (state.status, state.percent, state.description.as_str());
        let effect = match state.course {
            Course::Goes | Course::Stops => Effect::Passing,
            Course::Resumed => Effect::Reopens,
            Course::Ended => Effect::Last,
        };
        self.telling(record, at, shown, effect)
    }

    /// What the engine was seen to say, when it was looked up after `before`.
    pub(crate) fn seen(
        &self,
        record: &Record,
        open: &Open,
        seen: &Seen,
        before: Micros,
    ) -> Option<Telling> {
        let (state, at) = match seen {
            Seen::Now { state, at } => (in_full(state.clone(), Some(open)), *at),
            Seen::Forgotten => (State::ended(Status::Error, texts::FORGOTTEN), before),
        };
        self.said(record, &state, at)
    }

    fn ended(&self, record: &Record, ended: &Ended) -> Option<Telling> {
        let description = common::plain(&ended.description);
        let shown = (ended.status, None, description.as_str());
        self.telling(record, ended.at, shown, Effect::Last)
    }

    /// `None` if there is no commit, or no project: `trigger` records none such.
    fn telling(
        &self,
        record: &Record,
        at: Micros,
        (status, percent, description): (Status, Option<u8>, &str),
        effect: Effect,
    ) -> Option<Telling> {
        let request = &record.request;
        let commit = record.commit.as_ref().or(request.source.commit.as_ref())?;
        let report = Report {
            build_id: Some(request.build_id),
            context: Some(Context::for_job(request.job.as_str(), request.event())),
            commit: commit.clone(),
            pull_request: request.pull_request.as_ref().map(|pull| pull.id),
            shown: Shown::new(at, status, percent, &self.link(record), description),
        };
        Some(Telling {
            build: request.build_id,
            project: request.project.fullname.parse().ok()?,
            report,
            effect,
        })
    }

    fn link(&self, record: &Record) -> Url {
        match &record.execution {
            Some(execution) => execution.link.clone(),
            None => links::project_page(&self.region, &record.target),
        }
    }
}

/// Whether an event that is linked to no build may be taken for one of the build of `record`, whose
/// name the engine's build carries.
///
/// Anybody who may start builds of a project can set that variable, a pipeline hands it on to its
/// actions, and a retry by hand repeats it.
pub(crate) fn adopts(event: &Event, record: &Record) -> bool {
    let alone = event
        .initiator
        .as_deref()
        .is_some_and(|by| !by.starts_with(BY_PIPELINE));
    alone && record.origin.is_some() && record.target == event.target && !is_another(event, record)
}

/// Events tell whole seconds, in no order: of one second's words that the build goes on, the one that
/// it is being stopped stands above those of what still begins.
fn moment(event: &Event, state: &State) -> Micros {
    match state.course {
        Course::Goes => Micros::new(event.at.get() - 1),
        Course::Stops | Course::Resumed | Course::Ended => event.at,
    }
}

fn is_another(event: &Event, record: &Record) -> bool {
    let known = record.execution.as_ref();
    known.is_some_and(|known| known.id != event.execution)
}

fn state(what: &What, record: &Record) -> Option<State> {
    let place = |stage: &str| {
        let pipeline = record.pipeline.as_ref()?;
        Place::of(stage, &pipeline.stages)
    };
    match what {
        What::Build { status, phases } => {
            let broken = table::first_broken(phases.iter().map(Phase::parts));
            Some(table::codebuild_status(status, broken))
        }
        What::Finished(phase) => table::codebuild_phase_finished(&phase.name, &phase.status),
        What::Pipeline { state } => Some(table::pipeline_execution(state)),
        What::Stage { stage, state } => table::pipeline_stage(stage, place(stage), state),
        What::Action {
            stage,
            action,
            state,
        } => table::pipeline_action(stage, place(stage), action, state),
    }
}

/// Events have no order: what failed may be said after the end of the whole.
fn noted(what: &What, record: &Record, open: Option<&Open>) -> Decided {
    match (failed(what), open, &record.ended) {
        (Some(part), Some(_), _) => Decided::Note(part),
        (Some(part), None, None) => Decided::Late(part),
        _ => Decided::Nothing,
    }
}

/// What failed, where an event says so of a part.
fn failed(what: &What) -> Option<String> {
    match what {
        What::Action {
            stage,
            action,
            state,
        } if state == "FAILED" => Some(texts::failed_action(stage, action)),
        _ => None,
    }
}

/// The end of a pipeline says only that it failed; which action did was said before.
fn in_full(state: State, open: Option<&Open>) -> State {
    let part = open.and_then(|open| open.failed.as_deref());
    match (part, state.course, state.status) {
        (Some(part), Course::Ended, Status::Failure) => {
            let whole = texts::word(&state.description, part);
            State::ended(state.status, &whole)
        }
        _ => state,
    }
}

/// How the wait of a build ends that was not started, if it does.
fn waited(record: &Record, open: &Open, now: Micros) -> Option<(Status, &'static str)> {
    let since = |seconds| record.accepted.plus_seconds(seconds) <= now;
    if is_held(record, open) {
        since(HELD_FOR).then_some((Status::Canceled, common::EXPIRED))
    } else {
        since(STARTS_WITHIN).then_some((Status::Error, texts::NEVER_STARTED))
    }
}

/// A stranger's build that nobody let through. Whether Pagure knows is told by its word alone, which
/// may still be on its way to it.
fn is_held(record: &Record, open: &Open) -> bool {
    let by = record.request.requested_by.as_ref();
    let stranger = !by.is_some_and(|by| by.can_push);
    record.origin.is_none() && (open.acknowledged.is_some() || stranger)
}

#[cfg(test)]
mod tests;
