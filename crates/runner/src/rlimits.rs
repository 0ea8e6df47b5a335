//! The limits that the kernel keeps for each process. The stage inside the walls sets them on
//! itself: to set another user's takes a capability that root has not in every container.

use std::path::Path;

use rustix::process::{Resource, getrlimit};

use crate::{
    limits::Limits,
    sandbox::{Kind, Sandbox},
    tree,
};

/// Where a process count is enforced at a fork, the watcher has had its turn before.
const MARGIN: u64 = 16;

/// Other builds of the same user may start later and take of the same count.
const BUILDS: u64 = 4;

/// The arguments of `ulimit`, in its units: processes, data, file size, open files, time.
pub(crate) fn arguments(limits: &Limits, sandbox: &Sandbox) -> [String; 5] {
    let own = || rustix::process::geteuid().as_raw();
    let uid = sandbox.user.map_or_else(own, |user| user.uid);
    // Counted in the build's own user namespace; by kernels before 5.14, and without one, for the
    // user in the whole machine.
    let builds = if sandbox.kind == Kind::Bubblewrap {
        1
    } else {
        BUILDS
    };
    let processes = tree::of_user(uid) + limits.processes.saturating_mul(builds) + MARGIN;
    let time = limits.cpu.map_or(u64::MAX, |time| time.as_secs().max(1));
    [
        (Resource::Nproc, processes, 1),
        // Not `As`: Go, Java and the sanitizers reserve far more addresses than they use.
        (Resource::Data, limits.memory, 1024),
        (Resource::Fsize, limits.file_size, 512),
        (Resource::Nofile, limits.open_files, 1),
        (Resource::Cpu, time, 1),
    ]
    .map(|(resource, value, unit)| in_units(getrlimit(resource).maximum, value, unit))
}

/// Never above this process's own limit: an ordinary user may not.
fn in_units(most: Option<u64>, value: u64, unit: u64) -> String {
    match most.map_or(value, |most| most.min(value)) {
        u64::MAX => "unlimited".to_owned(),
        value => (value / unit).to_string(),
    }
}

/// The shell of the stage before the build's own: bash, where there is one, because it can close
/// descriptors of any number.
pub(crate) fn stage_shell() -> &'static str {
    if Path::new("/bin/bash").exists() {
        "/bin/bash"
    } else {
        "/bin/sh"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_the_smaller_of_ours_and_the_machines() {
        for (most, value, unit, expected) in [
            (None, 4096, 1024, "4"),
            (Some(2048), 4096, 1024, "2"),
            (Some(8192), 4096, 512, "8"),
            (None, u64::MAX, 1, "unlimited"),
            (Some(60), u64::MAX, 1, "60"),
        ] {
            assert_eq!(
                in_units(most, value, unit),
                expected,
                "{most:?} {value} {unit}"
            );
        }
    }
}
