"""The statuses and phases that Chela's table is tested with, and those of the installed botocore."""

from __future__ import annotations

import json
from typing import Any

import botocore
import botocore.loaders

from chela_bed import paths

WORDS = paths.CHECKOUT / "crates/aws/models/words.json"
SHAPES = {
    "codebuild": ["StatusType", "BuildPhaseType"],
    "codepipeline": ["PipelineExecutionStatus", "StageExecutionStatus", "ActionExecutionStatus"],
}


def of_botocore() -> dict[str, Any]:
    """Give what the installed botocore says."""
    loader = botocore.loaders.Loader()
    found: dict[str, Any] = {"botocore": botocore.__version__}
    for service, names in SHAPES.items():
        shapes = loader.load_service_model(service, "service-2")["shapes"]
        found[service] = {name: shapes[name]["enum"] for name in names}
    return found


def differences() -> list[str]:
    """Say, one sentence each, which lists are not the same."""
    kept, found = json.loads(WORDS.read_text()), of_botocore()
    return [
        f"{service}.{name}: words.json has {kept[service][name]}, botocore {found['botocore']} has {words}"
        for service in SHAPES
        for name, words in found[service].items()
        if kept[service][name] != words
    ]


def write() -> None:
    """Take them from the installed botocore."""
    kept = json.loads(WORDS.read_text())
    WORDS.write_text(json.dumps(kept | of_botocore(), indent=2) + "\n")


if __name__ == "__main__":
    write()
