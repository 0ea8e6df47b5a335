//! The arguments of bubblewrap: an own root with nothing in it but what is listed here.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Folders, Network, Places, Sandbox, Walled, seccomp::Filter, system};

/// What a build may write to `/dev/shm`: it is memory that belongs to no process.
const SHARED_MEMORY: &str = "67108864";

/// Writes the files that a build finds in `/etc`.
pub(crate) fn prepare(control: &Path) -> io::Result<()> {
    for (name, content) in system::MADE_UP {
        fs::write(control.join(name), content)?;
    }
    Ok(())
}

pub(super) fn command(
    sandbox: &Sandbox,
    folders: &Folders,
    program: &[OsString],
) -> io::Result<Walled> {
    let filter = Filter::new()?;
    let mut arguments = Arguments::default();
    arguments.namespaces(sandbox.network);
    arguments.filter(&filter);
    arguments.system(sandbox);
    arguments.folders(folders);
    arguments.seal();
    arguments.0.extend_from_slice(program);
    Ok(start(sandbox, arguments, filter))
}

/// The same walls around `true`, without a build's folders.
pub(super) fn trial(sandbox: &Sandbox) -> io::Result<Walled> {
    let filter = Filter::new()?;
    let mut arguments = Arguments::default();
    arguments.namespaces(sandbox.network);
    arguments.filter(&filter);
    arguments.system(sandbox);
    arguments.seal();
    arguments.add([&"/bin/sh", &"-c", &"true"]);
    Ok(start(sandbox, arguments, filter))
}

fn start(sandbox: &Sandbox, arguments: Arguments, filter: Filter) -> Walled {
    let mut command = Command::new(&sandbox.bubblewrap);
    // bubblewrap itself must not see a variable of the build (LD_PRELOAD): the build's shell gets
    // them later. Nor may it need the folder this program works in.
    command
        .args(arguments.0)
        .env_clear()
        .env("PATH", crate::variables::PATH)
        .current_dir("/");
    if let Some(user) = sandbox.user {
        command.uid(user.uid).gid(user.gid);
    }
    Walled {
        command,
        filter: Some(filter),
    }
}

#[derive(Default)]
struct Arguments(Vec<OsString>);

impl Arguments {
    fn add<const N: usize>(&mut self, arguments: [&dyn AsRef<OsStr>; N]) {
        self.0
            .extend(arguments.map(|argument| argument.as_ref().to_owned()));
    }

    fn namespaces(&mut self, network: Network) {
        for kind in ["user", "pid", "ipc", "uts", "cgroup-try"] {
            self.add([&format!("--unshare-{kind}")]);
        }
        if network == Network::Off {
            self.add([&"--unshare-net"]);
        }
        // Inside, no further user namespace: it would give back capabilities, and with them most
        // of the kernel's less trodden paths.
        self.add([&"--disable-userns"]);
        self.add([&"--die-with-parent"]);
        self.add([&"--new-session"]);
        self.add([&"--uid", &system::BUILD_ID, &"--gid", &system::BUILD_ID]);
        self.add([&"--hostname", &"build"]);
    }

    fn filter(&mut self, filter: &Filter) {
        self.add([&"--seccomp", &filter.number().to_string()]);
    }

    fn system(&mut self, sandbox: &Sandbox) {
        for path in system::PROGRAMS {
            match fs::read_link(path) {
                Ok(target) => self.add([&"--symlink", &target, &path]),
                Err(_) => self.read_only(path.as_ref()),
            }
        }
        for path in system::ETC {
            self.read_only(path.as_ref());
        }
        if sandbox.network == Network::On {
            self.read_only(system::RESOLVER.as_ref());
        }
        for path in &sandbox.readable {
            self.read_only(path);
        }
        self.add([&"--proc", &"/proc", &"--dev", &"/dev"]);
        self.add([
            &"--size",
            &SHARED_MEMORY,
            &"--perms",
            &"1777",
            &"--tmpfs",
            &"/dev/shm",
        ]);
    }

    fn read_only(&mut self, path: &Path) {
        self.add([&"--ro-bind-try", &path, &path]);
    }

    fn folders(&mut self, folders: &Folders) {
        let places = Places::inside();
        for (name, _) in system::MADE_UP {
            let inside = PathBuf::from("/etc").join(name);
            self.add([&"--ro-bind", &folders.control.join(name), &inside]);
        }
        self.add([&"--ro-bind", &folders.control, &places.control]);
        self.add([&"--bind", &folders.source, &places.source]);
        self.add([&"--bind", &folders.home, &places.home]);
        self.add([&"--bind", &folders.tmp, &places.tmp]);
        self.add([
            &"--dir",
            &"/run",
            &"--dir",
            &"/var",
            &"--symlink",
            &"/tmp",
            &"/var/tmp",
        ]);
        self.add([&"--chdir", &places.source]);
    }

    /// The root and `/dev` are memory too: nothing may be written there.
    fn seal(&mut self) {
        self.add([&"--remount-ro", &"/dev", &"--remount-ro", &"/", &"--"]);
    }
}
