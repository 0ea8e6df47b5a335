//! The three headers of a signed message, split at line ends: nobody gets in without the key.
#![no_main]

use chela_contract::{Micros, webhook::Key};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(key) = Key::new("a token that no input can sign with".into()) else {
        return;
    };
    let mut parts = text.splitn(4, '\n');
    let (id, at, signature) = (parts.next(), parts.next(), parts.next());
    let body = parts.next().unwrap_or_default();
    let now = Micros::new(1_795_000_000_000_000);
    assert!(key.verify(id, at, signature, body.as_bytes(), now).is_err());
});
