//! The first step: whose a build is, and whether anything is left to do for it.

use chela_contract::BuildRequest;

use super::next::{Facts, Sight, Verdict};
use super::world::{Assigned, Trouble, World};
use crate::entry::Queued;
use crate::ledger::Claimed;
use crate::objects::Tag;
use crate::record::{Record, Service, Target};

/// A build that is ours to carry out, perhaps beside others who do the same.
pub struct Mine {
    /// What is known of it.
    pub facts: Facts,
    /// Which state of its record that is.
    pub tag: Tag,
}

/// What is written if nobody had the build before. A job that is none any more has no target: its
/// name will do for the little that is left to say of it.
pub fn candidate(queued: &Queued, assigned: &Result<Assigned, String>) -> Record {
    let (engine, name) = queued.request.job.parts();
    let named = |_: &String| Target {
        service: match engine {
            Some("codepipeline") => Service::CodePipeline,
            _ => Service::CodeBuild,
        },
        name: name.to_owned(),
    };
    let target = assigned.as_ref().map(|assigned| assigned.target.clone());
    Record {
        request: queued.request.clone(),
        accepted: queued.accepted,
        origin: None,
        target: target.unwrap_or_else(named),
        commit: None,
        stored: None,
        pipeline: None,
        execution: None,
        ended: None,
    }
}

/// Claims a build; `None` if nothing is left to do.
pub async fn claim<W: World>(
    world: &W,
    candidate: Record,
    doom: Option<Verdict>,
    receives: u32,
) -> Result<Option<Mine>, Trouble> {
    let (record, tag) = match world.claim(&candidate).await? {
        Claimed::New(tag) => (candidate, tag),
        Claimed::Before(before, tag) => {
            if is_foreign(&before.request, &candidate.request) {
                tracing::warn!("the build's id is that of another project's or job's; dropped");
                return Ok(None);
            }
            (before, tag)
        }
    };
    if !is_open(world, &record).await? {
        return Ok(None);
    }
    // What was started is not given up because its job has gone meanwhile.
    let doom = doom.filter(|_| record.execution.is_none());
    let facts = Facts {
        record,
        standing: None,
        sight: Sight::Unknown,
        doom,
        receives,
        linked: false,
        stopped: false,
    };
    Ok(Some(Mine { facts, tag }))
}

/// The settings tell of the message's job what may run: they say nothing of another one's build.
fn is_foreign(before: &BuildRequest, request: &BuildRequest) -> bool {
    before.project.fullname != request.project.fullname || before.job != request.job
}

/// What was started is over if it is not open any more. Of what has ended, something may be left
/// to stop. All else is opened, if it was not.
async fn is_open<W: World>(world: &W, record: &Record) -> Result<bool, Trouble> {
    match (&record.ended, &record.execution) {
        (Some(_), _) => Ok(true),
        (None, Some(_)) => Ok(world.open(record.id()).await?.is_some()),
        (None, None) => {
            world.open_new(record.id()).await?;
            Ok(true)
        }
    }
}
