"""The table of allowed and refused calls: every role and every resource's policy, for all dialects alike."""

from __future__ import annotations

from rights_doors import DOORS
from rights_elsewhere import ELSEWHERE
from rights_functions import FUNCTIONS
from rights_samples import SAMPLES
from rights_starts import STARTED

TABLE = [*FUNCTIONS, *STARTED, *SAMPLES, *DOORS, *ELSEWHERE]

# By dialect, who and action: what one of them cannot do yet, and why.
CANNOT = {
    ("terraform", "guest", "lambda:InvokeFunction"): (
        "The provider has the argument `invoked_via_function_url` from 6.28 on, and the module still allows "
        "5.100; the second permission is the owner's to add, as its page says."
    ),
}
