//! Who may ask for builds of what: callers, their projects, and the projects' jobs.

use std::collections::BTreeMap;

use chela_receiver::{Refusal, Strangers};

use super::{flaw::BadConfig, read};
use crate::record::{Service, Target};

/// The engine of a job that names none.
const DEFAULT_ENGINE: Service = Service::CodeBuild;

/// The map of callers. An IAM user of one project cannot ask for another project's builds, whatever
/// its requests say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    /// By the ARN of an IAM user, then by the project's full name.
    pub(super) callers: BTreeMap<String, BTreeMap<String, ProjectJobs>>,
}

/// What is configured of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectJobs {
    /// What becomes of strangers' requests.
    pub strangers: Strangers,
    /// By its whole name, the engine included.
    pub(super) jobs: BTreeMap<String, Job>,
}

/// What a job runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The project of CodeBuild, or the pipeline.
    pub target: Target,
    /// What runs strangers' builds that a committer has released, if that is another one.
    pub untrusted: Option<Target>,
}

/// Why a caller does not get a project.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody has configured this caller.
    #[error(
        "{caller} is no caller of this receiver; its operator can add it to the map in CHELA_CONFIG"
    )]
    Caller {
        /// Who calls.
        caller: String,
    },
    /// It is not one of this caller's projects. Whether it is somebody else's is not said.
    #[error(
        "{caller} may not ask for builds of {project}; the receiver's operator can add that project \
         below this caller in CHELA_CONFIG"
    )]
    Project {
        /// Who calls.
        caller: String,
        /// What for.
        project: String,
    },
}

impl Map {
    /// Reads the map; all that is wrong with it is told at once.
    pub fn parse(text: &str) -> Result<Self, BadConfig> {
        read::map(text)
    }

    /// Whether this caller is known at all.
    #[must_use]
    pub fn knows(&self, caller: &str) -> bool {
        self.callers.contains_key(caller)
    }

    /// A caller's project, by its full name.
    pub fn project(&self, caller: &str, project: &str) -> Result<&ProjectJobs, Refused> {
        let caller = caller.to_owned();
        let Some(projects) = self.callers.get(&caller) else {
            return Err(Refused::Caller { caller });
        };
        projects.get(project).ok_or_else(|| Refused::Project {
            caller,
            project: project.to_owned(),
        })
    }
}

impl ProjectJobs {
    /// What a job means; a bare name means a project of CodeBuild. `project` is for the refusal,
    /// which lists the jobs.
    pub fn job(&self, project: &str, asked: &chela_contract::Job) -> Result<&Job, Refusal> {
        let found = match asked.parts() {
            (Some(_), _) => self.jobs.get(asked.as_str()),
            (None, name) => self.jobs.get(&job_name(DEFAULT_ENGINE, name)),
        };
        found.ok_or_else(|| Refusal::Job {
            job: asked.as_str().to_owned(),
            project: project.to_owned(),
            known: self.names().collect::<Vec<_>>().join(", "),
        })
    }

    /// The jobs' names, as they are typed into Pagure.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.jobs.keys().map(String::as_str)
    }
}

/// How a job is typed into Pagure: `codebuild/hello`.
pub(super) fn job_name(service: Service, name: &str) -> String {
    format!("{}/{name}", service.name())
}
