//! What is allowed and yet may not be meant.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests are not in functions marked #[test]"
)]

use std::path::Path;

use chela_settings::{Environment, Settings, check};

const GOOD: &str = r#"
[serve]
url = "https://ci.example.org"
[pagure]
url = "https://pagure.example.org"
[projects."demo/hello"]
token_file = "/etc/chela/tokens/hello"
[projects."demo/hello".jobs.test]
"#;

fn warnings(text: &str) -> String {
    let file = Some((Path::new("chela.toml"), text));
    let settings = Settings::parse(file, &Environment::default()).unwrap();
    let lines: Vec<String> = check(&settings).iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn there_is_nothing_to_say_of_good_settings() {
    assert_eq!(warnings(GOOD), "");
    let own_machine = "serve.url = 'http://localhost:8110'\npagure.url = 'http://127.0.0.1:5000'";
    let projects = &GOOD[GOOD.find("[projects").unwrap()..];
    assert_eq!(warnings(&format!("{own_machine}\n{projects}")), "");
}

#[test]
fn everything_doubtful_is_named() {
    let text = warnings(
        r#"
[serve]
listen = "0.0.0.0:8110"
url = "http://ci.example.org"
[pagure]
url = "http://pagure.example.org"
git = ["http://git.example.org:8000"]
[sandbox]
kind = "none"
[projects."demo/empty"]
token_env = "T"
[projects."demo/hello"]
token_env = "T"
[projects."demo/hello".jobs.test]
strangers_network = true
environment = { DEPLOY_TOKEN = "x", GREETING = "hello" }
"#,
    );
    insta::assert_snapshot!(text);
}

#[test]
fn nothing_to_build_is_named() {
    let text = &GOOD[..GOOD.find("[projects").unwrap()];
    let text = warnings(&format!("{text}\n[sandbox]\nkind = \"landlock\""));
    insta::assert_snapshot!(text);
}
