//! Secrets are read when they are needed, from files that are not everybody's.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests are not in functions marked #[test]"
)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use chela_pagure::ProjectName;
use chela_settings::{Environment, NoKey, Settings, Tokens, Unreadable};
use rstest::rstest;
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

struct Bed {
    folder: TempDir,
}

impl Bed {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }

    fn settings(&self, environment: &Environment) -> Settings {
        let text = format!(
            "serve.url = 'https://ci.example.org'
            pagure.url = 'https://pagure.example.org'
            [projects.hello]
            token_file = '{}'
            [projects.hello.jobs.test]
            secret_files = {{ KEY = '{}' }}
            [projects.other]
            token_env = 'OTHER_TOKEN'
            ",
            self.path("token"),
            self.path("key"),
        );
        Settings::parse(Some((Path::new("chela.toml"), &text)), environment).unwrap()
    }

    fn tokens(&self) -> Tokens {
        let environment = Environment::from_iter([("OTHER_TOKEN", " from-the-environment\n")]);
        Tokens::new(&self.settings(&environment), &environment)
    }
}

fn project(name: &str) -> ProjectName {
    name.parse().unwrap()
}

fn token(tokens: &Tokens, name: &str) -> String {
    let key = tokens.key_of(&project(name)).unwrap();
    key.token().expose_secret().to_owned()
}

#[test]
fn a_token_is_read_without_the_white_space_around_it() {
    let bed = Bed::new();
    bed.write("token", "opensesame \n", 0o640);
    let tokens = bed.tokens();
    assert_eq!(token(&tokens, "hello"), "opensesame");
    assert_eq!(token(&tokens, "other"), "from-the-environment");
    assert!(tokens.problems().is_empty());
}

#[test]
fn a_new_token_counts_at_once() {
    let bed = Bed::new();
    bed.write("token", "first", 0o600);
    let tokens = bed.tokens();
    assert_eq!(token(&tokens, "hello"), "first");
    // In place, of the same length, within the same tick of the clock.
    bed.write("token", "later", 0o600);
    assert_eq!(token(&tokens, "hello"), "later");
    // As another file under the same name.
    bed.write("token.new", "third", 0o600);
    fs::rename(bed.path("token.new"), bed.path("token")).unwrap();
    assert_eq!(token(&tokens, "hello"), "third");
    fs::remove_file(bed.path("token")).unwrap();
    assert!(
        tokens.key_of(&project("hello")).is_err(),
        "a token that is gone counts no more"
    );
}

#[test]
fn a_link_to_the_token_is_followed() {
    let bed = Bed::new();
    bed.write("elsewhere", "opensesame", 0o600);
    symlink(bed.path("elsewhere"), bed.path("token")).unwrap();
    assert_eq!(token(&bed.tokens(), "hello"), "opensesame");
}

#[rstest]
#[case::readable(0o604)]
#[case::writable(0o602)]
#[case::both(0o666)]
fn a_file_that_is_open_to_everybody_is_refused(#[case] mode: u32) {
    let bed = Bed::new();
    bed.write("token", "opensesame", mode);
    let error = bed.tokens().key_of(&project("hello")).unwrap_err();
    let NoKey::File {
        cause: Unreadable::Open { mode: told, .. },
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(*told, mode);
    let text = error.to_string();
    assert!(
        text.contains(&format!("chmod o= {}", bed.path("token"))),
        "{text}"
    );
    assert!(!format!("{text}{error:?}").contains("opensesame"));
}

#[rstest]
#[case::empty(b"".to_vec())]
#[case::blank(b" \n".to_vec())]
#[case::binary(b"\xff\xfe".to_vec())]
#[case::endless(vec![b'a'; 70_000])]
fn what_is_no_token_is_no_key(#[case] content: Vec<u8>) {
    let bed = Bed::new();
    bed.write("token", content, 0o600);
    assert_eq!(bed.tokens().problems().len(), 1);
}

#[test]
fn neither_a_folder_nor_a_pipe_holds_a_token() {
    let bed = Bed::new();
    fs::create_dir(bed.path("token")).unwrap();
    let in_folder = bed.tokens().key_of(&project("hello")).unwrap_err();
    fs::remove_dir(bed.path("token")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .args(["-m", "600", &bed.path("token")])
        .status();
    assert!(made.unwrap().success());
    // Would wait for ever for somebody who writes.
    let in_pipe = bed.tokens().key_of(&project("hello")).unwrap_err();
    for error in [in_folder, in_pipe] {
        assert!(
            matches!(
                error,
                NoKey::File {
                    cause: Unreadable::Kind { .. },
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn only_an_unknown_project_is_the_askers_fault() {
    let bed = Bed::new();
    let unknown = bed.tokens().key_of(&project("demo/hello")).unwrap_err();
    assert!(matches!(unknown, NoKey::UnknownProject { .. }), "{unknown}");
    let gone = bed.tokens().key_of(&project("hello")).unwrap_err();
    assert!(
        matches!(
            gone,
            NoKey::File {
                cause: Unreadable::File { .. },
                ..
            }
        ),
        "{gone}"
    );
    let nowhere = Environment::default();
    let unset = Tokens::new(&bed.settings(&nowhere), &nowhere);
    let unset = unset.key_of(&project("other")).unwrap_err();
    assert!(matches!(unset, NoKey::Variable { .. }), "{unset}");
}

#[test]
fn a_jobs_secret_keeps_all_but_the_last_line_ends() {
    let bed = Bed::new();
    bed.write("key", "-----BEGIN\n  two\n-----END\r\n\n", 0o600);
    let settings = bed.settings(&Environment::default());
    let files: Vec<_> = settings.secret_files().collect();
    let secret = files[0].read().unwrap();
    assert_eq!(secret.expose_secret(), "-----BEGIN\n  two\n-----END");
}

#[test]
fn a_name_without_a_folder_is_one_of_systemds_credentials() {
    let bed = Bed::new();
    bed.write("hello-token", "opensesame", 0o400);
    let folder = bed.folder.path().to_str().unwrap();
    let environment = Environment::from_iter([("CREDENTIALS_DIRECTORY", folder)]);
    let text = "serve.url = 'https://ci.example.org'
        pagure.url = 'https://pagure.example.org'
        projects.hello.token_file = 'hello-token'";
    let file = Some((Path::new("chela.toml"), text));
    let settings = Settings::parse(file, &environment).unwrap();
    let tokens = Tokens::new(&settings, &environment);
    assert_eq!(token(&tokens, "hello"), "opensesame");
}

#[test]
fn no_secret_is_printed() {
    let bed = Bed::new();
    bed.write("token", "opensesame", 0o600);
    let environment = Environment::from_iter([("OTHER_TOKEN", "opensesame")]);
    let settings = bed.settings(&environment);
    let tokens = Tokens::new(&settings, &environment);
    let key = tokens.key_of(&project("hello"));
    let printed = format!("{settings:?}{tokens:?}{environment:?}{key:?}");
    assert!(!printed.contains("opensesame"), "{printed}");
    assert!(printed.contains("OTHER_TOKEN"), "where it is may be said");
}
