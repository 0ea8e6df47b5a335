"""Writes a bed's pagure.cfg."""

from __future__ import annotations

from string import Template

from chela_bed.paths import BED, RunFolder

FOLDERS = [
    "repositories",
    "remotes",
    "attachments",
    "releases",
    "archives",
    "pseudo",
    "logs",
    "pids",
    "home",
    "work",
]

GITCONFIG = """\
[user]
    name = Test Bed
    email = bed@example.org
[init]
    defaultBranch = main
[safe]
    directory = *
[url "$git_url"]
    insteadOf = $outside
"""

# Where remote pull requests come from: git goes to the bed's own server instead.
OUTSIDE = "https://git.example.org/"


def write_config(
    folder: RunFolder,
    *,
    database_url: str,
    ports: dict[str, int],
    visibility_timeout: int | None,
    plugin_lines: str,
) -> None:
    """Make the bed's folders, and Pagure's configuration in them."""
    for name in FOLDERS:
        (folder.root / name).mkdir(parents=True, exist_ok=True)
    git_url = f"http://127.0.0.1:{ports['git']}/"
    gitconfig = Template(GITCONFIG).substitute(git_url=git_url, outside=OUTSIDE)
    (folder.home / ".gitconfig").write_text(gitconfig)
    text = Template((BED / "pagure.cfg.template").read_text()).substitute(
        root=folder.root,
        database_url=database_url,
        web_url=f"http://127.0.0.1:{ports['web']}",
        git_url=git_url,
        redis_port=ports["redis"],
        # Browsers keep cookies per host, not per port: two beds must not log each other out.
        cookie_name=f"pagure_{folder.name}",
    )
    if visibility_timeout is not None:
        # Redis hands a message of a killed worker out again after this time; an hour by default.
        options = {"broker_transport_options": {"visibility_timeout": visibility_timeout}}
        text += f"CELERY_CONFIG = {options!r}\n"
    folder.config.write_text(text + plugin_lines)
