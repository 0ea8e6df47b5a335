//! What becomes of a request: decided from the request, the map and the clock alone.

use chela_contract::{BuildRequest, Context, Micros, Report, Shown, Status, webhook};
use chela_receiver::{Face, Forge, Held, Problem, Strangers, check_id, texts};
use serde_json::Value;

use super::{
    incoming::{Incoming, MAX_BODY},
    queued::Queued,
};
use crate::{
    config::{Job, Map, ProjectJobs, Refused},
    links,
};

/// What a request meets.
pub struct Desk<'a> {
    /// Whose requests are taken.
    pub forge: &'a Forge,
    /// Who may ask for what.
    pub map: &'a Map,
    /// The region that the function runs in, for links.
    pub region: &'a str,
}

/// A request that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// A test: nothing is to be done.
    Test,
    /// A build, and the report that the forge may show at once; none while no commit is known.
    Build {
        /// The message for the queue.
        queued: Box<Queued>,
        /// The report's body.
        report: Option<String>,
    },
}

impl Desk<'_> {
    /// Judges the event of a function URL.
    pub fn judge(&self, event: &Value, now: Micros) -> Result<Judged, Problem> {
        let incoming = Incoming::read(event);
        let caller = incoming.caller()?;
        if !self.map.knows(caller) {
            let caller = caller.to_owned();
            return Err(forbidden(&Refused::Caller { caller }));
        }
        let body = incoming.body()?;
        let face: Face = serde_json::from_slice(&body).map_err(|e| Problem::malformed(&e))?;
        self.project(caller, face.project())?;
        match face.r#type.as_str() {
            "ping" => Ok(Judged::Test),
            "build.requested" => {
                let request = BuildRequest::from_body(&body).map_err(|e| Problem::invalid(&e))?;
                let id = incoming.header(webhook::ID);
                self.request(caller, request, id, now)
            }
            other => Err(Problem::unknown_type(other)),
        }
    }

    fn request(
        &self,
        caller: &str,
        request: BuildRequest,
        id: Option<&str>,
        now: Micros,
    ) -> Result<Judged, Problem> {
        check_id(&request, id, now)?;
        // The names in the request agree from here on.
        let named = self
            .forge
            .check(&request)
            .map_err(|e| Problem::refused(&e))?;
        let named = named.fullname();
        let project = self.project(caller, &named)?;
        let job = project
            .job(&named, &request.job)
            .map_err(|e| Problem::refused(&e))?;
        let can_push = request.requested_by.as_ref().is_some_and(|by| by.can_push);
        if !can_push && project.strangers == Strangers::Refuse {
            return Err(Problem::stranger());
        }
        let report = self.first_report(&request, job, now);
        let queued = Box::new(Queued::new(request, caller, now));
        if queued.to_body().len() > MAX_BODY {
            return Err(Problem::body(MAX_BODY));
        }
        Ok(Judged::Build { queued, report })
    }

    fn project(&self, caller: &str, name: &str) -> Result<&ProjectJobs, Problem> {
        let project = self.map.project(caller, name);
        project.map_err(|refused| forbidden(&refused))
    }

    /// Who cannot push waits, whatever the ledger knows; of anybody else's request it is decided
    /// where the ledger is. The report's moment is the request's own, so that an answer to a
    /// retry is the first one again, and stands behind all that was said since.
    fn first_report(&self, request: &BuildRequest, job: &Job, now: Micros) -> Option<String> {
        let commit = request.source.commit.clone()?;
        let can_push = request.requested_by.as_ref().is_some_and(|by| by.can_push);
        let description = if can_push {
            texts::QUEUED.to_owned()
        } else {
            texts::plain(&texts::held(Some(&commit), Held::Stranger))
        };
        let at = request.build_id.time().min(now);
        let page = links::project_page(self.region, &job.target);
        let report = Report {
            build_id: Some(request.build_id),
            context: Some(Context::for_job(request.job.as_str(), request.event())),
            commit,
            pull_request: request.pull_request.as_ref().map(|pull| pull.id),
            shown: Shown::new(at, Status::Pending, None, &page, &description),
        };
        Some(report.to_body())
    }
}

fn forbidden(refused: &Refused) -> Problem {
    Problem::forbidden(refused.to_string())
}
