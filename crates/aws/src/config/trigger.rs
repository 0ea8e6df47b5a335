//! What the function `trigger` is set to.

use std::time::Duration;

use chela_outbound::{Audience, Policy, Setting};
use chela_receiver::{Forge, Named};
use chela_source::Limits;
use url::Url;

use super::environment::{BadSettings, BadVariable, Environment, Reader, base, bucket, queue};
use super::map::Map;

/// How the variables are called.
pub(super) mod names {
    pub const PAGURE_URL: &str = "CHELA_PAGURE_URL";
    pub const PAGURE_GIT: &str = "CHELA_PAGURE_GIT";
    pub const CONFIG: &str = "CHELA_CONFIG";
    pub const SOURCES: &str = "CHELA_SOURCES_BUCKET";
    pub const PREFIX: &str = "CHELA_SOURCES_PREFIX";
    pub const LEDGER: &str = "CHELA_LEDGER_BUCKET";
    pub const REQUESTS: &str = "CHELA_REQUESTS_QUEUE";
    pub const REPORTS: &str = "CHELA_REPORTS_QUEUE";
    pub const TOKEN: &str = "CHELA_TOKEN";
    pub const TOKEN_SECRET: &str = "CHELA_TOKEN_SECRET";
    pub const RECEIVED: &str = "CHELA_MAX_RECEIVED_MIB";
    pub const UNPACKED: &str = "CHELA_MAX_UNPACKED_MIB";
    pub const FILE: &str = "CHELA_MAX_FILE_MIB";
    pub const FILES: &str = "CHELA_MAX_FILES";
    pub const SECONDS: &str = "CHELA_MAX_SECONDS";

    /// Of both functions.
    pub const ALL: [&str; 20] = [
        PAGURE_URL,
        PAGURE_GIT,
        CONFIG,
        SOURCES,
        PREFIX,
        LEDGER,
        REQUESTS,
        REPORTS,
        TOKEN,
        TOKEN_SECRET,
        RECEIVED,
        UNPACKED,
        FILE,
        FILES,
        SECONDS,
        "CHELA_ALLOW_HTTP",
        "CHELA_ALLOW_HOSTS",
        "CHELA_ALLOW_NETWORKS",
        "CHELA_LIMIT_HOSTS",
        "CHELA_ALLOW_PORTS",
    ];
}

pub(super) const QUEUE: &str =
    "the queue's URL, such as https://sqs.eu-central-1.amazonaws.com/123456789012/chela";
pub(super) const LEDGER_BUCKET: &str = "the name of the ledger's bucket";

/// The settings of `trigger`.
#[derive(Clone, Debug)]
pub struct TriggerSettings {
    /// Pagure's address.
    pub pagure: Url,
    /// Further addresses of its repositories.
    pub git: Vec<Url>,
    /// Where the map of callers is.
    pub config: MapPlace,
    /// The bucket that sources are put into.
    pub sources: String,
    /// What their keys begin with.
    pub prefix: String,
    /// The ledger's bucket.
    pub ledger: String,
    /// The URL of the queue of requests.
    pub requests: String,
    /// The URL of the queue of reports.
    pub reports: String,
    /// What may be cloned from.
    pub egress: Policy,
    /// What a repository may cost.
    pub limits: Limits,
}

/// Where the map of callers is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MapPlace {
    /// In the variable itself.
    Here(Map),
    /// In an object of S3.
    Object {
        /// Its bucket.
        bucket: String,
        /// Its key.
        key: String,
    },
}

impl TriggerSettings {
    /// Reads them; all that is wrong is told at once.
    pub fn read(environment: &Environment) -> Result<Self, BadSettings> {
        let mut reader = Reader::new(environment, &names::ALL);
        let pagure = pagure(&mut reader);
        let git = "addresses of Pagure's repositories, such as https://git.example.org";
        let git = reader.list(names::PAGURE_GIT, git, base);
        let config = config(&mut reader);
        let sources = "the name of the bucket for sources";
        let sources = reader.required(names::SOURCES, sources, bucket);
        let prefix = "the beginning of a key, such as sources/".to_owned();
        let prefix = reader.optional(names::PREFIX, || prefix, "sources/".to_owned(), key_prefix);
        let ledger = reader.required(names::LEDGER, LEDGER_BUCKET, bucket);
        let requests = reader.required(names::REQUESTS, QUEUE, queue);
        let reports = reader.required(names::REPORTS, QUEUE, queue);
        let egress = egress(&mut reader);
        let limits = limits(&mut reader);
        let read = (|| {
            let (pagure, git) = (pagure?, git?);
            Some(Self {
                egress: policy(egress?, &pagure, &git),
                pagure,
                git,
                config: config?,
                sources: sources?,
                prefix: prefix?,
                ledger: ledger?,
                requests: requests?,
                reports: reports?,
                limits: limits?,
            })
        })();
        reader.done(read)
    }

