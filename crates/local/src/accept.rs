//! A request becomes a build, or does not; in one transaction.

use chela_contract::{BuildId, BuildRequest, Micros, Status};
use chela_receiver::{
    Admission, Bounds, Build, Happened, Origin, Overtaken, Said, Stage, Strangers, admit, texts,
};
use url::Url;

use crate::{StoreError, known::known, outbox, record::Record, retention, table, writer::Tx};

/// A request that is authentic and names a job that there is.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The request.
    pub request: BuildRequest,
    /// Where people will look for the build's log.
    pub page: Url,
    /// The unguessable part of that address; never used before.
    pub key: String,
    /// What becomes of those who cannot push.
    pub strangers: Strangers,
    /// How many may wait.
    pub bounds: Bounds,
    /// When it came.
    pub now: Micros,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is a build now: queued, held, or over already because a newer one is there.
    New {
        /// The build.
        build: Build,
        /// What ended for it.
        overtaken: Vec<BuildId>,
    },
    /// It was one already. Of a build that is forgotten, what its first answer is made of.
    Before(Build),
    /// Its id is that of another project's build.
    Foreign,
    /// Too much waits: later.
    Full,
    /// Nobody who can push has asked.
    Refused,
}

/// Decides, and keeps what was decided.
pub(crate) fn accept(tx: &Tx<'_>, asked: Asked) -> Result<Accepted, StoreError> {
    if let Some(before) = before(tx, &asked.request)? {
        return Ok(before);
    }
    let known = known(tx, &asked.request, asked.bounds)?;
    let now = asked.now;
    let commit = asked.request.source.commit.clone();
    match admit(&asked.request, &known, asked.strangers, asked.bounds) {
        Admission::Queue { origin, overtakes } => {
            let stage = Stage::Queued { not_before: now };
            let record = Record {
                cleared: true,
                ..begin(asked, origin, stage, texts::QUEUED.to_owned())
            };
            table::insert(tx, &record)?;
            tx.stir();
            finish(tx, record, overtakes, now)
        }
        Admission::Hold { why, overtakes } => {
            let stage = Stage::Held { acknowledged: None };
            let text = texts::held(commit.as_ref(), why);
            let record = begin(asked, Origin::Stranger, stage, text);
            let seq = table::insert(tx, &record)?;
            outbox::put(tx, seq, &record.build, record.build.report(), now)?;
            finish(tx, record, overtakes, now)
        }
        Admission::Overtaken { by, commit } => {
            let stage = Stage::Queued { not_before: now };
            let mut record = begin(asked, Origin::Stranger, stage, texts::QUEUED.to_owned());
            let report = record.happened(Happened::Overtaken(Overtaken { by, commit }), now);
            let seq = table::insert(tx, &record)?;
            outbox::put(tx, seq, &record.build, report, now)?;
            finish(tx, record, Vec::new(), now)
        }
        Admission::Refused => Ok(Accepted::Refused),
        Admission::Full => Ok(Accepted::Full),
    }
}

/// What a request that came before became.
fn before(tx: &Tx<'_>, request: &BuildRequest) -> Result<Option<Accepted>, StoreError> {
    let record = table::load(tx, request.build_id)?;
    let build = match record {
        Some((_, record)) => Some(record.build),
        None => retention::recall(tx, request)?,
    };
    let Some(build) = build else {
        return Ok(None);
    };
    if build.request.project.fullname == request.project.fullname {
        Ok(Some(Accepted::Before(build)))
    } else {
        Ok(Some(Accepted::Foreign))
    }
}

fn begin(asked: Asked, origin: Origin, stage: Stage, description: String) -> Record {
    let build = Build {
        commit: asked.request.source.commit.clone(),
        request: asked.request,
        page: asked.page,
        accepted: asked.now,
        origin,
        stage,
        said: Said {
            at: asked.now,
            status: Status::Pending,
            description,
            percent: None,
        },
        runs: 0,
        misses: 0,
    };
    Record {
        build,
        key: asked.key,
        cleared: false,
        started: None,
        ended: None,
        dropped: None,
        phases: Vec::new(),
    }
}

/// Ends what the new build overtakes.
fn finish(
    tx: &Tx<'_>,
    record: Record,
    overtaken: Vec<BuildId>,
    now: Micros,
) -> Result<Accepted, StoreError> {
    let build = record.build;
    for id in &overtaken {
        let by = Overtaken {
            by: build.id(),
            commit: build.commit.clone(),
        };
        crate::ledger::happened(tx, *id, Happened::Overtaken(by), now)?;
    }
    Ok(Accepted::New { build, overtaken })
}
