//! What becomes of a pull request's builds of one job: the greatest one counts.
//!
//! `admit` decides as on one machine. What it needs to know is kept in one object, the [`Head`],
//! and each decision can be read from the head that it made: whoever is killed and comes again
//! finds what was decided then, whatever else has become known since.

use std::collections::{BTreeMap, BTreeSet};

use chela_contract::{BuildId, BuildRequest};
use chela_receiver::{
    Admission, Bounds, Held, Known, Origin, Other, Overtaken, Stage, Strangers, admit,
};

use crate::record::{Head, Let, Open};

/// The queue bounds what waits here: by time, not by number.
const UNBOUNDED: Bounds = Bounds {
    queued: usize::MAX,
    held: usize::MAX,
};

/// What is known of a pull request and job.
#[derive(Clone, Debug, Default)]
pub struct Lane {
    /// The head, if there was a build before.
    pub head: Option<Head>,
    /// Those of [`Head::older`] that are open.
    pub open: BTreeMap<BuildId, Open>,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is built, as this code.
    Through(Origin),
    /// It waits for a committer.
    Held(Held),
    /// A newer one takes its place.
    Overtaken(Overtaken),
    /// Nobody who can push has asked, and such requests are refused.
    Refused,
}

/// A decision, and what is to be kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What becomes of the request.
    pub standing: Standing,
    /// The new head; `None` where the old one stays.
    pub head: Option<Head>,
}

/// What the head says of a request that was decided before, or need not be decided any more.
#[must_use]
pub fn settled(request: &BuildRequest, head: &Head) -> Option<Standing> {
    let me = request.build_id;
    if head.held == Some(me) {
        return Some(Standing::Held(why_held(request)));
    }
    let mine = head.let_through.as_ref().filter(|other| other.build == me);
    match mine {
        Some(mine) if head.newest == me || leaves_alone(head, mine) => {
            Some(Standing::Through(mine.origin))
        }
        None if head.newest <= me => None,
        None if is_news(request, head) => None,
        _ => Some(Standing::Overtaken(by_newest(head))),
    }
}

/// Decides.
#[must_use]
pub fn decide(request: &BuildRequest, lane: &Lane, strangers: Strangers) -> Decision {
    let before = lane.head.as_ref();
    if let Some(standing) = before.and_then(|head| settled(request, head)) {
        return Decision {
            standing,
            head: None,
        };
    }
    match before {
        Some(head) if head.newest > request.build_id => late(request, head),
        _ => in_time(request, lane, strangers),
    }
}

/// What becomes of a build of a commit, which nothing overtakes.
#[must_use]
pub fn alone(request: &BuildRequest, strangers: Strangers) -> Standing {
    match admit(request, &Known::default(), strangers, UNBOUNDED) {
        Admission::Queue { origin, .. } => Standing::Through(origin),
        Admission::Hold { why, .. } => Standing::Held(why),
        Admission::Overtaken { by, commit } => Standing::Overtaken(Overtaken { by, commit }),
        Admission::Refused | Admission::Full => Standing::Refused,
    }
}

impl Head {
    /// The builds that may still be under way: whether they are open matters to whatever is newer.
    #[must_use]
    pub fn older(&self) -> BTreeSet<BuildId> {
        let through = self.let_through.iter().map(|through| through.build);
        through
            .chain(self.held)
            .chain(self.ends.iter().copied())
            .collect()
    }
}

/// By what the newest one overtakes the others.
#[must_use]
pub fn by_newest(head: &Head) -> Overtaken {
    Overtaken {
        by: head.newest,
        commit: head.commit.clone(),
    }
}

/// As on one machine: a stranger who asks once more for what runs already stops nobody's build.
fn leaves_alone(head: &Head, through: &Let) -> bool {
    head.held == Some(head.newest)
        && head.commit == through.commit
        && !head.ends.contains(&through.build)
}

/// Whether a request that comes after a newer one still tells something: a committer's own word,
/// newer than the one that is known. Without it the order in which a queue hands out two requests
/// would decide whether a stranger's hides a committer's.
fn is_news(request: &BuildRequest, head: &Head) -> bool {
    let through = head.let_through.as_ref().map(|through| through.build);
    through < Some(request.build_id) && own_word(request).is_some()
}

