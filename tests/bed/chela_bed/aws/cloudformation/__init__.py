"""CloudFormation templates as they come out: what would be deployed with which parameters, and why not."""

from chela_bed.aws.cloudformation.resolved import Resolved, Resource
from chela_bed.aws.cloudformation.template import Refused, Template

__all__ = ["Refused", "Resolved", "Resource", "Template"]
