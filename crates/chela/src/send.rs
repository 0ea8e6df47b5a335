//! `chela send`: one build request, as Pagure's plugin would send it.

use chela_contract::{
    BuildId, BuildRequest, Micros, Project, PullRequest, Reason, Refname, Report, RequestedBy,
    Source, Status,
};
use chela_outbound::{
    Answer, Audience, BadEntry, Destination, Failure, Message, Policy, Sender, Setting, USER_AGENT,
    Verdict,
};
use serde::Serialize;
use url::Url;

use crate::{
    cli::{AllowedArgs, EventArgs, ReasonArg, RefnameArgs, SendArgs},
    input::{self, Unreadable},
    output::{Exit, Line, Shown, harmless},
};

/// Why no request can be made of the arguments.
#[derive(Debug, thiserror::Error)]
pub enum Mistake {
    /// A file.
    #[error(transparent)]
    File(#[from] Unreadable),
    /// An exception from the guard.
    #[error("{}", .0.explain(Audience::Program))]
    Allowed(#[from] BadEntry),
    /// The forge's address is one that nothing can stand below.
    #[error("{pagure} is no address of a forge; write --pagure https://pagure.example.org")]
    Pagure {
        /// As given.
        pagure: Url,
    },
}

/// What came of it.
#[derive(Serialize)]
pub struct Sent {
    build_id: BuildId,
    verdict: Word,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<Pending>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Accepted,
    Refused,
    Retry,
}

/// What Pagure would show at once.
#[derive(Serialize)]
struct Pending {
    description: String,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<u8>,
}

/// Builds the request, signs it and sends it once.
pub fn run(args: &SendArgs) -> Result<Sent, Mistake> {
    let key = input::key(&args.token_file)?;
    let password = args
        .password_file
        .as_deref()
        .map(input::secret)
        .transpose()?;
    let policy = policy(&args.allowed)?;
    let now = Micros::from(jiff::Timestamp::now());
    let request = request(args, now)?;
    let (id, body) = (request.build_id.to_string(), request.to_body());
    let message = Message {
        id: &id,
        body: body.as_bytes(),
        key: &key,
        user_agent: USER_AGENT,
    };
    let result = Destination::parse(&args.to, args.username.as_deref(), password, &policy)
        .map_err(Failure::from)
        .and_then(|to| Sender::default().send(&to, &message, &policy, now));
    Ok(Sent::of(request.build_id, &result, now))
}

fn policy(allowed: &AllowedArgs) -> Result<Policy, BadEntry> {
    let settings = [
        (Setting::AllowHttp, &allowed.allow_http),
        (Setting::AllowHosts, &allowed.allow_host),
        (Setting::AllowNetworks, &allowed.allow_network),
        (Setting::AllowPorts, &allowed.allow_port),
    ];
    let mut policy = Policy::default();
    for (setting, entries) in settings {
        for entry in entries {
            policy.add(setting, entry)?;
        }
    }
    Ok(policy)
}

fn request(args: &SendArgs, now: Micros) -> Result<BuildRequest, Mistake> {
    let project = &args.project;
    let web = below(&args.pagure, &project.web_path())?;
    let own = below(&args.pagure, &format!("{}.git", project.fullname()))?;
    let clone_url = args.repo.clone().unwrap_or_else(|| own.clone());
    let pull_request = pull_request(&args.event, &web, clone_url != own)?;
    let report_url = match &args.report_url {
        Some(url) => url.clone(),
        None => below(&args.pagure, &project.report_path())?,
    };
    Ok(BuildRequest {
        build_id: args.build_id.unwrap_or_else(|| BuildId::new(now)),
        job: args.job.clone(),
        project: Project {
            name: project.name.clone(),
            namespace: project.namespace.clone(),
            fullname: project.fullname(),
            username: project.username.clone(),
            url: web,
        },
        source: Source {
            clone_url,
            refname: refname(&args.refname),
            commit: args.commit.clone(),
        },
        requested_by: requested_by(&args.event, now),
        pull_request,
        report_url,
    })
}

/// The address of this path at the forge.
fn below(pagure: &Url, path: &str) -> Result<Url, Mistake> {
    let base = pagure.as_str().trim_end_matches('/');
    let url = Url::parse(&format!("{base}/{}", path.trim_start_matches('/'))).ok();
    url.filter(|_| matches!(pagure.scheme(), "https" | "http"))
        .ok_or_else(|| Mistake::Pagure {
            pagure: pagure.clone(),
        })
}

fn refname(args: &RefnameArgs) -> Refname {
    match (&args.branch, &args.tag) {
        (Some(branch), _) => Refname::Branch(branch.clone()),
        (None, tag) => Refname::Tag(tag.clone().unwrap_or_default()),
    }
}

fn pull_request(
    args: &EventArgs,
    web: &Url,
    from_fork: bool,
) -> Result<Option<PullRequest>, Mistake> {
    let Some(id) = args.pull_request else {
        return Ok(None);
    };
    let author = args.author.as_ref().or(args.requested_by.as_ref());
    Ok(Some(PullRequest {
        id,
        title: args.title.clone(),
        url: below(web, &format!("pull-request/{id}"))?,
        author: author.cloned().unwrap_or_default(),
        author_can_push: args.author_can_push,
        target_branch: args.target_branch.clone(),
        from_fork,
    }))
}

fn requested_by(args: &EventArgs, now: Micros) -> Option<RequestedBy> {
    let reason = match (args.reason, args.pull_request) {
        (Some(ReasonArg::Opened), _) | (None, Some(_)) => Reason::Opened,
        (Some(ReasonArg::Updated), _) => Reason::Updated,
        (Some(ReasonArg::Rebuild), _) => Reason::Rebuild,
        (Some(ReasonArg::Pushed), _) | (None, None) => Reason::Pushed,
    };
    let user = args.requested_by.clone()?;
    Some(RequestedBy {
        user,
        can_push: args.can_push,
        reason,
        at: now,
    })
}

impl Sent {
    fn of(build_id: BuildId, result: &Result<Answer, Failure>, now: Micros) -> Self {
        let (verdict, reason, after) = match Verdict::of(result, Audience::Program) {
            Verdict::Accepted => (Word::Accepted, None, None),
            Verdict::Refused { reason } => (Word::Refused, Some(reason), None),
            Verdict::Retry { reason, after } => (Word::Retry, Some(reason), after),
        };
        let answer = result.as_ref().ok();
        let (pending, note) = match (verdict, answer) {
            (Word::Accepted, Some(answer)) => shown_at_once(answer, now),
            _ => (None, None),
        };
        Self {
            build_id,
            verdict,
            reason,
            retry_after_seconds: after.map(|after| after.as_secs()),
            status: answer.map(|answer| answer.status),
            pending,
            note,
        }
    }
}

/// The pending report in an answer, or why what is there is none (contract, section 1.4).
fn shown_at_once(answer: &Answer, now: Micros) -> (Option<Pending>, Option<String>) {
    if answer.body.trim_ascii().is_empty() {
        return (None, None);
    }
    let note = |why: String| {
        (
            None,
            Some(format!("the answer holds no pending report: {why}")),
        )
    };
    match Report::from_body(&answer.body, now) {
        Ok(report) if report.shown.status == Status::Pending => {
            let shown = report.shown;
            let (description, url) = (shown.description, shown.url);
            (
                Some(Pending {
                    description,
                    url,
                    percent: shown.percent,
                }),
                None,
            )
        }
        Ok(report) => note(format!("its status is {}", report.shown.status.as_str())),
        Err(invalid) => note(invalid.to_string()),
    }
}

impl Shown for Sent {
    fn lines(&self) -> Vec<Line> {
        let text = match (&self.reason, self.status) {
            (Some(reason), _) => reason.clone(),
            (None, Some(status)) => format!("the CI service answered {status}"),
            (None, None) => String::new(),
        };
        let mut lines = vec![match self.verdict {
            Word::Accepted => Line::Good("accepted:", text),
            Word::Refused => Line::Bad("refused:", text),
            Word::Retry => Line::Open("not now:", text),
        }];
        let plain = |text: String| Line::Plain(harmless(&text));
        lines.extend(
            self.retry_after_seconds
                .map(|s| plain(format!("try again after {s} s"))),
        );
        lines.extend(self.pending.as_ref().map(|pending| plain(pending.line())));
        lines.extend(self.note.clone().map(plain));
        lines.push(plain(format!("build {}", self.build_id)));
        lines
    }

    fn exit(&self) -> Exit {
        match self.verdict {
            Word::Accepted => Exit::Done,
            Word::Refused => Exit::Refused,
            Word::Retry => Exit::Later,
        }
    }
}

impl Pending {
    fn line(&self) -> String {
        let percent = self
            .percent
            .map(|percent| format!(" ({percent} %)"))
            .unwrap_or_default();
        format!("pending: {}{percent}, {}", self.description, self.url)
    }
}
