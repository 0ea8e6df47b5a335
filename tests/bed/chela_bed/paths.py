"""Where things lie: all of it below `target/pagure` of this checkout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

BED = Path(__file__).resolve().parents[1]
CHECKOUT = BED.parents[1]
HOME = CHECKOUT / "target" / "pagure"


class BedError(Exception):
    """Something a person has to put right; the text says what."""


@dataclass(frozen=True)
class Installation:
    """Pagure's own files, shared by all beds and kept between runs."""

    root: Path = HOME / "installation"

    @property
    def downloads(self) -> Path:
        return self.root / "downloads"

    @property
    def packages(self) -> Path:
        return self.root / "packages"

    @property
    def tree(self) -> Path:
        return self.packages / "usr/lib/python3/dist-packages"

    @property
    def share(self) -> Path:
        return self.packages / "usr/share/pagure"

    @property
    def venv(self) -> Path:
        return self.root / "venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin/python"


@dataclass(frozen=True)
class RunFolder:
    """What belongs to one bed: its data, logs, and the pids of its processes."""

    name: str

    @property
    def root(self) -> Path:
        return HOME / "beds" / self.name

    @property
    def config(self) -> Path:
        return self.root / "pagure.cfg"

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def certificate(self) -> Path:
        return self.root / "authority.pem"

    @property
    def certificate_key(self) -> Path:
        return self.root / "authority.key"

    @property
    def repositories(self) -> Path:
        return self.root / "repositories"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def pids(self) -> Path:
        return self.root / "pids"

    @property
    def database(self) -> Path:
        return self.root / "database"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def work(self) -> Path:
        return self.root / "work"
