//! The command line: what can be said, and its help.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use chela_contract::{BuildId, CommitId, Context, Job, Micros, Status};
use chela_pagure::ProjectName;
use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use url::Url;

use crate::texts;

/// Lets any system build Pagure's pull requests and commits.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, after_help = texts::EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// Print the result as JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send a build request to a CI system, as Pagure's plugin does
    #[command(after_help = texts::SEND_EXAMPLES)]
    Send(Box<SendArgs>),
    /// Tell Pagure what became of a build
    #[command(after_help = texts::REPORT_EXAMPLES)]
    Report(Box<ReportArgs>),
    /// Check a recorded request or report and say what is wrong with it
    #[command(after_help = texts::VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Print the JSON Schema of a message
    #[command(after_help = texts::SCHEMA_EXAMPLES)]
    Schema(SchemaArgs),
    /// Receive Pagure's requests and build them on this machine
    #[command(after_help = texts::SERVE_EXAMPLES)]
    Serve(ConfigArgs),
    /// Look at the settings of `chela serve`
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the address of the page that lists the builds
    Pages(PagesArgs),
    /// Show it all in one process: a forge with two pull requests, a receiver, and their builds
    Demo(DemoArgs),
    /// Put the walls around a build; the runner calls it
    #[command(hide = true)]
    Confine {
        /// The runner's
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Where the settings are.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// The file with the settings [default: /etc/chela/chela.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What to do with the settings.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say what is wrong with the settings, and what may not be meant
    Check(ConfigArgs),
    /// Print every setting with its meaning and its default
    Default,
}

/// Of `chela pages`.
#[derive(Debug, Args)]
pub struct PagesArgs {
    /// Where the settings are
    #[command(flatten)]
    pub settings: ConfigArgs,
    /// The builds of one project only
    #[arg(long, value_name = "NAME")]
    pub project: Option<ProjectName>,
}

/// Of `chela demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Leave the pages up until interrupted
    #[arg(long)]
    pub keep: bool,
}

/// Which of the two messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MessageKind {
    /// Pagure asks for a build
    Request,
    /// A CI system says what became of it
    Report,
}

/// Of `chela send`.
#[derive(Debug, Args)]
pub struct SendArgs {
    /// The CI URL: https://…, or https+sigv4://… for AWS
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// The user name, or the access key id
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// The file with the password, or the secret access key
    #[arg(long, value_name = "FILE", requires = "username")]
    pub password_file: Option<PathBuf>,
    /// The file with the project's CI token, which signs the request
    #[arg(long, value_name = "FILE", env = "CHELA_TOKEN_FILE")]
    pub token_file: PathBuf,
    /// The forge's address
    #[arg(long, value_name = "URL", env = "CHELA_PAGURE")]
    pub pagure: Url,
    /// The project: hello, demo/hello or forks/ada/demo/hello
    #[arg(long, value_name = "NAME")]
    pub project: ProjectName,
    /// The name of the job
    #[arg(long, value_parser = Job::new)]
    pub job: Job,
    /// Where git finds the source [default: the project's repository on Pagure]
    #[arg(long, value_name = "URL")]
    pub repo: Option<Url>,
    /// The commit to build, 40 hexadecimal digits
    #[arg(long)]
    pub commit: Option<CommitId>,
    /// What to build, and why
    #[command(flatten)]
    pub refname: RefnameArgs,
    /// The pull request and who asks
    #[command(flatten)]
    pub event: EventArgs,
    /// Where the reports shall go [default: the project's route on Pagure]
    #[arg(long, value_name = "URL")]
    pub report_url: Option<Url>,
    /// The build's id, to send the same request again [default: a new one]
    #[arg(long, value_name = "UUID")]
    pub build_id: Option<BuildId>,
    /// What the guard lets pass
    #[command(flatten)]
    pub allowed: AllowedArgs,
}

/// A branch or a tag.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct RefnameArgs {
    /// The branch to build
    #[arg(long)]
    pub branch: Option<String>,
    /// The tag to build
    #[arg(long)]
    pub tag: Option<String>,
}

/// What happened at the forge.
#[derive(Debug, Args)]
pub struct EventArgs {
    /// The pull request's number; without it the request is for a pushed commit
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=0x7fff_ffff))]
    pub pull_request: Option<u32>,
    /// The pull request's title
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        requires = "pull_request"
    )]
    pub title: String,
    /// The branch that the pull request wants to change
    #[arg(
        long,
        value_name = "BRANCH",
        default_value = "main",
        requires = "pull_request"
    )]
    pub target_branch: String,
    /// Who opened the pull request [default: who asks]
    #[arg(long, value_name = "USER", requires = "pull_request")]
    pub author: Option<String>,
    /// The author may push to the target branch
    #[arg(long, requires = "pull_request")]
    pub author_can_push: bool,
    /// Who made Pagure ask; without it the request names nobody
    #[arg(long, value_name = "USER")]
    pub requested_by: Option<String>,
    /// Who made Pagure ask may push to the target branch
    #[arg(long, requires = "requested_by")]
    pub can_push: bool,
    /// What made Pagure ask [default: opened, or pushed without a pull request]
    #[arg(long, requires = "requested_by")]
    pub reason: Option<ReasonArg>,
}

