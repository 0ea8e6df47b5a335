//! What a stranger's build tries, and what it must not reach.

use std::{
    fs,
    net::TcpListener,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            fs::{MetadataExt, symlink},
            net::{SocketAddr, UnixListener},
        },
    },
    process::{Child, Command, Stdio},
};

use chela_runner::{Failure, Kind, Outcome};
use rustix::io::{FdFlags, fcntl_setfd};

use crate::support::{Bench, Ran, inside};

const WALLS: [Kind; 2] = [Kind::Bubblewrap, Kind::Landlock];

/// Runs what may fail.
fn tried(bench: &Bench, commands: &[&str]) -> Ran {
    let commands: Vec<String> = commands
        .iter()
        .map(|command| format!("{command}\ntrue"))
        .collect();
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    let ran = bench.run(
        &crate::support::buildspec(&commands)
            .replace("version: 0.2", "version: 0.2\nenv: {shell: bash}"),
    );
    ran.succeeded();
    ran
}

#[test]
fn files_outside_cannot_be_read_by_path_or_link() {
    for kind in WALLS {
        let bench = Bench::new(kind);
        let secret = bench.path("secret");
        fs::write(&secret, "hunter2").unwrap();
        let other = Bench::new(kind);
        other.write("file", "hunter2");
        symlink(&secret, bench.source().join("link")).unwrap();
        symlink(bench.path(""), bench.source().join("folder")).unwrap();
        let ran = tried(
            &bench,
            &[
                &format!("cat {}", secret.display()),
                &format!(
                    "cat {}/file; ls -la {}",
                    other.source().display(),
                    other.path("").display()
                ),
                "cat link folder/secret",
                "ln -s / root && cat root/etc/shadow",
                &format!("ln {} hard && cat hard", secret.display()),
                "cat /etc/shadow /etc/sudoers /etc/ssl/private/* /*/.bashrc /*/.ssh/* /home/*/.ssh/*",
            ],
        );
        ran.says_not("hunter2")
            .says_not("root:$")
            .says_not("root:*");
    }
}

#[test]
fn the_root_holds_nothing_of_the_machines_own() {
    let bench = Bench::new(Kind::Bubblewrap);
    let ran = tried(
        &bench,
        &[
            "ls / | tr '\\n' ' '; echo",
            "ls -A /run /var /home /root /sys /mnt /srv /opt /boot 2>/dev/null | tr '\\n' ' '; echo",
            "ls /codebuild | tr '\\n' ' '; echo",
            "hostname; cut -d: -f1 /etc/passwd | tr '\\n' ' '; echo",
            "ls /dev | tr '\\n' ' '; echo",
        ],
    );
    let printed = ran.printed();
    let lines: Vec<&str> = printed.lines().collect();
    for name in lines[0].split_whitespace() {
        let known = [
            "bin",
            "codebuild",
            "dev",
            "etc",
            "gnu",
            "lib",
            "lib32",
            "lib64",
            "libx32",
            "nix",
            "proc",
            "run",
            "sbin",
            "tmp",
            "usr",
            "var",
        ];
        assert!(known.contains(&name), "/{name} is in the build's root");
    }
    assert_eq!(lines[1], "/run:  /var: tmp ");
    assert_eq!(lines[2], "control home src ");
    assert_eq!(lines[3], "build");
    assert_eq!(lines[4], "root build nobody ");
    let devices: Vec<&str> = lines[5].split_whitespace().collect();
    let known = [
        "console", "core", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin",
        "stdout", "tty", "urandom", "zero",
    ];
    assert!(
        devices.iter().all(|device| known.contains(device)),
        "{devices:?}"
    );
}

#[test]
fn nothing_outside_the_builds_folders_can_be_written() {
    for kind in WALLS {
        let bench = Bench::new(kind);
        let outside = bench.path("outside");
        fs::create_dir(&outside).unwrap();
        fs::set_permissions(
            &outside,
            std::os::unix::fs::PermissionsExt::from_mode(0o777),
        )
        .unwrap();
        let ran = tried(
            &bench,
            &[
                &format!("touch {}/x && echo written", outside.display()),
                "for at in / /usr /etc /dev /proc /run /var /codebuild /var/lib /etc/ssl/certs; do \
                 (: > $at/chela-was-here) && echo written at $at; done",
                "for file in $0 ${0%/*}/*; do (: >> $file) && echo written to $file; done",
                "(echo x > /proc/sys/kernel/hostname) && echo written",
            ],
        );
        ran.says_not("\nwritten");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{kind:?}");
    }
}

