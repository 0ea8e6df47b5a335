//! Which of a commit's flags a report or a delivery changes, and how: decided from the rows that
//! are there, so that any interleaving of any messages ends in the same flags.

use chela_contract::{BuildId, CommitId, Context, Event, Micros, Report, Shown, Status};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

use crate::flag::{Held, Precision, Progress, Requester};

/// More flags than anybody reads, on one commit for one pull request.
const MAX_CONTEXTS: usize = 50;
/// Wishes for one head of a pull request within this many seconds are one.
const ONE_WISH_SECONDS: i64 = 10;

/// What a flag speaks of, together with its context: project, commit, pull request.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The forge's own secret: whoever does not know it cannot guess a flag's uid.
    pub secret: SecretString,
    /// The project's number in the database.
    pub project: i64,
    /// The commit that is flagged.
    pub commit: CommitId,
    /// The pull request that it was built for.
    pub pull_request: Option<u32>,
    /// The project's job, which names the check where a report does not.
    pub job: String,
    /// What the database keeps of a moment.
    pub precision: Precision,
}

/// A row of `commit_flags`, as far as it could be read as ours.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its uid.
    pub uid: String,
    /// The name that it shows.
    pub context: String,
    /// What it holds; `None` for a status that is not one of the contract's.
    pub held: Option<Held>,
}

/// The values of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    /// The row's uid, 32 hexadecimal digits.
    pub uid: String,
    /// The name that it shows.
    pub context: Context,
    /// What it holds.
    pub held: Held,
}

/// A row to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What to write.
    pub values: Values,
    /// Whether the row is new.
    pub new: bool,
    /// Whether anybody is told: only a new flag and a change of status are news.
    pub notify: bool,
}

/// What to do about a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What the flag shows afterwards.
    pub shows: Values,
    /// The row to write; `None` if the report is not greater than what the flag shows.
    pub write: Option<Write>,
    /// The uid of the delivery's own flag, which the first report under another name replaces.
    pub remove: Option<String>,
}

/// Why a report is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The commit has too many flags of this pull request.
    #[error("the commit has 50 flags already; report under one of their contexts")]
    TooManyContexts,
}

/// A step of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryStep {
    /// The build is wanted and nothing has been sent.
    Begin,
    /// An attempt is about to be made, after so many that failed.
    Look(u32),
    /// So many attempts have failed, and another will follow.
    Waiting(u32),
    /// The CI service took it.
    Accepted,
    /// There will be no further attempt.
    End(Status),
}

/// What a delivery does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Goes on, with this row written first.
    Go(Option<Write>),
    /// Is over.
    Over(Ended),
}

/// Why a delivery is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The CI service has the build: it said so, or it has reported.
    Delivered,
    /// A newer build of the same pull request, commit and job took its place.
    Superseded,
    /// Somebody asked for the same a moment ago.
    Merged,
    /// Another message goes on with it.
    HandedOn,
}

impl Ended {
    /// A word for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Superseded => "superseded",
            Self::Merged => "merged",
            Self::HandedOn => "handed on",
        }
    }
}

impl Subject {
    /// The uid of the flag with this context: 32 hexadecimal digits that nobody can guess.
    #[must_use]
    pub fn uid(&self, context: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret().as_bytes())
            .expect("HMAC takes a key of any length");
        let pull_request = self
            .pull_request
            .map_or("-".to_owned(), |id| id.to_string());
        let parts = [
            "chela-flag",
            &self.project.to_string(),
            self.commit.as_str(),
            &pull_request,
        ];
        for part in parts {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        mac.update(context.as_bytes());
        let digest = mac.finalize().into_bytes();
        let half: [u8; 16] = digest[..16].try_into().expect("a SHA-256 has 32 bytes");
        format!("{:032x}", u128::from_be_bytes(half))
    }

    /// The context of a report that names none, and of the delivery's own flag.
    #[must_use]
    pub fn default_context(&self) -> Context {
        let event = if self.pull_request.is_some() {
            Event::PullRequest
        } else {
            Event::Commit
        };
        Context::for_job(&self.job, event)
    }

