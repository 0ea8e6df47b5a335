//! A CI URL as project owners type it: what is taken leads to the web, and shows no password.
#![no_main]

use chela_outbound::{Destination, Policy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let password = "Pa55word-of-the-project";
    let Ok(destination) = Destination::parse(
        text,
        Some("user"),
        Some(password.into()),
        &Policy::default(),
    ) else {
        return;
    };
    assert!(destination.url().starts_with("https://"));
    assert!(!destination.url().contains('#'));
    assert_eq!(destination.port(), 443);
    assert!(!format!("{destination:?}").contains(password));
});
