//! Every text of the demonstration.

use std::{fmt::Write as _, io, path::Path};

use url::Url;

use crate::forge::{Flag, PullRequest};

/// What stands where nothing has been heard yet.
pub const NOTHING_YET: &str = "-";

/// What runs where.
pub fn started(forge: &Url, receiver: &Url) -> String {
    format!(
        "A small forge that stands in for Pagure: {forge}\n\
         A receiver, as `chela serve` runs it: {receiver}"
    )
}

/// What happens now.
pub const ASKING: &str = "\nTwo pull requests ask for their builds:\n";

/// Where a build's page is.
pub fn address(pull_request: u32, url: &str) -> String {
    format!("The log of #{pull_request}: {url}")
}

/// A pull request's name: the number and the title.
pub fn name(pull_request: &PullRequest) -> String {
    format!("#{} {}", pull_request.id, pull_request.title)
}

/// How far a build is.
pub fn percent(flag: &Flag) -> String {
    let percent = flag.shown.percent;
    percent.map_or(String::new(), |percent| format!("{percent} %"))
}

/// What stands above the flags at the end.
pub const FLAGS: &str = "\nThe flags, as Pagure would show them:\n";

/// The columns of the flags' table.
pub const COLUMNS: [&str; 5] = ["pull request", "commit", "flag", "status", "description"];

/// Both builds ended as they should.
pub const AS_EXPECTED: &str =
    "As expected: the good pull request is green, and the bad one is red.";

/// A build ended in another way than it should.
pub fn otherwise(pull_request: &PullRequest, flag: &Flag) -> String {
    let name = name(pull_request);
    let (is, should) = (flag.shown.status.as_str(), pull_request.expected.as_str());
    format!("Not as expected: {name} should end as {should}, and it ended as {is}.")
}

/// How to have a look at the pages.
pub const KEEP: &str = "The pages with the logs are gone now; add --keep to leave them up.";

/// The pages can be looked at.
pub fn staying(directory: &Path) -> String {
    let directory = directory.display();
    format!("Staying up, as asked: look at the pages. Ctrl-C ends it and removes {directory}.")
}

/// The folder cannot be removed.
pub fn left_behind(directory: &Path, error: &io::Error) -> String {
    format!(
        "{} could not be removed, please do it: {error}",
        directory.display()
    )
}

/// Somebody has seen enough.
pub const INTERRUPTED: &str = "Interrupted; everything is stopped and removed.";

/// A pull request's page, in plain text.
pub fn page(pull_requests: &[PullRequest], flags: &[Flag]) -> String {
    let mut page = "This small forge stands in for Pagure.\n".to_owned();
    for pull_request in pull_requests {
        let _ = writeln!(page, "\n{}, {}", name(pull_request), pull_request.commit);
        for flag in flags
            .iter()
            .filter(|flag| flag.pull_request == Some(pull_request.id))
        {
            let (context, shown) = (&flag.context, &flag.shown);
            let (status, text) = (shown.status.as_str(), &shown.description);
            let _ = writeln!(page, "  {context}: {status} {} {text}", percent(flag));
            let _ = writeln!(page, "  {}", shown.url);
        }
    }
    page
}
