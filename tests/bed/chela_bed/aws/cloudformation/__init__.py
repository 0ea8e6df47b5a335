"""CloudFormation templates as they come out: what would be deployed with which parameters, and why not."""

from chela_bed.aws.cloudformation.resolved import Resolved, Resource
from chela_bed.aws.cloudformation.template import RefusedError, Template

__all__ = ["RefusedError", "Resolved", "Resource", "Template"]
