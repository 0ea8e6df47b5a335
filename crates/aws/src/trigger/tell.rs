//! The messages for the queue `reports` that say how far a build is. Each is made of the record
//! alone: said again, it is the same.

use chela_contract::{CommitId, Context, Micros, Report, Shown, Status};
use chela_pagure::ProjectName;
use chela_receiver::{Held, texts as common};
use url::Url;

use super::next::Verdict;
use super::texts;
use crate::message::{Message, Word};
use crate::record::{Ended, Execution, Record};

/// The end that was recorded.
pub fn last(record: &Record, ended: &Ended, page: &Url) -> Option<Message> {
    let execution = record.execution.as_ref();
    let page = execution.map_or(page, |execution| &execution.link);
    let Ended {
        status,
        description,
        at,
    } = ended;
    say(record, *at, *status, description, page, Word::Last)
}

/// It waits for a committer. Stamped right after the moment of acceptance, whatever the clock says
/// when this is said again: a committer's answer must be later than the first time only.
pub fn held(record: &Record, why: Held, page: &Url) -> Option<Message> {
    let text = common::held(commit(record), why);
    let at = after(record.accepted);
    say(record, at, Status::Pending, &text, page, Word::Held)
}

/// It was started.
pub fn started(record: &Record, execution: &Execution) -> Option<Message> {
    let stored = record.stored.as_ref();
    let text = texts::started(stored.map_or(&[], |stored| &stored.notes));
    let Execution { at, link, .. } = execution;
    say(record, *at, Status::Pending, &text, link, Word::Passing)
}

/// It waits for something else.
pub fn waits(record: &Record, text: &str, now: Micros, page: &Url) -> Option<Message> {
    say(record, now, Status::Pending, text, page, Word::Passing)
}

/// Look at it.
pub fn check(record: &Record) -> Message {
    Message::Check { build: record.id() }
}

/// What is recorded of an end: later than all that was said before, whatever the clocks of two
/// machines say.
pub fn ended(record: &Record, verdict: &Verdict, now: Micros) -> Ended {
    let started = record.execution.as_ref().map(|execution| execution.at);
    let before = started
        .max(Some(record.accepted))
        .unwrap_or(record.accepted);
    Ended {
        status: verdict.status,
        description: common::plain(&verdict.text),
        at: now.max(after(after(before))),
    }
}

fn after(at: Micros) -> Micros {
    Micros::new(at.get() + 1)
}

fn commit(record: &Record) -> Option<&CommitId> {
    record
        .commit
        .as_ref()
        .or(record.request.source.commit.as_ref())
}

/// `None` where nobody knows the commit yet: there is nothing to set a flag on. The sweep closes
/// such a build when it is over.
fn say(
    record: &Record,
    at: Micros,
    status: Status,
    text: &str,
    page: &Url,
    word: Word,
) -> Option<Message> {
    let request = &record.request;
    let project = project(record)?;
    let report = Report {
        build_id: Some(request.build_id),
        context: Some(Context::for_job(request.job.as_str(), request.event())),
        commit: commit(record)?.clone(),
        pull_request: request.pull_request.as_ref().map(|pull| pull.id),
        shown: Shown::new(at, status, None, page, &common::plain(text)),
    };
    Some(Message::say(request.build_id, &project, &report, word))
}

/// `Forge::check` has found that there is one before the request came into the queue.
fn project(record: &Record) -> Option<ProjectName> {
    let project = &record.request.project;
    let (user, namespace) = (project.username.as_deref(), project.namespace.as_deref());
    ProjectName::new(user, namespace, &project.name).ok()
}

#[cfg(test)]
mod tests;
