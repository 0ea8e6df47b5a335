"""A near-real AWS for the compiled functions: signatures, policies and conditions hold as in an account."""

from chela_bed.aws.account import Account
from chela_bed.aws.api import ServiceError
from chela_bed.aws.calls import Call, Calls
from chela_bed.aws.cloud import Cloud
from chela_bed.aws.door import Kind
from chela_bed.aws.faults import (
    Answer,
    Cut,
    Fault,
    Hold,
    Kill,
    Moment,
    conflict,
    denied,
    down,
    throttled,
)
from chela_bed.aws.layouts import Plan
from chela_bed.aws.stack import Stack

__all__ = [
    "Account",
    "Answer",
    "Call",
    "Calls",
    "Cloud",
    "Cut",
    "Fault",
    "Hold",
    "Kill",
    "Kind",
    "Moment",
    "Plan",
    "ServiceError",
    "Stack",
    "conflict",
    "denied",
    "down",
    "throttled",
]
