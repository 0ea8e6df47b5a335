//! Reads the map of callers: strictly, and on to the end, so that all that is wrong is told.

use std::collections::BTreeMap;

use chela_pagure::ProjectName;
use chela_receiver::Strangers;

use super::{
    flaw::{BadConfig, Complaint, Flaw, Path},
    json::Node,
    map::{Job, Map, ProjectJobs, job_name},
    names,
    nearest::nearest,
};
use crate::record::{Service, Target};

const PROJECTS: &str = "projects with their jobs, such as {\"demo/hello\": {\"jobs\": \
                        {\"codebuild/hello\": {}}}}";
const JOBS: &str = "at least one job, such as {\"codebuild/hello\": {}}";
const SERVICES: [Service; 2] = [Service::CodeBuild, Service::CodePipeline];

/// A member's value, where it stands.
#[derive(Clone)]
struct At<'a> {
    path: Path,
    node: &'a Node,
}

#[derive(Default)]
struct Reader {
    flaws: Vec<Flaw>,
}

/// The map in `text`.
pub(super) fn map(text: &str) -> Result<Map, BadConfig> {
    let node: Node = serde_json::from_str(text).map_err(|error| {
        let complaint = Complaint::Syntax(error.to_string());
        BadConfig(vec![Path::default().flaw(complaint)])
    })?;
    let mut reader = Reader::default();
    let map = reader.map(&node);
    if reader.flaws.is_empty() {
        Ok(map)
    } else {
        Err(BadConfig(reader.flaws))
    }
}

impl Reader {
    fn map(&mut self, node: &Node) -> Map {
        let top = At {
            path: Path::default(),
            node,
        };
        let members = self.members(&top, &["callers"], "{\"callers\": {…}}");
        let Some(callers) = members.get("callers") else {
            if let Node::Object(_) = node {
                let write = "{\"callers\": {\"arn:aws:iam::…:user/…\": {…}}}";
                let path = top.path.then("callers");
                self.flaws.push(path.flaw(Complaint::Missing { write }));
            }
            return Map::default();
        };
        let mut map = Map::default();
        for (arn, caller) in self.entries(callers, "an object of callers, by their ARNs") {
            if !names::is_user(&arn) {
                self.complain(&caller, Complaint::Caller);
            }
            let projects = self.caller(&caller, &arn, &map);
            if map.callers.insert(arn, projects).is_some() {
                self.complain(&caller, Complaint::Twice);
            }
        }
        map
    }

    fn caller(&mut self, at: &At<'_>, arn: &str, map: &Map) -> BTreeMap<String, ProjectJobs> {
        let mut projects = BTreeMap::new();
        for (name, project) in self.entries(at, PROJECTS) {
            let jobs = self.project(&project);
            let Ok(name) = name.parse::<ProjectName>() else {
                self.complain(&project, Complaint::Project);
                continue;
            };
            let name = name.fullname();
            let others = map.callers.iter();
            let mut others =
                others.filter(|(other, theirs)| *other != arn && theirs.contains_key(&name));
            if let Some((other, _)) = others.next() {
                let other = other.clone();
                self.complain(&project, Complaint::Shared { other });
            }
            if projects.insert(name, jobs).is_some() {
                self.complain(&project, Complaint::Twice);
            }
        }
        projects
    }

    fn project(&mut self, at: &At<'_>) -> ProjectJobs {
        let members = self.members(at, &["strangers", "jobs"], "{\"jobs\": {…}}");
        let strangers = members.get("strangers");
        let strangers = strangers.map_or(Strangers::Hold, |at| self.strangers(at));
        if let (None, Node::Object(_)) = (members.get("jobs"), at.node) {
            let path = at.path.then("jobs");
            self.flaws
                .push(path.flaw(Complaint::Missing { write: JOBS }));
        }
        let jobs = members.get("jobs");
        let jobs = jobs.map_or_else(BTreeMap::new, |jobs| self.jobs(jobs));
        ProjectJobs { strangers, jobs }
    }

    fn strangers(&mut self, at: &At<'_>) -> Strangers {
        match at.node {
            Node::Text(word) if word == "hold" => return Strangers::Hold,
            Node::Text(word) if word == "refuse" => return Strangers::Refuse,
            _ => self.wrong(at, "\"hold\" or \"refuse\""),
        }
        Strangers::Refuse
    }

