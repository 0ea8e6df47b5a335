"""CodeBuild's events, as its User Guide shows them ("Build notifications input format reference").

Numbers are floats here and there, dates are a person's, and parts are missing while there is nothing
to say: who reads them has to bear it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chela_bed.aws.engines.builds import COMPLETED, DOWNLOAD, Build, Phase
from chela_bed.aws.engines.envelope import event

SOURCE = "aws.codebuild"
STATE_CHANGE = "CodeBuild Build State Change"
PHASE_CHANGE = "CodeBuild Build Phase Change"


def date(time: datetime) -> str:
    """As `Sep 1, 2017 4:12:29 PM`."""
    return f"{time:%b} {time.day}, {time.year} {int(time.strftime('%I'))}:{time:%M:%S %p}"


def state_change(build: Build, time: datetime) -> dict[str, Any]:
    """The build has begun, or is over."""
    detail = {
        "build-status": build.status,
        **_common(build),
        "current-phase": build.phase,
        "current-phase-context": "[]",
    }
    return event(build.account, (SOURCE, STATE_CHANGE), build.arn, time, detail)


def phase_change(build: Build, phase: Phase, time: datetime) -> dict[str, Any]:
    """A phase is over."""
    detail = {
        "completed-phase": phase.name,
        **_common(build),
        "completed-phase-context": f"[{', '.join(_contexts(phase))}]",
        "completed-phase-status": phase.status,
        "completed-phase-duration-seconds": float(phase.duration),
        "completed-phase-start": date(phase.start),
        "completed-phase-end": date(phase.end or phase.start),
    }
    return event(build.account, (SOURCE, PHASE_CHANGE), build.arn, time, detail)


def _common(build: Build) -> dict[str, Any]:
    return {
        "project-name": build.project,
        "build-id": build.arn,
        "additional-information": _information(build),
        "version": "1",
    }


def _information(build: Build) -> dict[str, Any]:
    environment = build.settings.environment
    information: dict[str, Any] = {
        "cache": {"type": "NO_CACHE"},
        "timeout-in-minutes": float(build.settings.timeout),
        "queued-timeout-in-minutes": float(build.settings.queued_timeout),
        "build-complete": build.end is not None,
        "build-number": float(build.number),
        "initiator": build.initiator,
        "build-start-time": date(build.start),
        "source": _source(build),
        "environment": {
            "image": environment["image"],
            "privileged-mode": environment["privilegedMode"],
            "image-pull-credentials-type": environment["imagePullCredentialsType"],
            "compute-type": environment["computeType"],
            "type": environment["type"],
            "environment-variables": environment.get("environmentVariables", []),
        },
        "logs": {"deep-link": build.deep_link},
        "phases": [_phase(phase) for phase in build.phases],
    }
    if build.settings.source_version is not None:
        information["source-version"] = build.settings.source_version
    if build.passed(DOWNLOAD):
        information["logs"] |= {
            "group-name": f"/aws/codebuild/{build.project}",
            "stream-name": build.uuid,
        }
    return information


def _source(build: Build) -> dict[str, Any]:
    source = build.settings.source
    return {name: source[name] for name in ("buildspec", "location", "type") if name in source}


def _phase(phase: Phase) -> dict[str, Any]:
    told: dict[str, Any] = {"start-time": date(phase.start), "phase-type": phase.name}
    if phase.end is not None and phase.name != COMPLETED:
        told |= {
            "phase-context": _contexts(phase),
            "end-time": date(phase.end),
            # An integer where nothing happened, else a float: so it is in the samples.
            "duration-in-seconds": float(phase.duration) if phase.duration else 0,
            "phase-status": phase.status,
        }
    return told


def _contexts(phase: Phase) -> list[str]:
    return [f"{code}: {message}" for code, message in phase.contexts]
