//! The build report: what a CI system says of a build (contract, section 2.2).

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{BuildId, CommitId, Context, Event, Micros, Shown};

/// The `type` of a build report.
pub(crate) const TYPE: &str = "build.reported";
/// A longer report is refused unread (413). Bytes.
pub const MAX_REPORT_BYTES: usize = 64 * 1024;

/// What became of a build. Ordered: of two reports of one moment the greater stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits or runs.
    Pending,
    /// Ended well.
    Success,
    /// Was stopped, or a newer commit took its place.
    Canceled,
    /// Ended badly: the commit's fault.
    Failure,
    /// Could not be carried out: not the commit's fault.
    Error,
}

impl Status {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Canceled => "canceled",
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }

    /// The status with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Pending,
            Self::Success,
            Self::Canceled,
            Self::Failure,
            Self::Error,
        ]
        .into_iter()
        .find(|status| status.as_str() == word)
    }
}

/// A report, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The build that it speaks of; `None` from a system that Chela did not ask.
    pub build_id: Option<BuildId>,
    /// The check's name; `None` means the job's own ([`Context::for_job`]).
    pub context: Option<Context>,
    /// The commit that was built.
    pub commit: CommitId,
    /// The pull request that it was built for, or `None` for a commit's build.
    pub pull_request: Option<u32>,
    /// When and what: the part that a flag shows and that orders the reports.
    pub shown: Shown,
}

/// Why a message is refused, and whose fault it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member}: {detail}")]
pub struct Invalid {
    /// The member at fault, as a path such as `data.percent`; `body` if it is no JSON at all.
    pub member: String,
    /// What is wrong and what to write instead.
    pub detail: String,
    /// The HTTP status that says so: 400, 413 or 422.
    pub status: u16,
}

impl Invalid {
    pub(crate) fn malformed(member: &str, detail: impl Into<String>) -> Self {
        Self {
            member: member.to_owned(),
            detail: detail.into(),
            status: 400,
        }
    }

    pub(crate) fn out_of_range(member: &str, detail: impl Into<String>) -> Self {
        Self {
            member: member.to_owned(),
            detail: detail.into(),
            status: 422,
        }
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        let detail = format!("longer than {} KiB", limit / 1024);
        Self {
            member: "body".to_owned(),
            detail,
            status: 413,
        }
    }
}

impl Report {
    /// The event that the report answers.
    #[must_use]
    pub fn event(&self) -> Event {
        if self.pull_request.is_some() {
            Event::PullRequest
        } else {
            Event::Commit
        }
    }

    /// When its build was asked for: out of the build's id, else the report's own time.
    #[must_use]
    pub fn build_time(&self) -> Micros {
        self.build_id.map_or(self.shown.at, BuildId::time)
    }

    /// Reads a body as it arrived at `now`; members that this version does not know are ignored.
    pub fn from_body(body: &[u8], now: Micros) -> Result<Self, Invalid> {
        if body.len() > MAX_REPORT_BYTES {
            return Err(Invalid::too_large(MAX_REPORT_BYTES));
        }
        let envelope: wire::Report = read(body)?;
        envelope.check(now)
    }

    /// The body to send: one line of JSON.
    #[must_use]
    pub fn to_body(&self) -> String {
        serde_json::to_string(&wire::Report::from(self))
            .expect("a report holds strings and numbers only")
    }
}

/// Reads JSON and names the member at fault.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Invalid> {
    // serde would take an array for a struct, member by member.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Invalid::malformed("body", "must be a JSON object"));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        // Where the JSON itself breaks off, the path ends in "?" or is nothing but ".".
        let known = path.trim_end_matches(['?', '.']);
        let member = if known.is_empty() { "body" } else { known }.to_owned();
        Invalid {
            member,
            detail: error.into_inner().to_string(),
            status: 400,
        }
    })?;
    json.end()
        .map_err(|_| Invalid::malformed("body", "something follows the JSON object"))?;
    Ok(value)
}

/// The shape on the wire; what a type cannot say is checked behind it.
pub(crate) mod wire {
    use super::{
        BuildId, CommitId, Context, Deserialize, Invalid, Micros, Serialize, Shown, Status, TYPE,
    };
    use crate::shown::parse_url;

