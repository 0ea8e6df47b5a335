//! All of it once more without root.

use std::{
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    process::Command,
};

use crate::support::{CONFINE, confine};

/// Some user who is nobody else here.
const SOMEBODY: u32 = 64_999;

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
