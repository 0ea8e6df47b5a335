//! A report's body: whatever it is, what is taken from it is harmless and reads back as itself.
#![no_main]

use chela_contract::{Micros, Report};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let now = Micros::new(1_795_000_000_000_000);
    let Ok(report) = Report::from_body(body, now) else {
        return;
    };
    let shown = &report.shown;
    assert!(!shown.description.contains(['<', '>', '"', '\'', '&']));
    assert!(shown.description.chars().count() <= 255);
    assert!(shown.url.starts_with("http") && shown.url.is_ascii());
    assert!(!shown.url.contains(['<', '>', '"', '\'', ' ']));
    assert_eq!(
        Report::from_body(report.to_body().as_bytes(), now).as_ref(),
        Ok(&report)
    );
});
