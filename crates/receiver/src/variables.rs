//! What every engine gives a build as variables: contract, section 3.

use std::collections::BTreeMap;

use chela_contract::{BuildRequest, CommitId, Event, Refname};

/// The names and values for a build of `commit`. Values are text from strangers: they are set as
/// variables and never pasted into a command line.
#[must_use]
pub fn variables(request: &BuildRequest, commit: Option<&CommitId>) -> BTreeMap<String, String> {
    let (Refname::Branch(branch) | Refname::Tag(branch)) = &request.source.refname;
    let commit = commit.map_or("", CommitId::as_str);
    let event = match request.event() {
        Event::PullRequest => "pull_request",
        Event::Commit => "commit",
    };
    let clone_url = request.source.clone_url.as_str();
    let mut all = vec![
        ("CI", "true".to_owned()),
        ("CHELA_BUILD_ID", request.build_id.to_string()),
        ("CHELA_JOB", request.job.as_str().to_owned()),
        ("CHELA_EVENT", event.to_owned()),
        ("CHELA_PROJECT", request.project.fullname.clone()),
        ("CHELA_CLONE_URL", clone_url.to_owned()),
        ("CHELA_BRANCH", branch.clone()),
        ("CHELA_COMMIT", commit.to_owned()),
        ("CHELA_REPORT_URL", request.report_url.to_string()),
        // What Pagure gives to Jenkins.
        ("REPO", clone_url.to_owned()),
        ("BRANCH", branch.clone()),
    ];
    match &request.pull_request {
        Some(pull) => all.extend([
            ("CHELA_PULL_REQUEST", pull.id.to_string()),
            ("CHELA_TARGET_BRANCH", pull.target_branch.clone()),
            ("CHELA_AUTHOR", pull.author.clone()),
            ("CHELA_AUTHOR_CAN_PUSH", pull.author_can_push.to_string()),
            ("BRANCH_TO", pull.target_branch.clone()),
            ("cause", pull.id.to_string()),
        ]),
        None => all.push(("cause", commit.to_owned())),
    }
    // A process's environment ends a value at its first NUL.
    let set = |(name, value): (&str, String)| (name.to_owned(), value.replace('\0', ""));
    all.into_iter().map(set).collect()
}
