"""A real Pagure in a folder of this checkout, and the hands to drive it."""

from chela_bed import demo, paths, reports
from chela_bed.bed import Bed, Message
from chela_bed.client import ApiError, Session
from chela_bed.machine import Options
from chela_bed.programs import Role
from chela_bed.project import HELLO, PLAIN, Project
from chela_bed.relay import Relay
from chela_bed.serve import Serve
from chela_bed.target import Answer, Drop, Endless, Garbage, Recorded, Reply, Target
from chela_bed.waiting import wait_for

__all__ = [
    "HELLO",
    "PLAIN",
    "Answer",
    "ApiError",
    "Bed",
    "Drop",
    "Endless",
    "Garbage",
    "Message",
    "Options",
    "Project",
    "Recorded",
    "Relay",
    "Reply",
    "Role",
    "Serve",
    "Session",
    "Target",
    "demo",
    "paths",
    "reports",
    "wait_for",
]
