//! `chela report`: one report to Pagure, tried until it is told or given up.

use std::{path::Path, thread, time::Duration};

use chela_contract::{BuildId, Micros, Report, Shown as Flag, webhook::Key};
use chela_outbound::{
    Answer, Audience, Backoff, Destination, Failure, Message, NotBefore, Policy, Refused, Sender,
    USER_AGENT, Verdict,
};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::{
    cli::ReportArgs,
    input::{self, Unreadable},
    output::{Exit, Line, Output, Shown},
};

/// Why no report can be made of the arguments.
#[derive(Debug, thiserror::Error)]
pub enum Mistake {
    /// A file.
    #[error(transparent)]
    File(#[from] Unreadable),
    /// Nobody says where Pagure is.
    #[error("where to? Give --pagure and --project, or --report-url")]
    Nowhere,
    /// `CHELA_REPORT_URL` is text from outside; the forge is the caller's own choice.
    #[error("{url} is not on {pagure}: reports go to the forge of --pagure only")]
    Elsewhere {
        /// Where the report should go.
        url: String,
        /// Where it may go.
        pagure: String,
    },
    /// The forge's address.
    #[error("{}", .0.explain(Audience::Program))]
    Destination(#[from] Refused),
    /// The forge's address.
    #[error("--pagure is no address of a forge: {0}")]
    Pagure(#[from] url::ParseError),
    /// What a receiver would refuse as well.
    #[error("the report is not valid: {0}")]
    Invalid(#[from] chela_contract::Invalid),
}

/// What came of it.
#[derive(Serialize)]
pub struct Told {
    verdict: Word,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<Value>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Accepted,
    Refused,
    GaveUp,
}

/// Signs the report and sends it until it is told, refused for good or given up.
pub fn run(args: &ReportArgs, output: &Output) -> Result<Told, Mistake> {
    let destination = Destination::parse(target(args)?.as_str(), None, None, &Policy::unguarded())?;
    let first_at = now();
    let body = report(args, first_at)?.to_body();
    let mut post = Post {
        key: input::key(&args.token_file)?,
        // As unique as a build's.
        id: BuildId::new(first_at).to_string(),
        sender: Sender::default(),
        destination,
        body,
    };
    for attempts in 1.. {
        let result = post.send();
        let (reason, after) = match Verdict::of_report(&result, Audience::Program) {
            Verdict::Accepted => return Ok(Told::by(result.ok().as_ref(), attempts)),
            Verdict::Refused { reason } => return Ok(Told::not(Word::Refused, reason, attempts)),
            Verdict::Retry { reason, after } => (reason, after),
        };
        let give_up = first_at.get().saturating_add(micros(args.give_up_after));
        let next = Backoff::next(attempts, first_at, now(), after, dice());
        let Some(next) = next.filter(|next| next.0 <= Micros::new(give_up)) else {
            return Ok(Told::not(Word::GaveUp, reason, attempts));
        };
        let wait = next.step(now());
        output.progress(format_args!("{reason}; trying again in {wait} s"));
        sleep_until(next);
        post.read_token_again(&args.token_file, &result);
    }
    unreachable!("an endless loop")
}

/// A report, ready to be sent again and again.
struct Post {
    key: Key,
    id: String,
    sender: Sender,
    destination: Destination,
    body: String,
}

impl Post {
    fn send(&self) -> Result<Answer, Failure> {
        let message = Message {
            id: &self.id,
            body: self.body.as_bytes(),
            key: &self.key,
            user_agent: USER_AGENT,
        };
        self.sender
            .send(&self.destination, &message, &Policy::unguarded(), now())
    }

    /// A 401 may be a token that was just renewed (contract, section 2.4).
    fn read_token_again(&mut self, file: &Path, result: &Result<Answer, Failure>) {
        let unauthorized = result.as_ref().is_ok_and(|answer| answer.status == 401);
        if unauthorized && file != Path::new("-") {
            // A file that is being written anew is read again after the next answer.
            if let Ok(key) = input::key(file) {
                self.key = key;
            }
        }
    }
}

/// To the caller's own forge, or, without one, where the build's variables say.
fn target(args: &ReportArgs) -> Result<Url, Mistake> {
    match (&args.pagure, &args.project, &args.report_url) {
        (Some(pagure), Some(project), _) => Ok(project.report_url(pagure.as_str())?),
        (Some(pagure), None, Some(url)) if url.origin() != pagure.origin() => {
            Err(Mistake::Elsewhere {
                url: url.to_string(),
                pagure: pagure.to_string(),
            })
        }
        (_, _, Some(url)) => Ok(url.clone()),
        _ => Err(Mistake::Nowhere),
    }
}

fn report(args: &ReportArgs, now: Micros) -> Result<Report, Mistake> {
    let at = args.timestamp.unwrap_or(now);
    let report = Report {
        build_id: args.build_id,
        context: args.context.clone(),
        commit: args.commit.clone(),
        pull_request: args.pull_request,
        shown: Flag::new(at, args.status, args.percent, &args.url, &args.description),
    };
    // Read as Pagure reads it, so that a mistake is told before anything is sent.
    Ok(Report::from_body(report.to_body().as_bytes(), now)?)
}

fn now() -> Micros {
    jiff::Timestamp::now().into()
}

/// The fraction of the second is dice enough to keep two senders apart.
fn dice() -> f64 {
    f64::from(u32::try_from(now().get().rem_euclid(1_000_000)).unwrap_or_default()) / 1e6
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn sleep_until(next: NotBefore) {
    loop {
        match next.step(now()) {
            0 => return,
            seconds => thread::sleep(Duration::from_secs(seconds)),
        }
    }
}

impl Told {
    /// Pagure's route answers with what became of the flag; anything else is not Pagure's route.
    fn by(answer: Option<&Answer>, attempts: u32) -> Self {
        let said: Option<Value> = answer.and_then(|a| serde_json::from_slice(&a.body).ok());
        let applied = said.as_ref().and_then(|said| said["applied"].as_bool());
        let Some(applied) = applied else {
            let reason = "the answer is not that of Pagure's route for reports; check --pagure and \
                          --project, and that the plugin is installed there";
            return Self::not(Word::Refused, reason.to_owned(), attempts);
        };
        let flag = said
            .map(|mut said| said["flag"].take())
            .filter(|flag| !flag.is_null());
        Self {
            verdict: Word::Accepted,
            attempts,
            reason: None,
            applied: Some(applied),
            flag,
        }
    }

    fn not(verdict: Word, reason: String, attempts: u32) -> Self {
        Self {
            verdict,
            attempts,
            reason: Some(reason),
            applied: None,
            flag: None,
        }
    }
}

impl Shown for Told {
    fn lines(&self) -> Vec<Line> {
        let reason = || self.reason.clone().unwrap_or_default();
        vec![match (self.verdict, self.applied) {
            (Word::Accepted, Some(false)) => {
                let text = "the flag already shows something newer".to_owned();
                Line::Good("accepted:", text)
            }
            (Word::Accepted, _) => Line::Good("accepted:", "the flag shows it".to_owned()),
            (Word::Refused, _) => Line::Bad("refused:", reason()),
            (Word::GaveUp, _) => {
                let text = format!("{} (attempts: {})", reason(), self.attempts);
                Line::Open("given up:", text)
            }
        }]
    }

    fn exit(&self) -> Exit {
        match self.verdict {
            Word::Accepted => Exit::Done,
            Word::Refused => Exit::Refused,
            Word::GaveUp => Exit::Later,
        }
    }
}
