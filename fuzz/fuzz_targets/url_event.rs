//! The event of a function URL: whatever it says, only a caller's own project gets into the queue.
#![no_main]

use std::sync::LazyLock;

use chela_aws::{
    Answer,
    config::Map,
    entry::{Desk, Judged, Queued},
};
use chela_contract::Micros;
use chela_receiver::Forge;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static MAP: LazyLock<Map> = LazyLock::new(|| {
    let text = r#"{"callers": {
        "arn:aws:iam::123456789012:user/pagure-demo-hello": {
            "demo/hello": {"jobs": {"codebuild/hello": {}, "codepipeline/release": {}}},
            "hello": {"strangers": "refuse", "jobs": {"codebuild/hello": {}}}
        },
        "arn:aws:iam::123456789012:user/x": {"secret/plans": {"jobs": {"codebuild/plans": {}}}}
    }}"#;
    Map::parse(text).expect("a map")
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Map::parse(text);
    }
    let Ok(event) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let forge = Forge::new(
        "https://pagure.example.org".parse().expect("a URL"),
        Vec::new(),
    );
    let desk = Desk {
        forge: &forge,
        map: &MAP,
        region: "eu-central-1",
    };
    let now = Micros::new(1_795_378_528_000_000);
    match desk.judge(&event, now) {
        Ok(Judged::Test) => {}
        Ok(Judged::Build { queued, report }) => {
            let project = &queued.request.project.fullname;
            assert!(MAP.project(&queued.caller, project).is_ok());
            let again = Queued::from_body(&queued.to_body()).expect("what was written");
            assert_eq!(again, *queued);
            let answer = Answer::accepted(report);
            assert!(answer.to_value().is_object());
        }
        Err(problem) => assert!((400..600).contains(&Answer::problem(&problem).status())),
    }
});
