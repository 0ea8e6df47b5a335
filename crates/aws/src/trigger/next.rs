//! Which step comes next for a build, by what the ledger says of it.
//!
//! Nothing else decides: whoever comes after a crash, or beside another delivery, reads the same
//! and goes on from there.

use chela_contract::Status;
use chela_receiver::{Held, Origin, Overtaken};

use super::texts;
use crate::heads::Standing;
use crate::record::{Execution, Record};

/// What is known of a build.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The record, as the ledger has it.
    pub record: Record,
    /// What the head says, once somebody has looked.
    pub standing: Option<Standing>,
    /// What the engine has of it, as far as the record does not tell.
    pub sight: Sight,
    /// Why it is to end, where the head knows nothing of that.
    pub doom: Option<Verdict>,
    /// How often the message was received.
    pub receives: u32,
    /// What was done in this invocation, and is not done twice.
    pub linked: bool,
    /// The same.
    pub stopped: bool,
}

/// What the engine has of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Perhaps something: an earlier invocation may have started it.
    Unknown,
    /// Nothing.
    Absent,
    /// This.
    There(Execution),
}

/// An end that no engine makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The status.
    pub status: Status,
    /// One line for people.
    pub text: String,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask the head, and end what is older.
    Admit,
    /// Say that it waits for a committer.
    Hold(Held),
    /// Bring the source, and record where it lies.
    Bring(Origin),
    /// Look whether the engine has it already.
    Find,
    /// Start it, from the record.
    Start,
    /// Record what the engine made of it.
    Keep(Execution),
    /// Remember whose execution it is, and tell that it was started.
    Link,
    /// A newer one came meanwhile: stop it.
    Overtake(Overtaken),
    /// Record the end.
    End(Verdict),
    /// Stop what runs of it although it has ended.
    Stop,
    /// Tell the end.
    Tell,
    /// Nothing is left to do.
    Done,
}

/// Of the five times that the queue hands out a message, this one is for saying what went wrong.
const LAST_CHANCE: u32 = 4;

impl Verdict {
    /// Not the commit's fault.
    pub fn error(text: impl Into<String>) -> Self {
        Self {
            status: Status::Error,
            text: text.into(),
        }
    }
}

impl Facts {
    /// Decides.
    pub fn next(&self) -> Next {
        let record = &self.record;
        if let (Sight::There(execution), None) = (&self.sight, &record.execution) {
            return Next::Keep(execution.clone());
        }
        match (&record.ended, &self.doom, &record.execution) {
            (Some(_), ..) => self.ended(),
            (None, Some(doom), _) => Next::End(doom.clone()),
            (None, None, Some(_)) => self.started(),
            (None, None, None) => self.not_started(),
        }
    }

    /// The recorded end wins over whatever the engine makes of it.
    fn ended(&self) -> Next {
        let record = &self.record;
        if record.execution.is_some() && !self.stopped {
            return Next::Stop;
        }
        // It ended while somebody was about to start it: that one may have been killed since.
        let perhaps = record.execution.is_none() && record.origin.is_some();
        if perhaps && self.sight == Sight::Unknown {
            return Next::Find;
        }
        Next::Tell
    }

    fn started(&self) -> Next {
        if !self.linked {
            return Next::Link;
        }
        match &self.standing {
            None => Next::Admit,
            Some(Standing::Overtaken(by)) => Next::Overtake(by.clone()),
            Some(Standing::Through(_) | Standing::Held(_) | Standing::Refused) => Next::Done,
        }
    }

    fn not_started(&self) -> Next {
        match &self.standing {
            None => Next::Admit,
            Some(Standing::Held(why)) => Next::Hold(*why),
            Some(Standing::Refused) => Next::End(Verdict::error(texts::REFUSED)),
            Some(Standing::Overtaken(by)) => Next::End(overtaken(&self.record, by)),
            Some(Standing::Through(origin)) => self.let_through(*origin),
        }
    }

    fn let_through(&self, origin: Origin) -> Next {
        let (step, is_light) = match (self.record.origin, &self.sight) {
            (None, _) => (Next::Bring(origin), false),
            (Some(_), Sight::Unknown) => (Next::Find, true),
            (Some(_), Sight::Absent | Sight::There(_)) => (Next::Start, false),
        };
        if is_light || self.receives < LAST_CHANCE {
            step
        } else {
            Next::End(Verdict::error(texts::died(self.receives - 1)))
        }
    }
}

/// The end of what a newer one takes the place of.
pub fn overtaken(record: &Record, by: &Overtaken) -> Verdict {
    let commit = record
        .commit
        .as_ref()
        .or(record.request.source.commit.as_ref());
    Verdict {
        status: Status::Canceled,
        text: texts::overtaken(commit, by),
    }
}
