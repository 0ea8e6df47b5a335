//! What people read of a build that `trigger` does not get to start, all in one place.

use chela_contract::CommitId;
use chela_receiver::{Overtaken, texts};

use super::source::TimeLimit;

/// The engine has taken it; `notes` say what of its source is not there as the commit has it.
pub fn started(notes: &[String]) -> String {
    match notes {
        [] => "Started".to_owned(),
        [note] => format!("Started. {note}"),
        [note, more @ ..] => format!("Started. {note} ({} more)", more.len()),
    }
}

/// A newer build of the same pull request took its place.
pub fn overtaken(commit: Option<&CommitId>, by: &Overtaken) -> String {
    match &by.commit {
        Some(other) if Some(other) != commit => texts::outdated(other),
        _ => texts::overtaken(by.by),
    }
}

/// The engine has no room.
pub fn capacity(why: &str) -> String {
    format!("Waits for capacity: {why}")
}

/// Something is in the way, for now.
pub fn waits(why: &str) -> String {
    format!("Waits to be started: {why}")
}

/// What was in the way for now has been so for a day.
pub fn gave_up(why: &str) -> String {
    format!("Could not be started within a day: {why}")
}

/// Who asked cannot push, and the settings say that such requests are refused.
pub const REFUSED: &str = "Only who can push to the target branch may have this built; a committer \
                           can ask for a rebuild once the commit is theirs, or the receiver's \
                           operator can let strangers be held";

/// Whoever asked does not have the project in the settings any more.
pub fn no_project(project: &str) -> String {
    format!(
        "The receiver takes no requests for {project} from this caller any more; its operator can \
         add the project below that caller in CHELA_CONFIG"
    )
}

/// The process was ended each time, in the midst of it.
pub fn died(times: u32) -> String {
    format!(
        "The function trigger was ended {times} times before the build had started; look into its \
         log, raise its memory and time-out, then ask for a rebuild"
    )
}

/// The engine needs no source, so that nothing tells the commit.
pub const NO_COMMIT: &str = "Pagure does not know the commit yet, and the CodeBuild project takes no \
                             source that could tell; ask for a rebuild later";

/// Fetching takes longer than it may.
pub fn too_slow(limit: TimeLimit) -> String {
    let seconds = limit.time().as_secs();
    match limit {
        TimeLimit::Setting(_) => format!(
            "Fetching took longer than {seconds} s; raise CHELA_MAX_SECONDS, and the time-out of \
             the function trigger with it, or make the repository smaller"
        ),
        TimeLimit::Invocation(_) => format!(
            "Fetching took longer than the {seconds} s that the invocation had left; raise the \
             time-out of the function trigger (15 minutes at most), or make the repository smaller"
        ),
    }
}

/// The function's own disk is full.
pub const NO_STORAGE: &str = "The repository does not fit on the disk of the function trigger; \
                              raise its ephemeral storage (10 GB at most)";

/// A limit that can be set.
pub fn too_much(why: &str, setting: &str) -> String {
    format!("{why}: {setting} of the function trigger")
}

/// The egress guard does not let it through.
pub fn refused_clone(why: &str) -> String {
    format!("The clone URL cannot be used: {why}")
}

/// Others write the same head all the time.
pub const CONTENDED: &str = "Other builds of the pull request came between again and again";

/// The record of a build is gone while the build is carried out.
pub const GONE: &str = "The build's record has gone from the ledger; see to it that the ledger's \
                        bucket keeps builds/ for 45 days, then ask for a rebuild";
