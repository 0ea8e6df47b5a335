//! Every text that the author of a refused buildspec reads, and every sentence for the log.

use std::fmt::Write;

use chela_buildspec::{Error, parse};

const BUILD: &str = "phases:\n  build:\n    commands: [make]\n";

#[test]
fn errors_say_where_and_what_to_do() {
    let texts = [
        String::new(),
        "# nothing\n".to_owned(),
        "- version: 0.2\n".to_owned(),
        "version: 0.2\n\tphases:\n".to_owned(),
        "version: \"0.2\n".to_owned(),
        format!("version: 0.2\nversion: 0.2\n{BUILD}"),
        format!("version: 0.2\n{BUILD}---\nversion: 0.2\n"),
        format!("version: 0.2\nrun-as: !Sub user\n{BUILD}"),
        "version: 0.2\nphases:\n  build:\n    commands:\n      - *.sh\n".to_owned(),
        BUILD.to_owned(),
        format!("version: 0.1\nenvironment_variables:\n  plaintext: {{ A: b }}\n{BUILD}"),
        format!("version: 0.3\n{BUILD}"),
        format!("version: [0.2]\n{BUILD}"),
        "version: 0.2\n".to_owned(),
        "version: 0.2\nphases:\n".to_owned(),
        "version: 0.2\nphases: make\n".to_owned(),
        "version: 0.2\nphases:\n  install:\n    runtime-versions: { java: latest }\n".to_owned(),
        "version: 0.2\nphases:\n  test:\n    commands: [make]\n".to_owned(),
        "version: 0.2\nphases:\n  prebuild:\n    commands: [make]\n".to_owned(),
        "version: 0.2\nphases:\n  build:\n    comands: [make]\n".to_owned(),
        "version: 0.2\nphases:\n  build:\n    steps: [make]\n".to_owned(),
        "version: 0.2\nphases:\n  build:\n    runtime-versions: { java: latest }\n".to_owned(),
        "version: 0.2\nphases:\n  build:\n    finally: [make]\n".to_owned(),
        "version: 0.2\nphases:\n  build:\n    commands: make\n".to_owned(),
        "version: 0.2\nphases:\n  build:\n    commands:\n      - echo \"a: b\"\n".to_owned(),
        "version: 0.2\nphases:\n  build:\n    commands:\n      - make\n      -\n".to_owned(),
        "version: 0.2\nphases:\n  build:\n    commands:\n      - [make]\n".to_owned(),
        "version: 0.2\nphases:\n  build:\n    commands:\n      - \"a\\0b\"\n".to_owned(),
        "version: 0.2\nphases:\n  build:\n    on-failure: IGNORE\n    commands: [make]\n"
            .to_owned(),
        format!("version: 0.2\nenviroment: {{}}\n{BUILD}"),
        format!("version: 0.2\nenv:\n  plaintext: {{ A: b }}\n{BUILD}"),
        format!("version: 0.2\nenv:\n  shell: zsh\n{BUILD}"),
        format!("version: 0.2\nenv:\n  shell: powershell.exe\n{BUILD}"),
        format!("version: 0.2\nenv:\n  variables: {{ 1A: b }}\n{BUILD}"),
        format!("version: 0.2\nenv:\n  variables: {{ \"\\e[31m\": b }}\n{BUILD}"),
        format!("version: 0.2\nenv:\n  variables: {{ CODEBUILD_BUILD_ID: b }}\n{BUILD}"),
        format!("version: 0.2\nenv:\n  variables: {{ A: null }}\n{BUILD}"),
        format!("version: 0.2\nenv:\n  variables: {{ A: [b] }}\n{BUILD}"),
        format!("version: 0.2\nenv:\n  parameter-store: {{ A: b }}\n{BUILD}"),
        format!("version: 0.2\nenv:\n  secrets-manager: {{ A: b }}\n{BUILD}"),
        format!("version: 0.2\nenv:\n  git-credential-helper: maybe\n{BUILD}"),
        format!("version: 0.2\nbatch:\n  fast-fail: true\n{BUILD}"),
        format!("version: 0.2\nreports:\n  \"\\e[31m\":\n    file: x\n{BUILD}"),
        format!("version: 0.2\ncache:\n  path: [a]\n{BUILD}"),
        format!("version: 0.2\n{BUILD}artifacts:\n  name: x\n"),
        format!("version: 0.2\n{BUILD}artifacts:\n  files: a.txt\n"),
        format!("version: 0.2\n{BUILD}artifacts:\n  paths: [a.txt]\n"),
        format!("version: 0.2\n{BUILD}artifacts:\n  files: [/etc/passwd]\n"),
        format!("version: 0.2\n{BUILD}artifacts:\n  files: [../x]\n"),
        format!("version: 0.2\n{BUILD}artifacts:\n  files: [$(date)]\n"),
        format!("version: 0.2\n{BUILD}artifacts:\n  files: [a]\n  base-directory: a/**\n"),
        format!(
            "version: 0.2\n{BUILD}artifacts:\n  files: [a]\n  secondary-artifacts:\n    a/b:\n      \
             files: [a]\n"
        ),
        format!("version: 0.2\n{}: x\n{BUILD}", "long".repeat(50)),
    ];
    let mut all = String::new();
    for text in texts {
        let error = parse(text.as_bytes()).expect_err(&text);
        writeln!(all, "{}\n=> {error}\n", text.trim_end()).expect("a string takes all");
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_file_that_is_not_utf_8_is_refused_with_the_line() {
    let error = parse(b"version: 0.2\n# caf\xe9\n").expect_err("latin-1");
    assert_eq!(error, Error::NotUtf8 { line: 2 });
}

#[test]
fn notes_say_what_is_skipped_and_why() {
    let text = "version: 0.2\nrun-as: nobody\nenv:\n  git-credential-helper: yes\n  \
         variables: { CI: false }\n  exported-variables: [AWS_REGION]\nproxy:\n  \
         upload-artifacts: yes\n  logs: yes\nphases:\n  install:\n    \
         runtime-versions: { java: latest }\n  build:\n    run-as: nobody\n    \
         on-failure: RETRY-3\n    commands: [make]\nreports:\n  unit:\n    files: ['*.xml']\n\
         cache:\n  paths: ['vendor/**/*']\nartifacts:\n  files: [a]\n  enable-symlinks: yes\n  \
         s3-prefix: x\n  type: zip\n";
    let plan = parse(text.as_bytes()).expect("all of it is skipped, nothing refused");
    let notes: Vec<String> = plan.notes.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(notes.join("\n"));
}
