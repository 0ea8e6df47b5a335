"""What somebody wants of the stack, in the words of no dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# What the samples are called with the prefix `chela`, as jobs.
SAMPLES: Mapping[str, Mapping[str, Any]] = {"codebuild/chela-hello": {}, "codepipeline/chela-release": {}}


@dataclass(frozen=True)
class Wish:
    """The inputs of a stack; the defaults are the least that it can be made of."""

    pagure_url: str = "https://pagure.example.org"
    pagure_git: Sequence[str] = ()
    # The full name of Pagure's project, and its jobs as the map of callers has them.
    project: str = "demo/hello"
    jobs: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"codebuild/hello": {}})
    # An IAM user that is there; a new one without it.
    caller: str = ""
    # A CodeBuild project `<prefix>-hello` and a pipeline `<prefix>-release`; name them as jobs too.
    samples: bool = False
    # `bucket/key` of source actions without an override.
    pipeline_sources: Sequence[str] = ()
    # None, `new`, or the ARN of one that is there.
    key: str = ""
    http_api: bool = False
    # The ARN of one that is there; a new one without it.
    secret: str = ""
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    topic: str = ""
    prefix: str = "chela"
    region: str = "eu-west-1"
    # Where the zips lie.
    bucket: str = "zips"
    trigger_key: str = "trigger-0a1b.zip"
    report_key: str = "report-0a1b.zip"
