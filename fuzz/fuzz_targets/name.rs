//! A project's name: what is taken has one spelling, and stays below the route's prefix.
#![no_main]

use chela_pagure::ProjectName;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(name) = text.parse::<ProjectName>() else {
        return;
    };
    assert_eq!(
        name.fullname().parse::<ProjectName>().ok(),
        Some(name.clone())
    );
    let url = name.report_url("https://pagure.example.org");
    let path = url.map(|url| url.path().to_owned());
    assert_eq!(path, Ok(name.report_path()));
});
