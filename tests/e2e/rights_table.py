"""The table of allowed and refused calls: every role and every resource's policy, for all dialects alike."""

from __future__ import annotations

from rights_doors import DOORS
from rights_functions import FUNCTIONS
from rights_samples import SAMPLES

TABLE = [*FUNCTIONS, *SAMPLES, *DOORS]
