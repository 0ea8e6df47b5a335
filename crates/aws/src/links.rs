//! Addresses of pages of AWS where people look at builds.
//!
//! The console's hosts are documented (AWS General Reference, "AWS Management Console endpoints
//! and quotas": `https://<region>.console.aws.amazon.com`; AWS `GovCloud` (US) User Guide and Getting
//! Started with AWS in China: `console.amazonaws-us-gov.com`, `console.amazonaws.cn`). The paths
//! below `/codesuite` are not: they are those that the console itself shows and that AWS's samples
//! print. Of the public page, the documentation names the project's alias (CodeBuild User Guide,
//! "Get public build project URLs"); its address is the one that CodeBuild gives builds of public
//! projects as `CODEBUILD_PUBLIC_BUILD_URL`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::record::{Service, Target};

/// What RFC 3986 lets stand in any part of an address.
const PART: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'~')
    .remove(b'.');
/// An alias comes percent-encoded (CodeBuild API Reference, `GetPublicProject`: `[0-9a-zA-Z%+=]+`).
const ALIAS: &AsciiSet = &PART.remove(b'%').remove(b'+').remove(b'=');

/// A part of AWS with consoles and accounts of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// Most of the world.
    Aws,
    /// China.
    China,
    /// The government of the United States.
    GovCloud,
}

impl Partition {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Aws, Self::China, Self::GovCloud];

    /// Which one a region is in.
    #[must_use]
    pub fn of_region(region: &str) -> Self {
        if region.starts_with("cn-") {
            Self::China
        } else if region.starts_with("us-gov-") {
            Self::GovCloud
        } else {
            Self::Aws
        }
    }

    /// How names of resources spell it, after `arn:`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::GovCloud => "aws-us-gov",
        }
    }

    fn console(self) -> &'static str {
        match self {
            Self::Aws => "console.aws.amazon.com",
            Self::China => "console.amazonaws.cn",
            Self::GovCloud => "console.amazonaws-us-gov.com",
        }
    }
}

/// The console's page of a project or pipeline, with its builds: for a build that has not begun.
#[must_use]
pub fn project_page(region: &str, target: &Target) -> Url {
    let name = part(&target.name);
    match target.service {
        Service::CodeBuild => console(region, &format!("codebuild/projects/{name}/history")),
        Service::CodePipeline => console(region, &format!("codepipeline/pipelines/{name}/view")),
    }
}

/// The console's page of one build (its id is `<project>:<uuid>`) or of one execution.
#[must_use]
pub fn execution_page(region: &str, account: Option<&str>, target: &Target, id: &str) -> Url {
    let (name, id) = (part(&target.name), part(id));
    match target.service {
        Service::CodeBuild => {
            // With it, the console can tell people that they are in another account.
            let account = account.map(|account| format!("{}/", part(account)));
            let account = account.unwrap_or_default();
            let page = format!("codebuild/{account}projects/{name}/build/{id}/");
            console(region, &page)
        }
        Service::CodePipeline => {
            let page = format!("codepipeline/pipelines/{name}/executions/{id}/timeline");
            console(region, &page)
        }
    }
}

/// The page of a public CodeBuild project, for people without an account. `alias` is the project's
/// `publicProjectAlias`. `None` in China and `GovCloud`, where nobody has told its host.
#[must_use]
pub fn public_page(region: &str, alias: &str) -> Option<Url> {
    let region = plain(region).filter(|region| Partition::of_region(region) == Partition::Aws)?;
    let alias = utf8_percent_encode(alias, ALIAS);
    let page = format!("https://{region}.codebuild.aws.amazon.com/project/{alias}");
    Some(address(&page))
}

fn console(region: &str, page: &str) -> Url {
    let host = Partition::of_region(region).console();
    match plain(region) {
        Some(region) => address(&format!(
            "https://{region}.{host}/codesuite/{page}?region={region}"
        )),
        None => address(&format!("https://{host}/codesuite/{page}")),
    }
}

/// A region's name that can be part of a host's.
fn plain(region: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    // What begins like this would be read as a name in another script.
    let fits = !region.is_empty() && !region.starts_with("xn--") && region.len() <= 32;
    (fits && region.chars().all(is_plain)).then_some(region)
}

fn part(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

fn address(text: &str) -> Url {
    Url::parse(text).expect("a plain host's name, and encoded parts after it")
}

#[cfg(test)]
mod tests;
