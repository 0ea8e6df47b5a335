//! `chela verify`: what is right and what is wrong with a recorded message.

use std::fmt::Display;

use chela_contract::{
    BuildRequest, Micros, Report, TOLERANCE_SECONDS,
    webhook::{self, Key, Unverified},
};
use serde::Serialize;

use crate::{
    cli::{MessageKind, VerifyArgs},
    input::{self, Unreadable},
    output::{Exit, Line, Shown, harmless},
    texts,
};

/// All findings on a message.
#[derive(Serialize)]
pub struct Findings {
    valid: bool,
    findings: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    check: Check,
    ok: bool,
    text: String,
}

/// What was looked at.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Check {
    Headers,
    Signature,
    Age,
    Body,
    Id,
}

/// A message as it was recorded.
struct Recorded {
    headers: String,
    body: Vec<u8>,
    at: Micros,
}

/// Reads the files and looks at everything.
pub fn run(args: &VerifyArgs) -> Result<Findings, Unreadable> {
    let key = input::key(&args.token_file)?;
    let recorded = Recorded {
        headers: input::text(&args.headers)?,
        body: input::bytes(&args.body)?,
        at: args.at.unwrap_or_else(|| jiff::Timestamp::now().into()),
    };
    Ok(Findings::on(&recorded, args.message, &key))
}

impl Findings {
    fn on(recorded: &Recorded, kind: MessageKind, key: &Key) -> Self {
        let mut findings = vec![content_type(recorded)];
        findings.extend(authentication(recorded, kind, key));
        findings.extend(body(recorded, kind));
        Self {
            valid: findings.iter().all(|finding| finding.ok),
            findings,
        }
    }
}

impl Shown for Findings {
    fn lines(&self) -> Vec<Line> {
        let line = |finding: &Finding| {
            let text = harmless(&finding.text);
            if finding.ok {
                Line::Good("ok   ", text)
            } else {
                Line::Bad("wrong", text)
            }
        };
        let summary = if self.valid {
            "The message is valid."
        } else {
            "The message is not valid."
        };
        let findings = self.findings.iter().map(line);
        findings.chain([Line::Plain(summary.to_owned())]).collect()
    }

    fn exit(&self) -> Exit {
        if self.valid {
            Exit::Done
        } else {
            Exit::Refused
        }
    }
}

impl Finding {
    fn good(check: Check, text: impl Display) -> Self {
        Self {
            check,
            ok: true,
            text: text.to_string(),
        }
    }

    fn bad(check: Check, text: impl Display) -> Self {
        Self {
            check,
            ok: false,
            text: text.to_string(),
        }
    }
}

impl Recorded {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.headers.lines().filter_map(|line| line.split_once(':'));
        let mut values = lines.filter(|(found, _)| found.trim().eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value.trim())
    }

    fn signature(&self, key: &Key, body: &[u8], at: Micros) -> Result<(), Unverified> {
        let [id, timestamp, signature] =
            [webhook::ID, webhook::TIMESTAMP, webhook::SIGNATURE].map(|name| self.header(name));
        key.verify(id, timestamp, signature, body, at)
    }

    /// When its sender says that it was sent.
    fn sent(&self) -> Option<Micros> {
        let seconds: i64 = self.header(webhook::TIMESTAMP)?.parse().ok()?;
        Some(Micros::new(0).plus_seconds(seconds))
    }

    fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }
}

fn content_type(recorded: &Recorded) -> Finding {
    let value = recorded.header("content-type");
    let media = value
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    match media {
        Some(media) if media.eq_ignore_ascii_case("application/json") => {
            Finding::good(Check::Headers, "Content-Type is application/json.")
        }
        Some(media) => Finding::bad(
            Check::Headers,
            format!("Content-Type is {media}; it must be application/json."),
        ),
        None => Finding::bad(
            Check::Headers,
            "Content-Type is missing; it must be application/json.",
        ),
    }
}

/// A report may carry the token instead of a signature (contract, section 2.1).
fn authentication(recorded: &Recorded, kind: MessageKind, key: &Key) -> Vec<Finding> {
    match recorded.bearer() {
        Some(bearer)
            if kind == MessageKind::Report && recorded.header(webhook::SIGNATURE).is_none() =>
        {
            vec![if key.is_bearer(bearer) {
                Finding::good(Check::Signature, "The bearer token is the CI token.")
            } else {
                Finding::bad(Check::Signature, "The bearer token is not the CI token.")
            }]
        }
        _ => signed(recorded, key),
    }
}

