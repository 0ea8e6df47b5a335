"""What is deployed: laid out by the bed itself, or read back of what a dialect has made."""

from chela_bed.aws.layouts.keys import Keys
from chela_bed.aws.layouts.layout import Feed, Layout
from chela_bed.aws.layouts.own import Jobs, Own, Plan
from chela_bed.aws.layouts.readback import ReadBack

__all__ = ["Feed", "Jobs", "Keys", "Layout", "Own", "Plan", "ReadBack"]
