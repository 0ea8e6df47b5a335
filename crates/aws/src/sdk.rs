//! The clients of AWS's services, as a Lambda function's environment has it.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, SharedCredentialsProvider, future};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, ProvideCredentials, Region};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_types::SdkConfig;

mod http;

/// A region answers within a few milliseconds, or not at all.
const CONNECT: Duration = Duration::from_secs(3);
/// One try: long enough for one part of an upload over a slow line.
const ATTEMPT: Duration = Duration::from_secs(30);
/// All tries together; well below a function's own limit.
const OPERATION: Duration = Duration::from_secs(90);

/// One client for each service. They share one pool of connections.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Sources and the ledger.
    pub s3: aws_sdk_s3::Client,
    /// The two queues.
    pub sqs: aws_sdk_sqs::Client,
    /// Builds.
    pub codebuild: aws_sdk_codebuild::Client,
    /// Pipelines.
    pub codepipeline: aws_sdk_codepipeline::Client,
    /// The CI token.
    pub secrets: aws_sdk_secretsmanager::Client,
    region: String,
}

impl Clients {
    /// By the variables that Lambda sets, and `AWS_ENDPOINT_URL`, which tests set. Nothing is
    /// asked for, and no file is read, before the first call.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self::of(&config(&variable))
    }

    pub(crate) fn of(config: &SdkConfig) -> Self {
        Self {
            s3: aws_sdk_s3::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
            codebuild: aws_sdk_codebuild::Client::new(config),
            codepipeline: aws_sdk_codepipeline::Client::new(config),
            secrets: aws_sdk_secretsmanager::Client::new(config),
            region: config.region().map(ToString::to_string).unwrap_or_default(),
        }
    }

    /// The region that the function runs in.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }
}

/// The chain of `aws-config` would look into files and ask the network, and bring STS with it.
fn config(variable: &dyn Fn(&str) -> Option<String>) -> SdkConfig {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let is_on = |name: &str| set(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(
            set("AWS_REGION")
                .or_else(|| set("AWS_DEFAULT_REGION"))
                .map(Region::new),
        )
        .credentials_provider(SharedCredentialsProvider::new(Given(credentials(&set))))
        .http_client(http::client())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts)
        .use_fips(is_on("AWS_USE_FIPS_ENDPOINT"))
        .use_dual_stack(is_on("AWS_USE_DUALSTACK_ENDPOINT"));
    builder.set_endpoint_url(set("AWS_ENDPOINT_URL"));
    builder.build()
}

fn credentials(set: &dyn Fn(&str) -> Option<String>) -> Option<Credentials> {
    Some(Credentials::new(
        set("AWS_ACCESS_KEY_ID")?,
        set("AWS_SECRET_ACCESS_KEY")?,
        set("AWS_SESSION_TOKEN"),
        None,
        "Environment",
    ))
}

/// The credentials of the environment: Lambda sets them once for the life of a process.
#[derive(Debug)]
struct Given(Option<Credentials>);

impl ProvideCredentials for Given {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(self.get())
    }
}

impl Given {
    fn get(&self) -> provider::Result {
        self.0.clone().ok_or_else(|| {
            CredentialsError::not_loaded("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")
        })
    }
}

#[cfg(test)]
mod tests;
