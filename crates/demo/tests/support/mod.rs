//! A running forge, its key, and git.

#![allow(dead_code, reason = "each test file uses its own part of this")]

pub mod receiver;

use std::path::Path;
use std::process::{Command, Output};

use chela_contract::{Job, Micros, webhook::Key};
use chela_demo::{Flag, Forge};
use tokio::sync::mpsc::UnboundedReceiver;

pub const TOKEN: &str = "the project's token";

pub fn key() -> Key {
    Key::new(TOKEN.into()).expect("not empty")
}

pub async fn forge() -> (Forge, UnboundedReceiver<Flag>) {
    let project = "demo/hello".parse().expect("a name");
    let job = Job::new("local/check").expect("a job");
    let forge = Forge::start(project, job, key()).await;
    forge.expect("a free port")
}

pub fn now() -> Micros {
    jiff::Timestamp::now().into()
}

/// git itself, with nobody's configuration.
pub fn git(directory: &Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .output()
        .expect("git runs")
}

/// What git says when all goes well.
pub fn fine(directory: &Path, arguments: &[&str]) -> String {
    let output = git(directory, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}
