#![doc = include_str!("../README.md")]

use std::future::Future;

use chela_contract::Micros;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use tracing_subscriber::filter::LevelFilter;

/// The variable that says how much is logged: `error`, `warn`, `info` (the default), `debug`.
const LEVEL: &str = "CHELA_LOG";

/// Hands each event and the moment at which Lambda ends the process to `handle`, for ever.
pub async fn serve<F, A>(handle: F) -> Result<(), Error>
where
    F: Fn(Value, Micros) -> A,
    A: Future<Output = Result<Value, Error>>,
{
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let (payload, context) = event.into_parts();
        handle(payload, deadline(context.deadline))
    }))
    .await
}

/// Begins to log: one line of JSON for each event, on stdout, where Lambda collects it.
pub fn log() {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_max_level(level(std::env::var(LEVEL).ok().as_deref()))
        .init();
}

/// No more than `debug`: below that, the libraries show whole requests and answers, and with them
/// what is secret.
fn level(text: Option<&str>) -> LevelFilter {
    let level = text.and_then(|text| text.parse().ok());
    level.unwrap_or(LevelFilter::INFO).min(LevelFilter::DEBUG)
}

/// Lambda tells it in milliseconds since 1970 (AWS Lambda Developer Guide, "Using the Lambda
/// runtime API for custom runtimes").
fn deadline(millis: u64) -> Micros {
    Micros::new(i64::try_from(millis.saturating_mul(1000)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_below_debug_is_ever_logged() {
        assert_eq!(level(None), LevelFilter::INFO);
        assert_eq!(level(Some("loud")), LevelFilter::INFO);
        assert_eq!(level(Some("error")), LevelFilter::ERROR);
        for text in ["debug", "trace", "TRACE", "5"] {
            assert_eq!(level(Some(text)), LevelFilter::DEBUG, "{text}");
        }
    }
}
