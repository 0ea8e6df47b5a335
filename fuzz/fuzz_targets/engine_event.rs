//! An event of CodeBuild or CodePipeline: whatever it is, what is taken from it names one build of
//! one project or pipeline, at the end of a second, and can be part of an object's key.
#![no_main]

use chela_aws::{Service, events::Event};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = serde_json::from_slice(bytes) else {
        return;
    };
    let event = match Event::read(&value) {
        Ok(event) => event,
        Err(error) => {
            assert!(error.to_string().len() < 2048);
            return;
        }
    };
    assert_eq!(event.at.get().rem_euclid(1_000_000), 999_999);
    assert!(!event.execution.is_empty() && event.execution.len() <= 512);
    assert!(!event.execution.contains(['/', '%', ' ']));
    match event.target.service {
        Service::CodeBuild => {
            let prefix = format!("{}:", event.target.name);
            assert!(event.execution.starts_with(&prefix));
        }
        Service::CodePipeline => assert_eq!(event.claimed, None),
    }
    assert_eq!(Event::read(&value), Ok(event));
});
