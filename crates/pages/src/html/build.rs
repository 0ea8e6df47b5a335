//! The page of one build.

use chela_contract::{Micros, Refname};
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    frame::{Reload, frame},
    log::{LogPart, lines, unfinished},
    units::{build_word, elapsed, moment, phase_word, size},
};
use crate::{Artifact, BuildView, Link, Outside, PageKey, Phase, PullRequestView, Reference};

/// The whole page; `log` is absent if there is none yet.
pub(crate) fn page(key: &PageKey, view: &BuildView, log: Option<&LogPart>, now: Micros) -> Markup {
    let live = !view.state.is_final();
    let reload = if live {
        Reload::WithoutScript
    } else {
        Reload::Never
    };
    let body = html! {
        header {
            nav aria-label="Where this is" {
                (reference(&view.project))
                @if let Some(list) = &view.list {
                    " / " a href={ "../lists/" (list.digits()) } { "builds" }
                }
            }
        }
        main {
            h1 {
                bdi { (view.job) }
                @if let Some(pull_request) = &view.pull_request {
                    small { (pull_request_link(pull_request)) }
                }
            }
            (status(view))
            (facts(view, now))
            (notes(view))
            (phases(view, now))
            (artifacts(key, view))
            (log_section(key, view, log))
        }
    };
    frame(&title(view), reload, now, &body)
}

/// What of the page changes while the build goes on, without the log: the page's script puts each
/// element in the place of the one with its id.
pub(crate) fn changing_parts(key: &PageKey, view: &BuildView, now: Micros) -> Markup {
    html! {
        (status(view))
        (facts(view, now))
        (notes(view))
        (phases(view, now))
        (artifacts(key, view))
        (log_facts(key, view))
    }
}

fn title(view: &BuildView) -> String {
    let state = build_word(view.state);
    format!("{state}: {}, {}", view.project.text, view.job)
}

fn status(view: &BuildView) -> Markup {
    let word = build_word(view.state);
    html! {
        p #status role="status" data-title=(title(view)) {
            strong class={ "state " (word) } { (word) }
            " " bdi { (view.description) }
        }
    }
}

fn facts(view: &BuildView, now: Micros) -> Markup {
    html! {
        dl #facts {
            (commit(view))
            @match &view.refname {
                Refname::Branch(name) => { (fact("Branch", &bdi(name))) }
                Refname::Tag(name) => { (fact("Tag", &bdi(name))) }
            }
            @if let Some(user) = &view.requested_by {
                (fact("Asked for by", &html! { bdi { (user) } }))
            }
            (fact("Asked for", &moment(view.created)))
            @if let Some(started) = view.started {
                (fact("Started", &moment(started)))
                (fact("Took", &elapsed(started, view.ended, now)))
            }
            @if let Some(ended) = view.ended {
                (fact("Ended", &moment(ended)))
            }
            div class="wide" { dt { "Build" } dd { code { (view.id) } } }
        }
    }
}

fn fact(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn bdi(text: &str) -> Markup {
    html! { bdi { (Outside::from(text)) } }
}

fn commit(view: &BuildView) -> Markup {
    let shown = html! {
        @if let Some((id, link)) = &view.commit {
            (linked(link.as_ref(), &html! { code { (id.as_str()) } }))
        } @else {
            "not known yet"
        }
    };
    html! { div class="wide" { dt { "Commit" } dd { (shown) } } }
}

fn notes(view: &BuildView) -> Markup {
    html! {
        ul #notes hidden[view.notes.is_empty()] {
            @for note in &view.notes { li { bdi { (note) } } }
        }
    }
}

fn phases(view: &BuildView, now: Micros) -> Markup {
    html! {
        section #phases aria-labelledby="phases-title" hidden[view.phases.is_empty()] {
            h2 #phases-title { "Phases" }
            ol { @for phase in &view.phases { (one_phase(phase, now)) } }
        }
    }
}

fn one_phase(phase: &Phase, now: Micros) -> Markup {
    let word = phase_word(phase.state);
    html! {
        li {
            span class={ "state " (word) } { (word) }
            " " bdi { (phase.name) }
            @if let Some(started) = phase.started {
                " " span class="quiet" { (elapsed(started, phase.ended, now)) }
            }
        }
    }
}

fn artifacts(key: &PageKey, view: &BuildView) -> Markup {
    html! {
        section #artifacts aria-labelledby="artifacts-title" hidden[view.artifacts.is_empty()] {
            h2 #artifacts-title { "Artifacts" }
            ul {
                @for (number, artifact) in view.artifacts.iter().enumerate() {
                    li {
                        a href=(artifact_path(key, number, artifact)) { bdi { (artifact.name) } }
                        " " span class="quiet" { (size(artifact.bytes)) }
                    }
                }
            }
        }
    }
}

/// The number says which one it is; the name is there for who saves it.
fn artifact_path(key: &PageKey, number: usize, artifact: &Artifact) -> String {
    let name = artifact.name.file_name();
    let name = utf8_percent_encode(&name, NON_ALPHANUMERIC);
    format!("{}/artifacts/{number}/{name}", key.digits())
}

fn log_section(key: &PageKey, view: &BuildView, log: Option<&LogPart>) -> Markup {
    let mark = log.map_or(crate::Mark::START, |log| log.mark);
    let events = format!("{}/events", key.digits());
    let live = !view.state.is_final();
    html! {
        section aria-labelledby="log-title" {
            h2 #log-title { "Log" }
            (log_facts(key, view))
            @if let Some(skipped) = log.map(|log| log.skipped).filter(|bytes| *bytes > 0) {
                p { "This is its end. The first " (size(skipped)) " are in the whole log." }
            }
            div #log role="region" aria-labelledby="log-title" tabindex="0"
                data-events=[live.then_some(&events)] data-from=[live.then_some(mark)] {
                div #lines { @if let Some(log) = log { (lines(&log.lines)) } }
                div #unfinished { (unfinished(log.and_then(|log| log.unfinished.as_ref()))) }
            }
        }
    }
}

fn log_facts(key: &PageKey, view: &BuildView) -> Markup {
    let path = format!("{}/log", key.digits());
    html! {
        p #log-facts {
            @match view.log {
                Some(log) => {
                    a href=(path) { "Whole log" }
                    " " a href=(path) download { "(save it)" }
                    // While it grows, any number would be old.
                    @if view.state.is_final() { ", " (size(log.bytes)) }
                    @if log.truncated {
                        " " strong { "The build wrote more than is kept: the rest is gone." }
                    }
                }
                None => { "There is none yet." }
            }
        }
    }
}

pub(super) fn pull_request_link(pull_request: &PullRequestView) -> Markup {
    let text = html! { "#" (pull_request.id) " " bdi { (pull_request.title) } };
    linked(pull_request.link.as_ref(), &text)
}

pub(super) fn reference(reference: &Reference) -> Markup {
    linked(reference.link.as_ref(), &html! { bdi { (reference.text) } })
}

fn linked(link: Option<&Link>, text: &Markup) -> Markup {
    match link {
        Some(link) => html! { a href=(link.as_str()) { (text) } },
        None => text.clone(),
    }
}