#[test]
fn other_processes_keep_their_secrets_and_their_lives() {
    for kind in WALLS {
        let bench = Bench::new(kind);
        let mut bystander = Bystander::start(&bench);
        let pid = bystander.0.id();
        let ran = tried(
            &bench,
            &[
                &format!("cat /proc/{pid}/environ; cat /proc/*/environ | tr '\\0' '\\n'"),
                &format!(
                    "for top in {pid} 1; do (cd /proc/$top/root 2>/dev/null && cat etc/shadow); done; ls /proc/{pid}/fd"
                ),
                &format!("kill -9 {pid} && echo killed"),
                "kill -9 -1",
                &format!("kill -STOP {pid} && echo stopped"),
                &format!("perl -e 'print \"traced\\n\" if 0 == syscall(101, 16, {pid}, 0, 0)'"),
            ],
        );
        ran.says_not("hunter2")
            .says_not("root:")
            .says_not("\nkilled")
            .says_not("\nstopped");
        ran.says_not("\ntraced");
        assert!(
            bystander.0.try_wait().unwrap().is_none(),
            "the bystander has ended"
        );
    }
}

/// A process of the very user that runs the build.
struct Bystander(Child);

impl Bystander {
    fn start(bench: &Bench) -> Self {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new("sleep");
        command
            .arg("600")
            .env("SECRET", "hunter2")
            .stdout(Stdio::null())
            .current_dir("/");
        if let Some(user) = bench.sandbox.user {
            command.uid(user.uid).gid(user.gid);
        }
        Self(command.spawn().unwrap())
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn with_bubblewrap_no_other_process_is_seen() {
    let ran = tried(
        &Bench::new(Kind::Bubblewrap),
        &[
            "ls -d /proc/[0-9]* | wc -l",
            "cat /proc/[0-9]*/cmdline | tr '\\0' ' '",
        ],
    );
    let count: u32 = ran.printed().lines().next().unwrap().parse().unwrap();
    assert!(count <= 5, "{count} processes are seen:\n{}", ran.log);
    ran.says_not("cargo");
}

#[test]
fn the_machines_sockets_are_out_of_reach() {
    for kind in WALLS {
        let bench = Bench::new(kind);
        let (tcp, name) = (
            TcpListener::bind("127.0.0.1:0").unwrap(),
            "chela-test-socket",
        );
        let name = format!("{name}-{}-{kind:?}", std::process::id());
        let abstract_address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixListener::bind_addr(&abstract_address).unwrap();
        tcp.set_nonblocking(true).unwrap();
        socket.set_nonblocking(true).unwrap();
        let port = tcp.local_addr().unwrap().port();
        let commands = [
            format!("(echo hello > /dev/tcp/127.0.0.1/{port}) && echo connected"),
            format!(
                "perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); print \"connected\\n\" if \
                 connect(S, pack(\"S a*\", AF_UNIX, \"\\0{name}\"))'"
            ),
        ];
        let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
        tried(&bench, &commands).says_not("\nconnected");
        assert!(tcp.accept().is_err(), "{kind:?}: a connection came through");
        assert!(
            socket.accept().is_err(),
            "{kind:?}: a connection came through"
        );

        // The same commands do connect where the network is on.
        let ran = tried(&Bench::new(kind).with_network(), &commands[..1]);
        ran.says("\nconnected");
        assert!(tcp.accept().is_ok(), "{kind:?}: no connection came through");
    }
}

#[test]
fn privileges_cannot_be_had() {
    for kind in WALLS {
        let ran = tried(
            &Bench::new(kind),
            &[
                "grep -E 'NoNewPrivs|CapEff|CapBnd|CapPrm' /proc/self/status",
                "(mknod /tmp/disk b 259 0 || mknod disk b 8 0) && echo made",
                "mount -t tmpfs none /tmp && echo mounted",
                "cp /usr/bin/id setuid && chmod 6755 setuid && ./setuid",
                "chown 0:0 setuid && echo owned",
            ],
        );
        ran.says("NoNewPrivs:\t1").says("CapEff:\t0000000000000000");
        ran.says("CapPrm:\t0000000000000000");
        ran.says_not("\nmade")
            .says_not("\nmounted")
            .says_not("euid=")
            .says_not("\nowned");
        if kind == Kind::Bubblewrap {
            ran.says("CapBnd:\t0000000000000000");
        }
    }
}

#[test]
fn inside_bubblewrap_there_is_no_further_user_namespace() {
    let ran = tried(
        &Bench::new(Kind::Bubblewrap),
        &["unshare --user --map-root-user true && echo unshared"],
    );
    ran.says_not("\nunshared");
}

#[test]
fn descriptors_that_this_program_inherited_do_not_reach_the_build() {
    for kind in WALLS {
        let bench = Bench::new(kind);
        fs::write(bench.path("open"), "hunter2").unwrap();
        let leaked = fs::File::open(bench.path("open")).unwrap();
        // As if whoever started this program had left it open.
        fcntl_setfd(&leaked, FdFlags::empty()).unwrap();
        let ran = tried(
            &bench,
            &[
                "readlink /proc/$$/fd/*",
                "sh -c 'for fd in /proc/self/fd/*; do readlink $fd; done'",
            ],
        );
        ran.says_not("hunter2");
        let printed = ran.printed();
        let files = printed.lines().filter(|line| !line.starts_with("cat:"));
        let known = |line: &&str| {
            *line == "/dev/null"
                || line.starts_with("pipe:")
                || line.starts_with("/proc/")
                || line.ends_with("/control/loop")
        };
        let strange: Vec<&str> = files.filter(|line| !known(line)).collect();
        assert!(strange.is_empty(), "{kind:?}: {strange:?}");
    }
}

#[test]
fn commands_do_not_have_the_channels_of_their_shell() {
    for shell in ["sh", "bash"] {
        let ran = Bench::new(Kind::Bubblewrap).run(&format!(
            "
version: 0.2
env: {{shell: {shell}}}
phases: {{build: {{commands: ['ls /proc/self/fd | wc -l']}}}}
"
        ));
        ran.succeeded();
        assert_eq!(
            ran.printed(),
            "4\n",
            "{shell}: 0, 1, 2 and the folder that `ls` reads"
        );
    }
}

#[test]
fn a_build_that_writes_into_the_status_channel_only_harms_itself() {
    for noise in [
        "printf 'hello\\n'",
        "printf 'done 7 0\\n'",
        "yes 'done 0 0'",
        "cat /dev/zero",
    ] {
        let noisy = format!(
            "for fd in /proc/$$/fd/*; do case $(readlink $fd) in pipe:*) ({noise} > $fd) & ;; esac; \
             done; true"
        );
        let bench = Bench::new(Kind::Bubblewrap).with_limits(|limits| limits.output = 10 << 20);
        let ran = bench.commands(&[&noisy, "echo next", "echo last"]);
        // Where the runner's user is another than the build's, the pipes do not open at all.
        assert!(
            matches!(
                ran.finished.outcome,
                Outcome::Succeeded | Outcome::Failed(Failure::Disturbed | Failure::Limit(_))
            ),
            "{noise}: {:?}",
            ran.finished.outcome
        );
        assert_eq!(inside(&bench.source()), [], "processes are left");
    }
}

#[test]
fn preparing_a_build_follows_no_link_of_its_tree() {
    let bench = Bench::new(Kind::Bubblewrap);
    let outside = bench.path("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "").unwrap();
    let before = fs::metadata(&outside).unwrap();
    symlink(&outside, bench.source().join("folder")).unwrap();
    symlink(outside.join("file"), bench.source().join("file")).unwrap();
    bench.commands(&["true"]).succeeded();
    for path in [outside.clone(), outside.join("file")] {
        let after = fs::metadata(&path).unwrap();
        assert_eq!(
            (after.uid(), after.gid()),
            (before.uid(), before.gid()),
            "{path:?}"
        );
    }
}

#[test]
fn keyrings_and_the_host_of_a_virtual_machine_are_out_of_reach() {
    // Their numbers here: add_key, request_key, keyctl, io_uring_setup, socket.
    let (keys, ring, socket) = match std::env::consts::ARCH {
        "x86_64" => ("248, 249, 250", 425, 41),
        "aarch64" => ("217, 218, 219", 425, 198),
        _ => return,
    };
    let ran = Bench::new(Kind::Bubblewrap).commands(&[&format!(
        "perl -e '
for ({keys}, {ring}) {{ print syscall($_, 0, -3, 0, 0, 0), \" \", $! + 0, \"\\n\" }}
print syscall({socket}, 40, 1, 0), \" \", $! + 0, \"\\n\";
print syscall({socket}, 1, 1, 0) >= 0 ? \"opened\" : \"$!\", \"\\n\";'"
    )]);
    ran.succeeded();
    let (no_call, no_family) = ("-1 38\n", "-1 97\n");
    assert_eq!(
        ran.printed(),
        [&no_call.repeat(4), no_family, "opened\n"].concat()
    );
}
