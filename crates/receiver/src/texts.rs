//! What people read on the flag, all in one place. Pagure shows 255 characters.

use chela_contract::{BuildId, CommitId};

use crate::admission::Held;

/// Accepted, and not begun.
pub const QUEUED: &str = "Waits for a free place";
/// The source is being fetched.
pub const FETCHING: &str = "Fetches the source";
/// Every phase went well.
pub const SUCCEEDED: &str = "The build succeeded";
/// Somebody who runs the receiver stopped it.
pub const STOPPED: &str = "Stopped by the operator";
/// It was held, and no committer asked for it in the time that builds are kept.
pub const EXPIRED: &str = "No committer asked for it in time; a rebuild can still be asked for";

/// A stranger's build, and how it gets going.
#[must_use]
pub fn held(commit: Option<&CommitId>, why: Held) -> String {
    let Some(commit) = commit.map(short) else {
        return "Waits: Pagure does not know the commit yet; once it does, a committer can ask for \
                a rebuild"
            .to_owned();
    };
    match why {
        Held::Stranger => format!("Waits for a committer to ask for a rebuild of {commit}"),
        Held::Unseen => format!(
            "Waits for a committer to ask again for a rebuild of {commit}: it came after what was \
             asked for"
        ),
    }
}

/// A newer build of the same pull request took its place.
#[must_use]
pub fn overtaken(by: BuildId) -> String {
    format!("Canceled: build {by} of this pull request is newer")
}

/// The same, where the newer build is of another commit.
#[must_use]
pub fn outdated(commit: &CommitId) -> String {
    format!("Canceled: {} is newer", short(commit))
}

/// A phase that has begun.
#[must_use]
pub fn phase(name: &str) -> String {
    format!("Phase {name}")
}

/// The build ran longer than it may.
#[must_use]
pub fn timed_out(after: &str) -> String {
    format!("Stopped after {after}, the job's time-out")
}

/// The receiver stopped while the build ran, and the job is not to be run again by itself.
pub const INTERRUPTED: &str =
    "The receiver stopped while the build ran; ask for a rebuild to run it again";
/// The receiver stopped each time that it ran.
pub const INTERRUPTED_OFTEN: &str =
    "The receiver stopped every time this build ran; ask its operator";
/// The receiver stopped, and the build waits to be run again.
pub const AGAIN: &str = "Runs again: the receiver stopped while it ran";

/// The source could not be had, yet.
#[must_use]
pub fn postponed(why: &str) -> String {
    format!("Waits to fetch the source again: {why}")
}

/// Without the characters that Pagure's page cannot show, and would replace (contract, section 2.2).
#[must_use]
pub fn plain(text: &str) -> String {
    let shown = |c| match c {
        '\'' => '\u{2019}',
        '"' => '\u{201d}',
        '<' => '\u{2039}',
        '>' => '\u{203a}',
        '&' => '\u{ff06}',
        other => other,
    };
    text.chars().map(shown).collect()
}

/// The first twelve digits.
#[must_use]
pub fn short(commit: &CommitId) -> String {
    commit.as_str().chars().take(12).collect()
}
