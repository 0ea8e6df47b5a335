//! The committed schemas are the types', and say the same as the code.
#![cfg(feature = "schema")]
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, where a panic is the report"
)]

use chela_contract::schema;
use serde_json::Value;

/// The committed file, or, with `UPDATE_SCHEMAS=1`, the file written anew.
fn committed(name: &str, made: &Value) -> Value {
    let path = format!(
        "{}/../../docs/schemas/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        let text = serde_json::to_string_pretty(made).unwrap();
        std::fs::write(&path, text + "\n").unwrap();
    }
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_committed_schemas_are_the_types() {
    for (name, made) in [
        ("build-request", schema::request()),
        ("build-report", schema::report()),
    ] {
        assert_eq!(
            committed(name, &made),
            made,
            "docs/schemas/{name}.json is stale: run the test with UPDATE_SCHEMAS=1"
        );
    }
}

#[test]
fn the_documented_examples_fit_the_schemas() {
    let text = include_str!("../../../docs/contract.md");
    let blocks = text
        .split("```json")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let mut seen = 0;
    for block in blocks {
        let example: Value = serde_json::from_str(block).unwrap();
        let schema = match example["type"].as_str() {
            Some("build.requested") => schema::request(),
            Some("build.reported") => schema::report(),
            _ => continue,
        };
        seen += 1;
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&example)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
        let mut broken = example.clone();
        broken["data"]["build_id"] = "0199a1c2-6f0e-4c3a-9d6b-2f6f1f1f0a11".into();
        assert!(
            !validator.is_valid(&broken),
            "the schema takes a build id of version 4"
        );
    }
    assert_eq!(seen, 2);
}