/// What a person did to have a build.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ReasonArg {
    /// Opened the pull request
    Opened,
    /// Pushed to the pull request's branch
    Updated,
    /// Asked for a rebuild
    Rebuild,
    /// Pushed a commit
    Pushed,
}

/// Exceptions from the guard.
#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "they are the flags' names")]
pub struct AllowedArgs {
    /// Send without TLS to this host; HOST:PORT opens the port as well
    #[arg(long, value_name = "HOST")]
    pub allow_http: Vec<String>,
    /// Send to this host whatever its address is
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<String>,
    /// Send to addresses of this network although they are not public
    #[arg(long, value_name = "CIDR")]
    pub allow_network: Vec<String>,
    /// Send to this port although it is not the usual one
    #[arg(long, value_name = "PORT")]
    pub allow_port: Vec<String>,
}

/// Of `chela report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The forge's address; reports go nowhere else
    #[arg(long, value_name = "URL", env = "CHELA_PAGURE")]
    pub pagure: Option<Url>,
    /// The project: hello, demo/hello or forks/ada/demo/hello
    #[arg(long, value_name = "NAME", env = "CHELA_PROJECT")]
    pub project: Option<ProjectName>,
    /// Where the report goes, instead of --pagure and --project
    #[arg(long, value_name = "URL", env = "CHELA_REPORT_URL")]
    pub report_url: Option<Url>,
    /// The file with the project's CI token, which signs the report
    #[arg(long, value_name = "FILE", env = "CHELA_TOKEN_FILE")]
    pub token_file: PathBuf,
    /// What became of the build
    #[arg(long, value_parser = status_parser())]
    pub status: Status,
    /// The commit that was built, 40 hexadecimal digits
    #[arg(long, env = "CHELA_COMMIT")]
    pub commit: CommitId,
    /// The pull request's number; none for a pushed commit
    #[arg(long, value_name = "N", env = "CHELA_PULL_REQUEST",
        value_parser = clap::value_parser!(u32).range(1..=0x7fff_ffff))]
    pub pull_request: Option<u32>,
    /// The check's name, shown as the flag's [default: the project's job]
    #[arg(long, value_name = "NAME")]
    pub context: Option<Context>,
    /// Where people look for the log
    #[arg(long)]
    pub url: Url,
    /// A line for people
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub description: String,
    /// How far the build is, 0 to 100; shown while it is pending
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub percent: Option<u8>,
    /// The build's id, if Chela asked for it
    #[arg(long, value_name = "UUID", env = "CHELA_BUILD_ID")]
    pub build_id: Option<BuildId>,
    /// When the status came about, such as 2026-11-22T20:16:02Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub timestamp: Option<Micros>,
    /// How long to go on trying: 90s, 10m, 24h
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    pub give_up_after: Duration,
}

/// Of `chela verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// What it is said to be
    pub message: MessageKind,
    /// The file with the headers as received, one `Name: value` a line
    #[arg(long, value_name = "FILE")]
    pub headers: PathBuf,
    /// The file with the body as received, byte for byte
    #[arg(long, value_name = "FILE")]
    pub body: PathBuf,
    /// The file with the project's CI token
    #[arg(long, value_name = "FILE", env = "CHELA_TOKEN_FILE")]
    pub token_file: PathBuf,
    /// When it was received, such as 2026-11-22T20:16:02Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<Micros>,
}

/// Of `chela schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Of which message
    pub message: MessageKind,
}

fn status_parser() -> impl TypedValueParser<Value = Status> {
    PossibleValuesParser::new(["pending", "success", "failure", "error", "canceled"])
        .map(|word| Status::from_word(&word).expect("each possible value is a status"))
}

/// A number and its unit.
fn duration(text: &str) -> Result<Duration, &'static str> {
    let wrong = "write a number and s, m or h, such as 10m";
    let unit = |unit: char| match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        _ => None,
    };
    let mut digits = text.chars();
    let seconds = digits.next_back().and_then(unit).ok_or(wrong)?;
    let count: u32 = digits.as_str().parse().map_err(|_| wrong)?;
    Ok(Duration::from_secs(u64::from(count) * seconds))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_command_line_is_at_peace_with_itself() {
        Cli::command().debug_assert();
    }

    #[rstest]
    #[case("90s", Ok(90))]
    #[case("10m", Ok(600))]
    #[case("24h", Ok(86_400))]
    #[case("10", Err(()))]
    #[case("", Err(()))]
    #[case("-1m", Err(()))]
    #[case("1 m", Err(()))]
    fn a_time_has_a_unit(#[case] text: &str, #[case] seconds: Result<u64, ()>) {
        assert_eq!(duration(text).map(|d| d.as_secs()).map_err(drop), seconds);
    }
}