    /// What a report changes, given all rows of the commit in this project.
    pub fn plan_report(&self, rows: &[Row], report: &Report) -> Result<Plan, Refused> {
        let own = self.default_context();
        let context = report.context.clone().unwrap_or_else(|| own.clone());
        let uid = self.uid(context.as_str());
        // Only what was reported here: strangers can open any number of pull requests with one head,
        // and set flags of their own through Pagure's API.
        let own_rows = rows
            .iter()
            .filter(|row| self.uid(&row.context) == row.uid)
            .count();
        if own_rows >= MAX_CONTEXTS && find(rows, &uid).is_none() {
            return Err(Refused::TooManyContexts);
        }
        let held = Held::report(report.build_time(), report.shown.clone(), self.precision);
        let own_uid = self.uid(own.as_str());
        let remove = find(rows, &own_uid)
            .filter(|row| row.uid != uid)
            .and_then(|row| row.held.as_ref())
            .filter(|own| own.progress().is_some() && own.build <= held.build)
            .map(|_| own_uid);
        let values = Values { uid, context, held };
        let write = write(rows, &values);
        let shows = match (
            &write,
            find(rows, &values.uid).and_then(|row| row.held.clone()),
        ) {
            (None, Some(held)) => Values { held, ..values },
            _ => values,
        };
        Ok(Plan {
            shows,
            write,
            remove,
        })
    }

    /// What a step of a delivery changes, and whether the delivery goes on.
    #[must_use]
    pub fn plan_delivery(
        &self,
        rows: &[Row],
        build: BuildId,
        requester: Requester,
        step: &DeliveryStep,
        shown: Shown,
    ) -> Delivery {
        let context = self.default_context();
        let uid = self.uid(context.as_str());
        let make = |progress, shown| {
            Held::delivery(build.time(), progress, requester, shown, self.precision)
        };
        let first = make(Progress::Waiting(0), shown.clone());
        if let Some(over) = self.over(rows, &uid, &first, requester, step) {
            return Delivery::Over(over);
        }
        let (progress, status) = match step {
            DeliveryStep::Begin => (Progress::Waiting(0), Status::Pending),
            DeliveryStep::Look(_) => return Delivery::Go(None),
            DeliveryStep::Waiting(attempt) => (Progress::Waiting(*attempt), Status::Pending),
            DeliveryStep::Accepted => (Progress::Accepted, Status::Pending),
            DeliveryStep::End(status) => (Progress::Ended, *status),
        };
        let held = make(progress, Shown { status, ..shown });
        Delivery::Go(write(rows, &Values { uid, context, held }))
    }

    fn over(
        &self,
        rows: &[Row],
        uid: &str,
        first: &Held,
        requester: Requester,
        step: &DeliveryStep,
    ) -> Option<Ended> {
        if self.reported(rows, first.build) {
            return Some(Ended::Delivered);
        }
        let own = find(rows, uid).and_then(|row| row.held.as_ref())?;
        if own.build > first.build {
            return Some(Ended::Superseded);
        }
        let progress = own.progress();
        if own.build == first.build {
            return match (progress, step) {
                (Some((Progress::Accepted | Progress::Ended, _)), _) => Some(Ended::Delivered),
                // The next message is published before its attempt is written down: whoever finds
                // more attempts than its own was handed out a second time.
                (Some((Progress::Waiting(made), _)), DeliveryStep::Look(mine)) if made > *mine => {
                    Some(Ended::HandedOn)
                }
                _ => None,
            };
        }
        // Two branches may be pushed with one commit, and both want their build; a pull request's
        // head wants one, however often somebody clicks and however often Pagure finds it.
        if *step != DeliveryStep::Begin || self.pull_request.is_none() {
            return None;
        }
        // A report keeps no requester: only a stranger's wish is surely no stronger than its own.
        let earlier = progress.map_or(Requester::Stranger, |(_, earlier)| earlier);
        let waiting = matches!(progress, Some((Progress::Waiting(_), _)));
        let just_now = first.build <= own.build.plus_seconds(ONE_WISH_SECONDS);
        // A stranger's click must not push a committer's waiting build aside; two equal ones within
        // seconds are one wish. Otherwise the newer takes the place of the older.
        let merged = own.is_pending()
            && earlier >= requester
            && (just_now || (waiting && earlier > requester));
        merged.then_some(Ended::Merged)
    }

    /// Whether the CI service has reported this build, under whatever context.
    fn reported(&self, rows: &[Row], build: Micros) -> bool {
        rows.iter().any(|row| {
            let ours = || self.uid(&row.context) == row.uid;
            row.held
                .as_ref()
                .is_some_and(|held| held.build == build && held.progress().is_none() && ours())
        })
    }
}

fn find<'a>(rows: &'a [Row], uid: &str) -> Option<&'a Row> {
    rows.iter().find(|row| row.uid == uid)
}

fn write(rows: &[Row], values: &Values) -> Option<Write> {
    let row = find(rows, &values.uid);
    let stands = row.and_then(|row| row.held.as_ref());
    if stands.is_some_and(|stands| *stands >= values.held) {
        return None;
    }
    let news = stands.is_none_or(|stands| stands.shown.status != values.held.shown.status);
    Some(Write {
        values: values.clone(),
        new: row.is_none(),
        notify: news,
    })
}
