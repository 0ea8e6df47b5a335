"""`python -m chela_bed up|down|status`: what `cargo xtask pagure` calls."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from chela_bed import demo
from chela_bed.bed import Bed
from chela_bed.database import Engine
from chela_bed.machine import Options, prepare, stop_all
from chela_bed.paths import BedError, RunFolder


def main() -> int:
    """Do what the command line says."""
    given = _arguments()
    try:
        if given.command == "up":
            _up(Options(name=given.name, database=Engine(given.db), wheel=given.wheel))
        elif given.command == "down":
            stop_all(RunFolder(given.name))
            print(f"{given.name}: stopped")
        else:
            return _status(given.name)
    except BedError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chela_bed", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="set a Pagure up from nothing and start it")
    up.add_argument("--db", choices=[engine.value for engine in Engine], default=Engine.POSTGRESQL.value)
    up.add_argument("--wheel", type=Path, required=True, help="the plugin to install")
    down = commands.add_parser("down", help="stop it")
    status = commands.add_parser("status", help="say what runs")
    for command in (up, down, status):
        command.add_argument("--name", default="main", help="which bed; several can run side by side")
    return parser.parse_args()


def _up(options: Options) -> None:
    began = time.monotonic()
    prepare(options)
    bed = Bed.create(options)
    print(demo.play(bed))
    print(f"\nUp after {time.monotonic() - began:.0f} s; data and logs are in {bed.folder.root}")


def _status(name: str) -> int:
    bed = Bed.open(name)
    running = bed.running()
    for role, pid in running.items():
        print(f"{role.value:16} {f'process {pid}' if pid else 'not running'}")
    print(f"{'web':16} {bed.url}")
    return 0 if all(running.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
