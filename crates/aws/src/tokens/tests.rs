use rstest::rstest;

use super::*;

const TOKEN: &str = "KEXAMPLETOKENOFAPROJECT";

fn project(name: &str) -> ProjectName {
    name.parse().unwrap()
}

async fn key_of(value: &str, name: &str) -> Result<Key, NoToken> {
    Tokens::given(value.into()).key(&project(name)).await
}

#[rstest]
#[case::bare(TOKEN)]
#[case::with_a_line_end("KEXAMPLETOKENOFAPROJECT\n")]
#[case::of_the_project(r#"{"demo/other": "x", "demo/hello": "KEXAMPLETOKENOFAPROJECT"}"#)]
#[case::of_the_project_with_white_space(r#" {"demo/hello": " KEXAMPLETOKENOFAPROJECT\n"} "#)]
#[tokio::test]
async fn a_token_is_found(#[case] value: &str) {
    let key = key_of(value, "demo/hello").await.unwrap();
    assert!(key.is_bearer(TOKEN));
}

#[rstest]
#[case::nothing("", "is empty")]
#[case::white_space(" \n", "is empty")]
#[case::an_empty_token(r#"{"demo/hello": ""}"#, "(demo/hello) is empty")]
#[case::another_project(r#"{"demo/other": "SECRETWORD"}"#, "has no token of demo/hello")]
#[case::no_json(r#"{"demo/hello": "SECRETWORD""#, "neither a bare token nor")]
#[case::other_json(
    r#"{"demo/hello": {"token": "SECRETWORD"}}"#,
    "neither a bare token nor"
)]
#[case::a_number(r#"{"demo/hello": 5}"#, "neither a bare token nor")]
#[case::a_list(r#"["SECRETWORD"]"#, "neither a bare token nor")]
#[case::a_quoted_token(r#""SECRETWORD""#, "neither a bare token nor")]
#[tokio::test]
async fn what_is_no_token_is_said_in_a_sentence_that_shows_no_secret(
    #[case] value: &str,
    #[case] expected: &str,
) {
    let error = key_of(value, "demo/hello").await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("CHELA_TOKEN"), "{text} does not say where");
    let all = format!("{text} {error:?}");
    assert!(!all.contains("SECRETWORD"), "{all}");
}

#[tokio::test]
async fn no_token_is_printed_with_what_keeps_it() {
    let tokens = Tokens::given(TOKEN.into());
    tokens.key(&project("hello")).await.unwrap();
    let shown = format!("{tokens:?}");
    assert!(!shown.contains(TOKEN), "{shown}");
}

#[test]
fn a_variable_of_the_environment_is_not_worth_reading_again() {
    assert!(!Tokens::given(TOKEN.into()).forget());
}
