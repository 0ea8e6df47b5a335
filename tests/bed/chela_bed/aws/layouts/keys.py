"""What AWS asks KMS for on a caller's behalf, where something is encrypted with a key of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from chela_bed.aws.account import Account
from chela_bed.aws.evaluator import Access, Policy

# "Protecting data with SSE-KMS", S3 User Guide; "Key management", SQS Developer Guide; "Secret
# encryption and decryption", Secrets Manager User Guide.
DECRYPT, GENERATE = "kms:Decrypt", "kms:GenerateDataKey"
NEEDS: Mapping[str, Sequence[str]] = {
    "s3:GetObject": [DECRYPT],
    "s3:HeadObject": [DECRYPT],
    "s3:PutObject": [GENERATE],
    "s3:CreateMultipartUpload": [GENERATE],
    "s3:UploadPart": [DECRYPT, GENERATE],
    "s3:CompleteMultipartUpload": [DECRYPT, GENERATE],
    "sqs:SendMessage": [DECRYPT, GENERATE],
    "sqs:SendMessageBatch": [DECRYPT, GENERATE],
    "sqs:ReceiveMessage": [DECRYPT],
    "secretsmanager:GetSecretValue": [DECRYPT],
}


@dataclass(frozen=True)
class Keys:
    """The keys of an account; without any, nothing is asked."""

    # The ARN of a key by that of the bucket, queue or secret that it encrypts.
    of: Mapping[str, str] = field(default_factory=dict)
    # The keys' own policies, by their ARNs.
    policies: Mapping[str, Policy] = field(default_factory=dict)

    def needed(self, account: Account, name: str, accesses: Sequence[Access]) -> Iterator[Access]:
        """What a call of `name`, such as `s3:GetObject`, needs beside these."""
        service = name.partition(":")[0]
        context = {"kms:ViaService": f"{service}.{account.region}.amazonaws.com"}
        for resource in dict.fromkeys(each.resource for each in accesses):
            key = self.of.get(resource.partition("/")[0] if service == "s3" else resource)
            if key is not None:
                yield from (Access(action, key, context) for action in NEEDS.get(name, ()))

    def policy(self, resource: str) -> Policy | None:
        """The own policy of a resource, if it is a key."""
        return self.policies.get(resource)