    fn jobs(&mut self, at: &At<'_>) -> BTreeMap<String, Job> {
        let entries = self.entries(at, JOBS);
        if matches!(at.node, Node::Object(members) if members.is_empty()) {
            self.complain(at, Complaint::Empty { write: JOBS });
        }
        let mut jobs = BTreeMap::new();
        for (name, job) in entries {
            let Some((service, name)) = self.engine(&job, &name) else {
                continue;
            };
            let read = self.job(&job, service, &name);
            if jobs.insert(job_name(service, &name), read).is_some() {
                self.complain(&job, Complaint::Twice);
            }
        }
        jobs
    }

    /// The service that a job names, and the job's name after it.
    fn engine(&mut self, at: &At<'_>, name: &str) -> Option<(Service, String)> {
        let (word, rest) = name
            .split_once('/')
            .unwrap_or((Service::CodeBuild.name(), name));
        let service = SERVICES.into_iter().find(|one| one.name() == word);
        match service {
            Some(service) if names::is_job(rest) => Some((service, rest.to_owned())),
            found => {
                let meant = nearest(word, SERVICES.map(Service::name)).filter(|_| found.is_none());
                let nearest = meant.map(str::to_owned);
                self.complain(at, Complaint::Job { nearest });
                None
            }
        }
    }

    fn job(&mut self, at: &At<'_>, service: Service, own: &str) -> Job {
        let members = self.members(at, &["name", "untrusted"], "{}");
        let target = if let Some(at) = members.get("name") {
            self.target(at, service)
        } else {
            self.own_name(at, service, own)
        };
        let untrusted = members.get("untrusted").map(|at| {
            let untrusted = self.target(at, Service::CodeBuild);
            if untrusted == target && !target.name.is_empty() {
                self.complain(at, Complaint::SameForStrangers);
            }
            untrusted
        });
        Job { target, untrusted }
    }

    /// What is meant where nothing else is said.
    fn own_name(&mut self, at: &At<'_>, service: Service, own: &str) -> Target {
        if !names::is_name(service, own) {
            let complaint = Complaint::Unnamed {
                name: own.to_owned(),
                service: service_name(service),
                write: names::wanted(service),
            };
            self.complain(at, complaint);
        }
        target(service, own)
    }

    fn target(&mut self, at: &At<'_>, service: Service) -> Target {
        let Node::Text(name) = at.node else {
            self.wrong(at, "text");
            return target(service, "");
        };
        if !names::is_name(service, name) {
            let complaint = Complaint::Name {
                service: service_name(service),
                write: names::wanted(service),
            };
            self.complain(at, complaint);
        }
        target(service, name)
    }

    /// The members of an object that may have these.
    fn members<'a>(
        &mut self,
        at: &At<'a>,
        known: &'static [&'static str],
        write: &'static str,
    ) -> BTreeMap<String, At<'a>> {
        let mut members = BTreeMap::new();
        for (name, member) in self.entries(at, write) {
            if known.contains(&name.as_str()) {
                if members.contains_key(&name) {
                    self.complain(&member, Complaint::Twice);
                }
                members.insert(name, member);
            } else {
                let nearest = nearest(&name, known.iter().copied()).map(str::to_owned);
                self.complain(&member, Complaint::Unknown { nearest, known });
            }
        }
        members
    }

    /// All members of an object.
    fn entries<'a>(&mut self, at: &At<'a>, write: &'static str) -> Vec<(String, At<'a>)> {
        let Node::Object(members) = at.node else {
            self.wrong(at, write);
            return Vec::new();
        };
        let entry = |(name, node): &'a (String, Node)| {
            let path = at.path.then(name);
            (name.clone(), At { path, node })
        };
        members.iter().map(entry).collect()
    }

    fn wrong(&mut self, at: &At<'_>, write: &'static str) {
        let found = match at.node {
            Node::Text(text) => format!("{:?}", text.chars().take(60).collect::<String>()),
            other => other.kind().to_owned(),
        };
        self.complain(at, Complaint::Wrong { found, write });
    }

    fn complain(&mut self, at: &At<'_>, complaint: Complaint) {
        self.flaws.push(at.path.flaw(complaint));
    }
}

fn target(service: Service, name: &str) -> Target {
    Target {
        service,
        name: name.to_owned(),
    }
}

fn service_name(service: Service) -> &'static str {
    match service {
        Service::CodeBuild => "a CodeBuild project",
        Service::CodePipeline => "a pipeline",
    }
}
