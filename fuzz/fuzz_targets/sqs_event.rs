//! The event of a queue, and our own messages in it: whatever it says, it is taken apart or left.
#![no_main]

use chela_aws::{Message, batch_failures, deliveries};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    let Ok(event) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let Some(deliveries) = deliveries(&event) else {
        return;
    };
    let records = event["Records"].as_array().expect("there were deliveries");
    assert_eq!(deliveries.len(), records.len());
    let mut ids = Vec::new();
    for delivery in deliveries {
        assert!(delivery.receives >= 1);
        check(delivery.body.as_bytes());
        ids.push(delivery.id);
    }
    let answer = batch_failures(&ids);
    let failures = answer["batchItemFailures"].as_array().expect("a list");
    assert!(
        failures
            .iter()
            .zip(&ids)
            .all(|(failure, id)| failure["itemIdentifier"] == **id)
    );
});

/// A message that was read is written as it was read.
fn check(body: &[u8]) {
    let Ok(message) = serde_json::from_slice::<Message>(body) else {
        return;
    };
    let written = serde_json::to_vec(&message).expect("text only");
    let again: Message = serde_json::from_slice(&written).expect("what was written");
    assert_eq!(again, message);
}