    /// The forge whose requests are taken.
    #[must_use]
    pub fn forge(&self) -> Forge {
        Forge::new(self.pagure.clone(), self.git.clone())
            .with_names(Named {
                url: names::PAGURE_URL,
                clones: "CHELA_PAGURE_URL or CHELA_PAGURE_GIT",
            })
            .guarded(self.egress.clone())
    }
}

pub(super) fn pagure(reader: &mut Reader<'_>) -> Option<Url> {
    let write = "the address of Pagure, such as https://pagure.example.org";
    reader.required(names::PAGURE_URL, write, base)
}

fn config(reader: &mut Reader<'_>) -> Option<MapPlace> {
    let write = "the map of callers, {\"callers\": {…}}, or s3://bucket/key of an object that holds \
                 it";
    let text = reader.required(names::CONFIG, write, |text| {
        let is_one = text.starts_with('{') || object(text).is_some();
        is_one.then(|| text.to_owned())
    })?;
    if let Some((bucket, key)) = object(&text) {
        return Some(MapPlace::Object { bucket, key });
    }
    match Map::parse(&text) {
        Ok(map) => Some(MapPlace::Here(map)),
        Err(bad) => {
            reader.complain(BadVariable::Config(bad));
            None
        }
    }
}

/// `s3://bucket/key`
fn object(text: &str) -> Option<(String, String)> {
    let (name, key) = text.strip_prefix("s3://")?.split_once('/')?;
    let key = Some(key).filter(|key| !key.is_empty())?;
    Some((bucket(name)?, key.to_owned()))
}

/// With a slash at its end.
fn key_prefix(text: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/_.-".contains(&b);
    let fits = text.len() <= 200 && !text.starts_with('/') && text.bytes().all(plain);
    fits.then(|| format!("{}/", text.trim_end_matches('/')))
}

/// The exceptions that the operator makes for clones, by setting.
type Exceptions = Vec<(Setting, String)>;

fn egress(reader: &mut Reader<'_>) -> Option<Exceptions> {
    let mut all = Some(Exceptions::new());
    for setting in Setting::ALL {
        let entries = reader.list(setting.name(Audience::Forge), expected(setting), |entry| {
            let known = Policy::default().with(setting, entry).is_ok();
            known.then(|| (setting, entry.to_owned()))
        });
        all = all.zip(entries).map(|(all, more)| [all, more].concat());
    }
    all
}

/// What may be cloned from: Pagure's own servers wherever they are, and those that the operator
/// names. Whoever has a caller's key can call any repository a fork: without a limit they could have
/// anybody's code built as a committer's.
fn policy(mut exceptions: Exceptions, pagure: &Url, git: &[Url]) -> Policy {
    for url in std::iter::once(pagure).chain(git) {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or(443);
        let server = format!("{host}:{port}");
        if url.scheme() == "http" {
            exceptions.push((Setting::AllowHttp, server.clone()));
        }
        exceptions.push((Setting::LimitHosts, host.to_owned()));
        exceptions.push((Setting::AllowHosts, server));
    }
    let tried = "entries and servers were tried when they were read";
    let add = |policy: Policy, (setting, entry): &(Setting, String)| {
        policy.with(*setting, entry).expect(tried)
    };
    exceptions.iter().fold(Policy::default(), add)
}

fn expected(setting: Setting) -> &'static str {
    match setting {
        Setting::AllowHosts | Setting::AllowHttp => {
            "hosts, such as git.example.org, *.example.org or git.example.org:8443"
        }
        Setting::LimitHosts => "hosts without ports, such as git.example.org",
        Setting::AllowNetworks => "networks, such as 10.1.0.0/16",
        Setting::AllowPorts => "ports from 1 to 65535",
    }
}

fn limits(reader: &mut Reader<'_>) -> Option<Limits> {
    let usual = Limits {
        // Lambda's time-out of the function, which is 5 minutes, and a minute to start the build.
        time: Duration::from_mins(4),
        ..Limits::default()
    };
    let mut number = |name, default: u64, least: u64, most: u64| {
        let write = || format!("a whole number from {least} to {most}");
        let parse = |text: &str| {
            let number: u64 = text.parse().ok()?;
            (least..=most).contains(&number).then_some(number)
        };
        reader.optional(name, write, default, parse)
    };
    let received = number(names::RECEIVED, usual.received >> 20, 1, 1 << 20);
    let unpacked = number(names::UNPACKED, usual.unpacked >> 20, 1, 1 << 20);
    let file = number(names::FILE, usual.file >> 20, 1, 1 << 20);
    let files = number(names::FILES, usual.files, 1, 10_000_000);
    let seconds = number(names::SECONDS, usual.time.as_secs(), 1, 840);
    Some(Limits {
        received: received? << 20,
        unpacked: unpacked? << 20,
        file: file? << 20,
        files: files?,
        time: Duration::from_secs(seconds?),
        ..usual
    })
}