    /// A build report: CI system -> forge.
    #[derive(Serialize, Deserialize)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    pub(crate) struct Report {
        /// `build.reported`
        #[cfg_attr(feature = "schema", schemars(extend("const" = TYPE)))]
        r#type: String,
        /// When the status came about: it orders the reports of a build.
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::DateTime"))]
        timestamp: Micros,
        /// What is reported.
        data: Data,
    }

    /// What is reported of a build.
    #[derive(Serialize, Deserialize)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    struct Data {
        /// The request's; absent for systems that were not asked by it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(with = "Option<crate::schema::UuidV7>"))]
        build_id: Option<BuildId>,
        /// Names the check; the flag's name. Default: the job.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(
            feature = "schema",
            schemars(
                length(min = 1, max = 64),
                regex(pattern = r"^[A-Za-z0-9 ._/:#()+-]+$")
            )
        )]
        context: Option<String>,
        /// What became of the build.
        #[cfg_attr(feature = "schema", schemars(with = "Status"))]
        status: String,
        /// The commit that was built.
        #[cfg_attr(feature = "schema", schemars(with = "crate::schema::Commit"))]
        commit: CommitId,
        /// The pull request's number; absent for a commit's build.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 2_147_483_647)))]
        pull_request: Option<i64>,
        /// One line for people; longer than 255 characters is cut.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// Where people look for the log: absolute, http or https.
        #[cfg_attr(feature = "schema", schemars(extend("format" = "uri")))]
        url: String,
        /// How far the build is; shown while it is pending.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 100)))]
        percent: Option<i64>,
    }

    impl Report {
        pub(super) fn check(self, now: Micros) -> Result<super::Report, Invalid> {
            if self.r#type != TYPE {
                return Err(Invalid::malformed("type", format!("must be \"{TYPE}\"")));
            }
            let ahead = "more than 5 minutes in the future; check the clock";
            if self.timestamp.is_future(now) {
                return Err(Invalid::out_of_range("timestamp", ahead));
            }
            if self.timestamp.get() < 0 {
                // Databases and calendars end where RFC 3339 does not; no build is that old.
                let early = "before 1970; check the clock";
                return Err(Invalid::out_of_range("timestamp", early));
            }
            let data = self.data;
            if data.build_id.is_some_and(|id| id.time().is_future(now)) {
                return Err(Invalid::out_of_range("data.build_id", ahead));
            }
            let status = Status::from_word(&data.status).ok_or_else(|| {
                let words = "use pending, success, failure, error or canceled";
                Invalid::out_of_range("data.status", words)
            })?;
            let context = data.context.map(Context::try_from).transpose();
            let context =
                context.map_err(|e| Invalid::out_of_range("data.context", e.to_string()))?;
            let url = parse_url(&data.url).ok_or_else(|| {
                Invalid::malformed("data.url", "write an absolute http or https URL")
            })?;
            let pull_request = data.pull_request.map(pull_request).transpose()?;
            let percent = data.percent.map(percent).transpose()?;
            let description = data.description.as_deref().unwrap_or_default();
            Ok(super::Report {
                build_id: data.build_id,
                context,
                commit: data.commit,
                pull_request,
                shown: Shown::new(self.timestamp, status, percent, &url, description),
            })
        }
    }

    fn pull_request(id: i64) -> Result<u32, Invalid> {
        // Pagure keeps it in a signed column of 32 bits.
        u32::try_from(id)
            .ok()
            .filter(|id| (1..=0x7fff_ffff).contains(id))
            .ok_or_else(|| Invalid::out_of_range("data.pull_request", "use the number in its URL"))
    }

    fn percent(percent: i64) -> Result<u8, Invalid> {
        u8::try_from(percent)
            .ok()
            .filter(|percent| *percent <= 100)
            .ok_or_else(|| Invalid::out_of_range("data.percent", "use a number from 0 to 100"))
    }

    impl From<&super::Report> for Report {
        fn from(report: &super::Report) -> Self {
            let shown = &report.shown;
            Self {
                r#type: TYPE.to_owned(),
                timestamp: shown.at,
                data: Data {
                    build_id: report.build_id,
                    context: report.context.clone().map(String::from),
                    status: shown.status.as_str().to_owned(),
                    commit: report.commit.clone(),
                    pull_request: report.pull_request.map(i64::from),
                    description: Some(shown.description.clone()),
                    url: shown.url.clone(),
                    percent: shown.percent.map(i64::from),
                },
            }
        }
    }
}
