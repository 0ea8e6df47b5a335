//! `[projects."…"]`

use std::collections::{BTreeMap, BTreeSet};

use chela_pagure::ProjectName;

use super::{
    Job,
    job::{Defaults, is_variable},
};
use crate::{
    error::Complaint,
    secret::{SecretFile, TokenSource},
    section::{Read, Reported, Section},
    tree::Node,
    value::{Parsed, Wrong},
};

/// A project whose requests are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its name.
    pub name: ProjectName,
    /// Where its CI token is.
    pub token: TokenSource,
    jobs: BTreeMap<String, Job>,
}

/// The projects by their full names.
pub(crate) type Projects = BTreeMap<String, Project>;

/// The engine of all jobs here, as a job's name in Pagure may begin.
const ENGINE: &str = "local";

impl Project {
    /// The job that Pagure asks for: `local/test` or `test`. Others there are none.
    #[must_use]
    pub fn job(&self, asked: &chela_contract::Job) -> Option<&Job> {
        match asked.parts() {
            (None | Some(ENGINE), name) => self.jobs.get(name),
            _ => None,
        }
    }

    /// All of its jobs, by name.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    fn read(name: &str, section: &mut Section<'_>, defaults: &Defaults) -> Read<Self> {
        let name = name.parse().map_err(|_| {
            let key = section.key().clone();
            section.report(section.place(), Complaint::ProjectName { key })
        });
        let token = token(section);
        let jobs = section.section("jobs", |jobs| {
            jobs.each(|name, job| Job::read(name, job, defaults))
        });
        let named = |job: Job| (job.name.clone(), job);
        Ok(Self {
            name: name?,
            token: token?,
            jobs: jobs?.into_iter().map(named).collect(),
        })
    }
}

/// All projects, each once however it is spelled.
pub(crate) fn projects(section: &mut Section<'_>, defaults: &Defaults) -> Read<Projects> {
    let mut seen = BTreeSet::new();
    let read = section.each(|name, section| {
        let project = Project::read(name, section, defaults);
        let name: Option<ProjectName> = name.parse().ok();
        if name.is_some_and(|name| !seen.insert(name.fullname())) {
            let key = section.key().clone();
            section.report(section.place(), Complaint::Twice { key });
        }
        project
    });
    let named = |project: Project| (project.name.fullname(), project);
    Ok(read?.into_iter().map(named).collect())
}

fn token(section: &mut Section<'_>) -> Read<TokenSource> {
    let credentials = section.environment().credentials();
    let file = section.optional("token_file", |node| {
        SecretFile::read_path(node, credentials.as_deref())
    });
    let variable = section.optional("token_env", token_variable);
    let count = match (file?, variable?) {
        (Some(file), None) => return Ok(TokenSource::File(file)),
        (None, Some(name)) => return Ok(TokenSource::Variable(name)),
        // A misspelled one, or the token itself, is reported as such.
        (None, None) if section.mentions("token") => return Err(Reported),
        (None, None) => "none",
        (Some(_), Some(_)) => "both",
    };
    let project = section.key().clone();
    let complaint = Complaint::TokenSource { project, count };
    Err(section.report(section.place(), complaint))
}

/// A name, and not the token itself: what is none is not shown.
fn token_variable(node: &Node) -> Parsed<String> {
    match node.text().filter(|name| is_variable(name)) {
        Some(name) => Ok(name.to_owned()),
        None => Err(Wrong::Hidden {
            found: "no name of a variable",
            write: "the name of the variable that holds the token, such as \"HELLO_TOKEN\""
                .to_owned(),
        }),
    }
}
