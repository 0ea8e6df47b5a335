//! An SQS queue, and the event that Lambda makes of its messages.

use std::time::Duration;

use aws_sdk_sqs::Client;
use serde_json::{Value, json};

use crate::failure::{Call, Failure};

/// SQS's limit of `DelaySeconds`.
const MAX_DELAY: i32 = 900;
/// SQS's limit of `VisibilityTimeout`.
const MAX_HIDDEN: i32 = 43_200;
/// As much as a message may have here; SQS takes 1 MiB. Bytes.
const MAX_BODY: usize = 256 * 1024;

/// A queue.
#[derive(Clone, Debug)]
pub struct Queue {
    sqs: Client,
    url: String,
}

impl Queue {
    /// The queue with this URL.
    pub fn new(sqs: Client, url: impl Into<String>) -> Self {
        Self {
            sqs,
            url: url.into(),
        }
    }

    /// Puts a message into the queue, to be seen after `delay`, which SQS limits to 15 minutes.
    pub async fn send(&self, body: &str, delay: Duration) -> Result<(), Failure> {
        let call = self.call("sqs:SendMessage");
        if body.len() > MAX_BODY {
            return Err(Failure::Final {
                call,
                code: "MessageTooLong".to_owned(),
                why: format!("{} bytes, of which {MAX_BODY} may be", body.len()),
            });
        }
        let request = self
            .sqs
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .delay_seconds(seconds(delay, MAX_DELAY));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::of(call, error)),
        }
    }

    /// Hides a message that was received from everybody for `time`, which SQS limits to 12 hours
    /// from its reception on.
    pub async fn hide(&self, receipt: &str, time: Duration) -> Result<(), Failure> {
        let request = self
            .sqs
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt)
            .visibility_timeout(seconds(time, MAX_HIDDEN));
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::of(self.call("sqs:ChangeMessageVisibility"), error)),
        }
    }

    /// A policy names a queue by its name, not by its URL.
    fn call(&self, action: &'static str) -> Call {
        let name = self.url.rsplit('/').next().unwrap_or(&self.url);
        Call::new(action, format!("the queue {name}"))
    }
}

/// Whole seconds, rounded up, and no more than `most`.
fn seconds(time: Duration, most: i32) -> i32 {
    let whole = time
        .as_secs()
        .saturating_add(u64::from(time.subsec_nanos() > 0));
    i32::try_from(whole).map_or(most, |seconds| seconds.min(most))
}

/// A message as Lambda hands it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What a failed one is named by in the answer.
    pub id: String,
    /// What it is hidden by.
    pub receipt: String,
    /// Its text.
    pub body: String,
    /// How often it was received, this time included.
    pub receives: u32,
}

/// The messages in an event of SQS; `None` if it is none.
///
/// Of a message only its id must be there: what has no body is no message of ours, and is dropped
/// where bodies are read.
#[must_use]
pub fn deliveries(event: &Value) -> Option<Vec<Delivery>> {
    let records = event.get("Records")?.as_array()?;
    records.iter().map(delivery).collect()
}

fn delivery(record: &Value) -> Option<Delivery> {
    let text = |name: &str| record.get(name).and_then(Value::as_str);
    let source = text("eventSource");
    if source.is_some_and(|source| source != "aws:sqs") {
        return None;
    }
    Some(Delivery {
        id: text("messageId")?.to_owned(),
        receipt: text("receiptHandle").unwrap_or_default().to_owned(),
        body: text("body").unwrap_or_default().to_owned(),
        receives: receives(record),
    })
}

/// It comes as text; once if nobody says.
fn receives(record: &Value) -> u32 {
    let count = record.pointer("/attributes/ApproximateReceiveCount");
    let count = match count {
        Some(Value::String(text)) => text.parse().ok(),
        Some(Value::Number(number)) => number.as_u64().and_then(|count| u32::try_from(count).ok()),
        _ => None,
    };
    count.unwrap_or(1).max(1)
}

/// The answer that gives these messages back to the queue, and acknowledges the others.
#[must_use]
pub fn batch_failures(ids: &[String]) -> Value {
    let failures: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "itemIdentifier": id }))
        .collect();
    json!({ "batchItemFailures": failures })
}

#[cfg(test)]
mod tests;
