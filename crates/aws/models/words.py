"""Compares words.json with the models of the installed botocore; with --write, takes them from there."""

import json
import sys
from pathlib import Path
from typing import Any

import botocore
import botocore.loaders

WORDS = Path(__file__).with_name("words.json")
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


def differences(kept: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Say, one sentence each, which lists are not the same."""
    return [
        f"{service}.{name}: words.json has {kept[service][name]}, botocore {found['botocore']} has {words}"
        for service in SHAPES
        for name, words in found[service].items()
        if kept[service][name] != words
    ]


def main() -> int:
    """Compare, or write."""
    kept = json.loads(WORDS.read_text())
    found = of_botocore()
    if sys.argv[1:] == ["--write"]:
        WORDS.write_text(json.dumps(kept | found, indent=2) + "\n")
        return 0
    wrong = differences(kept, found)
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
