//! `chela schema` prints the committed schemas.

mod support;

use rstest::rstest;
use serde_json::Value;
use support::{Run, chela};

#[rstest]
#[case("request", include_str!("../../../docs/schemas/build-request.json"))]
#[case("report", include_str!("../../../docs/schemas/build-report.json"))]
fn the_schema_is_the_documented_one(#[case] message: &str, #[case] documented: &str) {
    let documented: Value = serde_json::from_str(documented).unwrap();
    for args in [&["schema", message][..], &["--json", "schema", message]] {
        let run = Run::of(chela().args(args));
        assert_eq!((run.code, run.json()), (0, documented.clone()));
    }
}
