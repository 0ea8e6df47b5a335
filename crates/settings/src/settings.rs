//! The settings as a whole, and how they come together.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    sync::Arc,
};

use chela_outbound::Policy;
use chela_pagure::ProjectName;

use crate::{
    documented::Documented,
    environment::Environment,
    error::{Complaint, Error, Problem},
    key::Place,
    parts::{
        Artifacts, Builds, Defaults, Egress, Log, Pagure, Project, Projects, Sandbox, Serve,
        Source, policy, projects,
    },
    secret::{SecretFile, TokenSource},
    section::{Read, Reader, Reported, Section},
    tree::{self, Table},
};

/// The file that is read if it exists and no other is named.
pub const USUAL_FILE: &str = "/etc/chela/chela.toml";

/// What `chela serve` is told. It holds no secret, only where the secrets are.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program itself.
    pub serve: Serve,
    /// The forge.
    pub pagure: Pagure,
    /// What may be cloned from: `[egress]`, and Pagure's own servers as they were named.
    pub egress: Policy,
    /// Which builds, how many, and how long they are remembered.
    pub builds: Builds,
    /// The walls around each build.
    pub sandbox: Sandbox,
    /// Each build's log.
    pub log: Log,
    /// Each build's artifacts.
    pub artifacts: Artifacts,
    /// What a repository may cost to fetch.
    pub source: Source,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    projects: Projects,
}

impl Settings {
    /// Reads the file that was named with `--config`, else [`USUAL_FILE`] if it exists, and overlays
    /// the built-in settings with it and with the environment.
    pub fn load(named: Option<&Path>, environment: &Environment) -> Result<Self, Error> {
        let usual = Path::new(USUAL_FILE);
        // What cannot be looked at is said when it is read.
        let usual = || usual.try_exists().unwrap_or(true).then_some(usual);
        let Some(path) = named.or_else(usual) else {
            return Self::parse(None, environment);
        };
        let bytes = std::fs::read(path).map_err(|cause| Error::Unreadable {
            path: path.to_owned(),
            cause,
        })?;
        let text = String::from_utf8(bytes).map_err(|_| Error::NotText {
            path: path.to_owned(),
        })?;
        Self::parse(Some((path, &text)), environment)
    }

    /// The same out of a file's text that was read already.
    pub fn parse(file: Option<(&Path, &str)>, environment: &Environment) -> Result<Self, Error> {
        let documented = Documented::read();
        let mut problems = Vec::new();
        let mut all = documented.defaults.clone();
        if let Some((path, text)) = file {
            tree::overlay(&mut all, user_table(path, text)?);
        }
        let variables = environment.settings(&documented.keys, &mut problems);
        tree::overlay(&mut all, variables);
        let path = file.map(|(path, _)| path);
        let reader = Reader {
            documented: &documented,
            environment,
            file: path.unwrap_or(Path::new(USUAL_FILE)),
            problems: RefCell::new(problems),
        };
        let read = Section::top(&reader, &all, Self::read);
        let mut problems = reader.problems.into_inner();
        let settings = read.map(|settings| Self {
            file: path.map(Path::to_owned),
            ..settings
        });
        problems.extend(settings.iter().flat_map(Self::exposed));
        problems.sort_by(|one, other| one.place.cmp(&other.place));
        match settings {
            Ok(settings) if problems.is_empty() => Ok(settings),
            _ => Err(Error::Invalid(problems)),
        }
    }

    /// A project whose requests are taken.
    #[must_use]
    pub fn project(&self, name: &ProjectName) -> Option<&Project> {
        self.projects.get(&name.fullname())
    }

    /// All of them, by name.
    pub fn projects(&self) -> impl Iterator<Item = &Project> {
        self.projects.values()
    }

    pub(crate) fn by_name(&self) -> &Projects {
        &self.projects
    }

    /// The secret files of all jobs.
    pub fn secret_files(&self) -> impl Iterator<Item = &SecretFile> {
        let jobs = self.projects().flat_map(Project::jobs);
        jobs.flat_map(|job| job.secret_files.values())
    }

    /// The folders that builds would read, and that hold what no build may see.
    fn exposed(&self) -> Vec<Problem> {
        let file = self.file.as_deref().unwrap_or(Path::new(USUAL_FILE));
        let complaint = |folder: &PathBuf| Problem {
            place: Place::File(file.to_owned()),
            complaint: Complaint::Exposed {
                folder: folder.clone(),
            },
        };
        let data = &self.serve.data;
        let secrets = self.secrets();
        let holds = |folder: &&PathBuf| {
            folder.starts_with(data) || secrets.iter().any(|secret| secret.starts_with(folder))
        };
        let folders = self.sandbox.read_only.iter();
        folders.filter(holds).map(complaint).collect()
    }

    fn secrets(&self) -> Vec<&Path> {
        let tokens = self.projects().filter_map(|project| match &project.token {
            TokenSource::File(file) => Some(file.path()),
            TokenSource::Variable(_) => None,
        });
        let files = self.secret_files().map(SecretFile::path);
        let own = [&self.serve.data, Path::new(USUAL_FILE)];
        let file = self.file.as_deref();
        tokens.chain(files).chain(own).chain(file).collect()
    }

    fn read(top: &mut Section<'_>) -> Read<Self> {
        let serve = top.section("serve", Serve::read);
        let pagure = top.section("pagure", Pagure::read);
        let egress = top.section("egress", Egress::read);
        let builds = top.section("builds", Builds::read);
        let defaults = top.section("defaults", |section| Defaults::read(section, None));
        let sandbox = top.section("sandbox", Sandbox::read);
        let log = top.section("log", Log::read);
        let artifacts = top.section("artifacts", Artifacts::read);
        let source = top.section("source", Source::read);
        // Jobs are read for their own mistakes also where the defaults have some.
        let fallback = match &defaults {
            Ok(defaults) => defaults.clone(),
            Err(Reported) => top.built_in("defaults", |section| Defaults::read(section, None))?,
        };
        let projects = top.section("projects", |section| projects(section, &fallback));
        let (pagure, egress) = (pagure?, egress?);
        defaults?;
        Ok(Self {
            egress: policy(egress, &pagure),
            serve: serve?,
            pagure,
            builds: builds?,
            sandbox: sandbox?,
            log: log?,
            artifacts: artifacts?,
            source: source?,
            projects: projects?,
            file: None,
        })
    }
}

fn user_table(path: &Path, text: &str) -> Result<Table, Error> {
    tree::parse(&Arc::from(path), text).map_err(Error::Invalid)
}
