//! A list of builds.

use chela_contract::{Micros, Refname};
use maud::{Markup, html};

use super::{
    build::{pull_request_link, reference},
    frame::{Reload, frame},
    units::{build_word, elapsed, moment},
};
use crate::{ListView, Outside, Row};

/// The whole page.
pub(crate) fn page(view: &ListView, now: Micros) -> Markup {
    let title = match &view.project {
        Some(project) => format!("Builds of {}", project.text),
        None => "All builds".to_owned(),
    };
    let body = html! {
        header {
            nav aria-label="Where this is" {
                @if let Some(project) = &view.project { (reference(project)) }
                @else { "All projects" }
            }
        }
        main {
            h1 { "Builds" }
            @if view.builds.is_empty() {
                p { "There are none." }
            } @else {
                ul #builds { @for row in &view.builds { (one(row, view.project.is_none(), now)) } }
            }
            @if let Some(older) = view.older {
                nav aria-label="Older builds" {
                    a rel="next" href={ "?before=" (older) } { "Older builds" }
                }
            }
        }
    };
    frame(&title, Reload::Never, now, &body)
}

fn one(row: &Row, with_project: bool, now: Micros) -> Markup {
    let word = build_word(row.state);
    html! {
        li {
            span class={ "state " (word) } { (word) }
            div {
                a href={ "../builds/" (row.key.digits()) } {
                    @if with_project { bdi { (row.project) } " " }
                    bdi { (row.job) }
                }
                @if let Some(pull_request) = &row.pull_request {
                    " for " (pull_request_link(pull_request))
                }
                div class="quiet" { (origin(row)) " · " (time(row, now)) }
            }
        }
    }
}

fn origin(row: &Row) -> Markup {
    let name = match &row.refname {
        Refname::Branch(name) | Refname::Tag(name) => Outside::from(name.as_str()),
    };
    let commit = row.commit.as_ref().and_then(|id| id.as_str().get(..12));
    html! {
        bdi { (name) }
        @if let Some(commit) = commit { " at " code { (commit) } }
        @if let Some(user) = &row.requested_by { " · " bdi { (user) } }
    }
}

fn time(row: &Row, now: Micros) -> Markup {
    html! {
        (moment(row.created))
        @if let Some(started) = row.started { " · " (elapsed(started, row.ended, now)) }
    }
}