/// Whose code it is by the request alone, whatever else is known.
fn own_word(request: &BuildRequest) -> Option<Origin> {
    match alone(request, Strangers::Hold) {
        Standing::Through(origin) => Some(origin),
        Standing::Held(_) | Standing::Overtaken(_) | Standing::Refused => None,
    }
}

/// A committer's own word that comes after a newer request.
fn late(request: &BuildRequest, before: &Head) -> Decision {
    let mut head = before.clone();
    let replaced = head.let_through.take().map(|through| through.build);
    head.ends.extend(replaced);
    head.let_through = own_word(request).map(|origin| through(request, origin));
    let standing = settled(request, &head);
    Decision {
        standing: standing.unwrap_or_else(|| Standing::Overtaken(by_newest(&head))),
        head: Some(head),
    }
}

/// A request that is the newest one.
fn in_time(request: &BuildRequest, lane: &Lane, strangers: Strangers) -> Decision {
    let me = request.build_id;
    let (standing, ends) = match admit(request, &known(request, lane), strangers, UNBOUNDED) {
        Admission::Queue { origin, overtakes } => (Standing::Through(origin), overtakes),
        Admission::Hold { why, overtakes } => (Standing::Held(why), overtakes),
        Admission::Overtaken { by, commit } => {
            return unkept(Standing::Overtaken(Overtaken { by, commit }));
        }
        Admission::Refused | Admission::Full => return unkept(Standing::Refused),
    };
    let before = lane.head.as_ref();
    let let_through = match standing {
        Standing::Through(origin) => Some(through(request, origin)),
        _ => before.and_then(|head| head.let_through.clone()),
    };
    let head = Head {
        newest: me,
        commit: request.source.commit.clone(),
        let_through,
        held: matches!(standing, Standing::Held(_)).then_some(me),
        ends: unfinished(lane)
            .chain(ends)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
    };
    Decision {
        standing,
        head: Some(head),
    }
}

fn unkept(standing: Standing) -> Decision {
    Decision {
        standing,
        head: None,
    }
}

/// What was to end before, and is not known to have ended.
fn unfinished(lane: &Lane) -> impl Iterator<Item = BuildId> {
    let ends = lane.head.iter().flat_map(|head| head.ends.iter().copied());
    ends.filter(|id| lane.open.contains_key(id))
}

fn through(request: &BuildRequest, origin: Origin) -> Let {
    Let {
        build: request.build_id,
        commit: request.source.commit.clone(),
        origin,
    }
}

/// What `admit` is to know.
fn known(request: &BuildRequest, lane: &Lane) -> Known {
    let Some(head) = &lane.head else {
        return Known::default();
    };
    let commit = &request.source.commit;
    let waiting = held(head, lane);
    let acknowledged = waiting
        .as_ref()
        .filter(|other| other.commit == *commit)
        .and_then(|other| match other.stage {
            Stage::Held { acknowledged } => acknowledged,
            Stage::Queued { .. } | Stage::Running | Stage::Ended(_) => None,
        });
    let cleared = head.let_through.as_ref();
    let cleared = cleared.filter(|through| through.commit == *commit);
    Known {
        others: waiting.into_iter().chain(running(head, lane)).collect(),
        newest: Some((head.newest, head.commit.clone())),
        acknowledged,
        cleared: cleared.map(|through| through.origin),
        ..Known::default()
    }
}

fn held(head: &Head, lane: &Lane) -> Option<Other> {
    let id = head.held?;
    let acknowledged = lane.open.get(&id)?.acknowledged;
    Some(Other {
        id,
        commit: head.commit.clone(),
        stage: Stage::Held { acknowledged },
    })
}

fn running(head: &Head, lane: &Lane) -> Option<Other> {
    let through = head.let_through.as_ref()?;
    lane.open.contains_key(&through.build).then(|| Other {
        id: through.build,
        commit: through.commit.clone(),
        stage: Stage::Running,
    })
}

/// Who cannot push is a stranger; of who can, only what they may not have seen is held.
fn why_held(request: &BuildRequest) -> Held {
    match &request.requested_by {
        Some(by) if by.can_push => Held::Unseen,
        _ => Held::Stranger,
    }
}

#[cfg(test)]
mod tests;
