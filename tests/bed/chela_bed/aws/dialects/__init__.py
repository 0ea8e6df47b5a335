"""The stack of `infra/` in its three dialects, each behind the same few words."""

from chela_bed.aws.dialects.cloudformation import CloudFormation
from chela_bed.aws.dialects.design import Deployed, Design, Dialect
from chela_bed.aws.dialects.terraform import Terraform
from chela_bed.aws.dialects.wish import SAMPLES, Wish

__all__ = ["SAMPLES", "CloudFormation", "Deployed", "Design", "Dialect", "Terraform", "Wish"]
