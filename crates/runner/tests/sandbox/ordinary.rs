//! All of it once more without root.

use std::{
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    process::Command,
};

use crate::support::{CONFINE, confine};

/// Some users who are nobody else here.
const SOMEBODY: u32 = 64_999;
const WITHOUT_THREADS: u32 = 64_998;

#[test]
fn an_ordinary_user_runs_builds_just_as_safely() {
    if !rustix::process::geteuid().is_root() {
        // Then all other tests say so.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::copy(std::env::current_exe().unwrap(), path("tests")).unwrap();
    fs::copy(confine(), path("confine")).unwrap();
    fs::create_dir(path("tmp")).unwrap();
    std::os::unix::fs::chown(path("tmp"), Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();

    let output = Command::new(path("tests"))
        .env(CONFINE, path("confine"))
        .env("TMPDIR", path("tmp"))
        .current_dir("/")
        .uid(SOMEBODY)
        .gid(SOMEBODY)
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_thread_that_the_system_refuses_is_said_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("confine");
    fs::copy(confine(), &program).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new("bash");
    command
        .args(["-c", "ulimit -u 0 && exec \"$0\" -- true"])
        .arg(&program)
        .current_dir("/");
    // Root itself is refused nothing.
    if rustix::process::geteuid().is_root() {
        command.uid(WITHOUT_THREADS).gid(WITHOUT_THREADS);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("cannot start the build's shell"), "{said}");
}
