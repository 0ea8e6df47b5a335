"""What a build can reach: nothing of the machine's secrets, of other builds, of the receiver."""

from __future__ import annotations

import contextlib
import secrets
import socket
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from chela_bed import Bed, wait_for
from chela_bed.planting import Planted, Tree
from yard import COMMITTER, STRANGER, Yard, jobs, processes_with, unharmed, yard

EVERYBODY = pytest.mark.parametrize("whose", [COMMITTER, STRANGER])
SECRET = "a-key-for-deploying"
OUTLIVING = "sleep 5151.5151"

# Where a build tries to write. The machine must have none of it, or what it has must not change.
OUTSIDE = ["/", "/bin", "/dev", "/etc", "/proc/sys/kernel", "/run", "/sys", "/usr", "/usr/bin", "/var"]
OUTSIDE += ["/codebuild", "/codebuild/control", "/proc/1", "/root", "/home", "/opt", "/mnt"]

TRY_TO_READ = """\
for path in %s; do
  if head -c 1 "$path" >/dev/null 2>&1 || ls "$path" >/dev/null 2>&1; then echo "REACHED $path"; fi
done
cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'
echo "read on"
"""
TRY_TO_WRITE = """\
for place in %s; do
  if (echo x >"$place/intruder") 2>/dev/null; then echo "WRITTEN $place"; fi
done
for file in /etc/passwd /usr/bin/env /codebuild/control/loop /codebuild/control/command-0; do
  if (echo x >>"$file") 2>/dev/null; then echo "WRITTEN $file"; fi
  if rm -f "$file" 2>/dev/null || mv "$file" . 2>/dev/null; then echo "GONE $file"; fi
done
echo "write on"
"""
TRY_TO_RISE = """\
unshare --user --map-root-user true 2>/dev/null && echo "RISEN by a namespace"
mount -t tmpfs none /mnt 2>/dev/null && echo "RISEN by a mount"
chroot / true 2>/dev/null && echo "RISEN by a root"
mknod disk b 8 0 2>/dev/null && echo "RISEN by a device"
chown 0 . 2>/dev/null && echo "RISEN by a gift"
su -c true </dev/null 2>/dev/null && echo "RISEN by su"
cat /proc/self/status
ls -l /proc/self/fd
ls /dev
id
"""
TRY_TO_KILL = """\
kill -9 %d 2>/dev/null && echo "KILLED the receiver"
sleep 6161.6161 &
kill -9 -1
echo "kill on"
"""


@dataclass
class Listener:
    """Somebody on this machine, or in its network, who is not meant for builds."""

    port: int = 0
    heard: list[bytes] = field(default_factory=list)

    @contextlib.contextmanager
    def listening(self) -> Iterator[Listener]:
        """Take what comes, until the end."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
            threading.Thread(target=self._serve, args=[server], daemon=True).start()
            yield self

    def _serve(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection:
                    self.heard.append(connection.recv(100))
                    connection.sendall(b"hello from outside\n")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A secret of the job's."""
    file = tmp_path_factory.mktemp("secrets") / "deploy-key"
    file.touch(mode=0o600)
    file.write_text(f"{SECRET}\n")
    return file


@pytest.fixture(scope="module")
def walls(bed: Bed, key: Path) -> Iterator[Yard]:
    configured = jobs(
        test={"environment": {"GREETING": "hello"}, "secret_files": {"DEPLOY_KEY": str(key)}},
        offline={"network": False},
        online={"strangers_network": True},
    )
    with yard(bed, "walls-reach", configured) as made, unharmed(made):
        yield made


def run(walls: Yard, planted: Planted, whose: str, job: str = "test") -> str:
    """The log of a build that succeeds, whatever it tries."""
    asked = walls.ask(planted, whose, job)
    flag = walls.flag(asked)
    assert (flag.status, flag.comment) == ("success", "The build succeeded"), walls.log(asked)
    return walls.log(asked)


@EVERYBODY
def test_a_build_reads_nothing_of_the_host_or_of_another_build(walls: Yard, whose: str, key: Path) -> None:
    mark = secrets.token_hex(8)
    serve = walls.serve
    with (
        walls.neighbour(f"echo {mark} | tee mine") as neighbour,
        tempfile.NamedTemporaryFile(prefix="chela-walls-", mode="w") as of_host,
    ):
        of_host.write(mark)
        of_host.flush()
        Path(of_host.name).chmod(0o644)
        paths = [
            Path("/etc/shadow"),
            Path("/etc/hostname"),
            Path("/proc") / str(serve.pid) / "environ",
            Path("/proc") / str(serve.pid) / "root",
            Path(of_host.name),
            key,
            serve.config,
            serve.token_file(walls.project),
            serve.data,
            serve.data / "chela.db",
            serve.process.log,
            serve.build_folder(neighbour.build_id) / "log",
            serve.build_folder(neighbour.build_id) / "source/mine",
            walls.bed.folder.state,
            Path.home(),
        ]
        assert [path for path in paths if not path.exists()] == [], "the test names what is not there"
        probe = TRY_TO_READ % " ".join(f"'{path}'" for path in paths)
        log = run(walls, walls.commands("sh probe.sh", tree={"probe.sh": probe}), whose)
    assert mark in walls.log(neighbour)
    assert "\nread on\n" in log
    assert [line for line in log.splitlines() if line.startswith("REACHED")] == []
    for secret in (mark, walls.token, "RUST_BACKTRACE", "chela.toml"):
        assert secret not in log, secret


