//! A CI system's answer: the first two bytes are its status, the rest its body. Whatever it is, the
//! reason that people read is short and has no control characters.
#![no_main]

use chela_outbound::{Answer, Audience, Verdict};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let [high, low, body @ ..] = bytes else {
        return;
    };
    let answer = Answer {
        status: 100 + u16::from_be_bytes([*high, *low]) % 900,
        retry_after: None,
        content_type: Some("application/problem+json".to_owned()),
        location: None,
        date: None,
        body: body.to_vec(),
        truncated: false,
    };
    match Verdict::of(&Ok(answer), Audience::Forge) {
        Verdict::Accepted => {}
        Verdict::Refused { reason } | Verdict::Retry { reason, .. } => {
            assert!(!reason.is_empty() && reason.len() < 4096);
            assert!(!reason.chars().any(char::is_control));
        }
    }
});
