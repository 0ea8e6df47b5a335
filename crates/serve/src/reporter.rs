//! Sends the reports that the ledger has, each build's in order, until the forge has them.

use std::sync::Arc;

use chela_contract::{Micros, webhook::Key};
use chela_local::{Due, Store, StoreError};
use chela_outbound::{
    Answer, Audience, Destination, Failure, Message, Policy, Sender, USER_AGENT, Verdict,
};
use chela_receiver::{After, Attempted, Forge, acknowledged_at, after_attempt};

use crate::{clock::now, dice::jitter, projects::Projects, wakeful::Wakeful};

/// Sends reports, one at a time; several share everything but their thread.
#[derive(Clone)]
pub struct Reporter {
    pub store: Store,
    pub forge: Forge,
    pub projects: Projects,
    pub sender: Arc<Sender>,
}

impl Reporter {
    /// Until the server stops.
    pub fn work(&self, mut wakeful: Wakeful) {
        while wakeful.goes_on() {
            let looked = now();
            match self.one(looked) {
                Ok(true) => {}
                Ok(false) => wakeful.rest(&self.store, looked),
                Err(error) => {
                    tracing::error!(%error, "cannot read or keep a report's state");
                    wakeful.rest(&self.store, looked);
                }
            }
        }
    }

    /// Sends what is due, if something is.
    fn one(&self, looked: Micros) -> Result<bool, StoreError> {
        let Some(due) = self.store.due(looked)? else {
            return Ok(false);
        };
        let (verdict, answer) = self.send(&due);
        let at = now();
        let after = after_attempt(due.pending.clone(), Attempted { verdict, at }, jitter());
        log(&due, &after);
        let acknowledged = answer.map_or(at, |answer| acknowledged_at(&answer, at));
        self.store.settle(&due, &after, acknowledged, at)?;
        Ok(true)
    }

    /// The token is read anew each time, so that a rotated one counts at once.
    fn send(&self, due: &Due) -> (Verdict, Option<Answer>) {
        let later = |reason: String| Verdict::Retry {
            reason,
            after: None,
        };
        let Ok(key) = self.projects.key(&due.project) else {
            let reason = "the project has no token in the receiver's settings".to_owned();
            return (later(reason), None);
        };
        match self.post(due, &key) {
            Ok(result) => {
                let verdict = Verdict::of_report(&result, Audience::Program);
                (verdict, result.ok())
            }
            Err(reason) => (later(reason), None),
        }
    }

    fn post(&self, due: &Due, key: &Key) -> Result<Result<Answer, Failure>, String> {
        let project = due
            .project
            .parse()
            .map_err(|_| "the project has no name".to_owned())?;
        // The operator's own choice, whatever it is.
        let policy = Policy::unguarded();
        let url = self.forge.report_url(&project);
        let destination = Destination::parse(url.as_str(), None, None, &policy)
            .map_err(|refused| refused.explain(Audience::Program))?;
        let message = Message {
            id: &due.pending.id,
            body: due.pending.body.as_bytes(),
            key,
            user_agent: USER_AGENT,
        };
        Ok(self.sender.send(&destination, &message, &policy, now()))
    }
}

fn log(due: &Due, after: &After) {
    let build = due.build;
    match after {
        After::Delivered => tracing::debug!(%build, "reported"),
        After::Dropped { reason } => tracing::error!(%build, reason, "gave a report up"),
        After::Again { pending, reason } => {
            tracing::warn!(%build, reason, attempts = pending.attempts, "will report again");
        }
    }
}