@EVERYBODY
def test_a_build_writes_nothing_outside(walls: Yard, whose: str) -> None:
    log = run(walls, walls.commands(TRY_TO_WRITE % " ".join(OUTSIDE)), whose)
    assert "\nwrite on\n" in log
    assert [line for line in log.splitlines() if line.startswith(("WRITTEN", "GONE"))] == []
    assert [place for place in OUTSIDE if Path(place, "intruder").exists()] == []


@EVERYBODY
def test_a_build_gains_no_rights_and_inherits_nothing_of_the_receiver(walls: Yard, whose: str) -> None:
    log = run(walls, walls.commands(f"({TRY_TO_RISE}) 2>&1"), whose)
    assert [line for line in log.splitlines() if line.startswith("RISEN")] == []
    status = dict(line.split(":\t", 1) for line in log.splitlines() if ":\t" in line)
    assert (int(status["CapEff"], 16), int(status["CapPrm"], 16), int(status["CapBnd"], 16)) == (0, 0, 0)
    assert status["NoNewPrivs"] == "1"
    opened = [line.partition(" -> ")[2] for line in log.splitlines() if " -> " in line]
    strange = [target for target in opened if not target.startswith(("pipe:", "/dev/null", "/proc/"))]
    assert (len(opened), strange) == (4, [])
    assert "uid=1000(build) gid=1000(build)" in log
    assert "vda" not in log and "sda" not in log and "kmsg" not in log


@EVERYBODY
def test_a_build_cannot_kill_the_receiver_or_another_build(walls: Yard, whose: str) -> None:
    assert walls.serve.pid is not None
    with walls.neighbour():
        log = run(walls, walls.commands(TRY_TO_KILL % walls.serve.pid), whose)
    assert "\nkill on\n" in log
    assert "\nKILLED" not in log


@EVERYBODY
def test_no_process_outlives_its_build(walls: Yard, whose: str) -> None:
    planted = walls.commands(
        f"nohup {OUTLIVING} >/dev/null 2>&1 &",
        f"setsid --fork env -i {OUTLIVING} </dev/null >/dev/null 2>&1",
        f"(({OUTLIVING} &) &)",
        f"trap '' TERM INT HUP; env -i setsid bash -c 'trap \"\" TERM HUP; while :; do {OUTLIVING}; done' &",
        "ps -e || :",
    )
    run(walls, planted, whose)
    wait_for(lambda: not processes_with(OUTLIVING), 10, "the end of all that the build had started")


@EVERYBODY
def test_a_build_that_meddles_with_its_own_shell_harms_itself_alone(walls: Yard, whose: str) -> None:
    # What it finds there it may open only where it runs as the receiver's own user.
    meddling = 'for fd in /proc/$$/fd/*; do (echo "done 7 0" >"$fd") 2>/dev/null; done; true'
    with walls.neighbour():
        flag = walls.flag(walls.ask(walls.commands(meddling), whose))
        assert flag.comment in (
            "The build succeeded",
            "the build has disturbed the shell that runs its commands",
        )
        killing = walls.flag(walls.ask(walls.commands("kill -9 $$; true"), whose))
        assert (killing.status, killing.comment) == (
            "failure",
            "exit status 137 in phase BUILD: kill -9 $$; true",
        )


CONNECT = "exec 3<>/dev/tcp/127.0.0.1/%d; echo $CHELA_BUILD_ID >&3; cat <&3"


@pytest.mark.parametrize(
    ("whose", "job", "heard"),
    [
        (COMMITTER, "test", True),
        (COMMITTER, "offline", False),
        (STRANGER, "test", False),
        (STRANGER, "online", True),
    ],
)
def test_a_build_reaches_the_network_only_where_its_job_says_so(
    walls: Yard, whose: str, job: str, heard: bool
) -> None:
    with Listener().listening() as listener:
        asked = walls.ask(walls.commands(f"bash -c '{CONNECT % listener.port}'"), whose, job)
        flag = walls.flag(asked)
    assert flag.status == ("success" if heard else "failure"), walls.log(asked)
    assert listener.heard == ([f"{asked.build_id}\n".encode()] if heard else [])
    assert ("\nhello from outside\n" in walls.log(asked)) == heard


ABSTRACT = """\
use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0);
print connect(S, pack_sockaddr_un(chr(0) . "%s")) ? "reached\\n" : "not reached: $!\\n";
"""


@pytest.mark.parametrize(
    ("whose", "line"), [(COMMITTER, "reached"), (STRANGER, "not reached: Connection refused")]
)
def test_a_socket_without_a_name_on_the_disk_is_the_networks(walls: Yard, whose: str, line: str) -> None:
    name = secrets.token_hex(8)
    program: Tree = {"reach.pl": ABSTRACT % name}
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0{name}")
        server.listen()
        log = run(walls, walls.commands("perl reach.pl", tree=program), whose)
    assert f"\n{line}\n" in log


def test_a_jobs_secrets_are_for_committers_code_alone(walls: Yard) -> None:
    planted = walls.commands('echo "$GREETING, ${DEPLOY_KEY-nobody}"; env')
    for whose, known in ((COMMITTER, SECRET), (STRANGER, "nobody")):
        log = run(walls, planted, whose)
        assert f"\nhello, {known}\n" in log
        assert (SECRET in log) == (whose == COMMITTER)
        assert walls.token not in log