fn signed(recorded: &Recorded, key: &Key) -> Vec<Finding> {
    // As of its own time, so that an old recording's signature can be told from a wrong one.
    let sent = recorded.sent();
    let signature = match recorded.signature(key, &recorded.body, sent.unwrap_or(recorded.at)) {
        Ok(()) => Finding::good(
            Check::Signature,
            "The signature matches the CI token and the body.",
        ),
        Err(Unverified::Mismatch) => mismatch(recorded, key),
        Err(error) => Finding::bad(Check::Signature, sentence(error)),
    };
    let age = sent.map(|sent| age(sent, recorded.at));
    [Some(signature), age].into_iter().flatten().collect()
}

fn mismatch(recorded: &Recorded, key: &Key) -> Finding {
    let text = match unlike_the_file(recorded, key) {
        Some(hint) => hint.to_owned(),
        None => format!(
            "{}; {}.",
            capitalised(&Unverified::Mismatch),
            texts::SIGNATURE_HINTS
        ),
    };
    Finding::bad(Check::Signature, text)
}

/// Whether the recording, not the message, is at fault.
fn unlike_the_file(recorded: &Recorded, key: &Key) -> Option<&'static str> {
    let at = recorded.sent()?;
    let trimmed = recorded.body.trim_ascii_end();
    let matches = |body: &[u8]| recorded.signature(key, body, at).is_ok();
    if trimmed.len() < recorded.body.len() && matches(trimmed) {
        return Some(texts::EXTRA_LINE_END);
    }
    let longer = [&recorded.body[..], b"\n"].concat();
    matches(&longer).then_some(texts::MISSING_LINE_END)
}

fn age(sent: Micros, at: Micros) -> Finding {
    let seconds = at.seconds() - sent.seconds();
    if seconds.abs() <= TOLERANCE_SECONDS {
        return Finding::good(Check::Age, "webhook-timestamp is at most 5 minutes off.");
    }
    let direction = if seconds > 0 { "before" } else { "after" };
    let off = seconds.abs();
    Finding::bad(
        Check::Age,
        format!(
            "webhook-timestamp is {off} s {direction} {at}, which is more than 5 minutes; check both \
             clocks, or give the time at which it was received with --at."
        ),
    )
}

fn body(recorded: &Recorded, kind: MessageKind) -> Vec<Finding> {
    let named = match kind {
        MessageKind::Request => BuildRequest::from_body(&recorded.body).map(|request| {
            let same = id(recorded, &request.build_id.to_string());
            ("a build request", Some(same))
        }),
        MessageKind::Report => {
            Report::from_body(&recorded.body, recorded.at).map(|_| ("a build report", None))
        }
    };
    match named {
        Ok((name, id)) => {
            let good = Finding::good(Check::Body, format!("The body is {name}."));
            [Some(good), id].into_iter().flatten().collect()
        }
        Err(invalid) => vec![Finding::bad(
            Check::Body,
            format!(
                "{} (a receiver answers {})",
                sentence(&invalid),
                invalid.status
            ),
        )],
    }
}

/// The id of a request is its build's (contract, section 1.2).
fn id(recorded: &Recorded, build: &str) -> Finding {
    match recorded.header(webhook::ID) {
        Some(id) if id == build => Finding::good(Check::Id, "webhook-id is the build's id."),
        Some(id) => Finding::bad(
            Check::Id,
            format!("webhook-id is {id}; it must be the build's id, {build}."),
        ),
        None => Finding::bad(
            Check::Id,
            format!("webhook-id is missing; it must be {build}."),
        ),
    }
}

fn sentence(error: impl Display) -> String {
    format!("{}.", capitalised(&error))
}

/// With a capital, unless it begins with a name such as `data.percent` or `webhook-id`.
fn capitalised(error: &dyn Display) -> String {
    let text = error.to_string();
    match text.split_once(' ') {
        Some((first, rest))
            if !first.is_empty() && first.chars().all(|c| c.is_ascii_lowercase()) =>
        {
            format!("{}{} {rest}", first[..1].to_ascii_uppercase(), &first[1..])
        }
        _ => text,
    }
}
