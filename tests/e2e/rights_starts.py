"""What `trigger` may say when it starts a build, and what its right to do so refuses."""

from __future__ import annotations

from typing import Any

from rights_functions import PROJECT, TRIGGER
from rights_row import Row, no, start, yes

STARTS = "codebuild:StartBuild"
HELLO = f"{PROJECT}/hello"
# Each is a key that the policy names.
SWAPS: dict[str, dict[str, Any]] = {
    "the role": {"serviceRoleOverride": "arn:aws:iam::123456789012:role/admin"},
    "the buildspec": {"buildspecOverride": "version: 0.2"},
    "the source's credentials": {"sourceAuthOverride": {"type": "CODECONNECTIONS", "resource": "arn:aws:x"}},
    "the kind of the source's credentials": {"sourceAuthOverride": {"type": "OAUTH"}},
    # CodeBuild wants the kind too, which has a key of its own.
    "nothing but which credentials": {"sourceAuthOverride": {"resource": "arn:aws:x"}},
    "whether TLS is checked": {"insecureSslOverride": True},
    "further sources": {"secondarySourcesOverride": [{"type": "S3", "location": "b/k"}]},
    "what a status is called": {"buildStatusConfigOverride": {"context": "ci"}},
    "where a status leads": {"buildStatusConfigOverride": {"targetUrl": "https://mallory.example"}},
    "where artifacts go": {"artifactsOverride": {"type": "S3", "location": "elsewhere"}},
    "where further artifacts go": {"secondaryArtifactsOverride": [{"type": "S3", "location": "elsewhere"}]},
    "the cache": {"cacheOverride": {"type": "S3", "location": "elsewhere"}},
    "where logs go": {"logsConfigOverride": {"s3Logs": {"status": "ENABLED", "location": "elsewhere"}}},
    "the key": {"encryptionKeyOverride": "${Key}"},
    "the image": {"imageOverride": "aws/codebuild/standard:7.0"},
    "the kind of machine": {"environmentTypeOverride": "LINUX_GPU_CONTAINER"},
    "its size": {"computeTypeOverride": "BUILD_GENERAL1_2XLARGE"},
    "privileged mode on": {"privilegedModeOverride": True},
    "privileged mode off": {"privilegedModeOverride": False},
    "the certificate": {"certificateOverride": "elsewhere/ca.pem"},
    "the registry's credential": {
        "registryCredentialOverride": {"credential": "mine", "credentialProvider": "SECRETS_MANAGER"}
    },
    "who pulls the image": {"imagePullCredentialsTypeOverride": "SERVICE_ROLE"},
    "the fleet": {"fleetOverride": {"fleetArn": "arn:aws:codebuild:eu-west-1:123456789012:fleet/big:1"}},
    "how often it is tried again": {"autoRetryLimitOverride": 10},
    "a variable that is not ours": {
        "environmentVariablesOverride": [
            {"name": "CHELA_COMMIT", "value": "c0ffee"},
            {"name": "LD_PRELOAD", "value": "evil.so"},
        ]
    },
}
PLACES = {
    "another bucket": "elsewhere/sources/1.zip",
    "our bucket, beside the prefix": "${SourcesBucketName}/artifacts/1.zip",
    "a repository": "https://github.com/mallory/evil",
    "a bucket that begins like ours": "${SourcesBucketName}-2/sources/1.zip",
}

STARTED: list[Row] = [
    *yes(TRIGGER, STARTS, HELLO, "this is what it is for", **start()),
    *yes(TRIGGER, STARTS, f"{PROJECT}/strangers", "strangers' builds", **start()),
    *yes(TRIGGER, STARTS, "${BuildProject}", "the sample is one of ours", **start()),
    *yes(
        TRIGGER,
        STARTS,
        HELLO,
        "a project may have no source at all",
        **start(sourceTypeOverride=None, sourceLocationOverride=None, sourceVersion=None),
    ),
    *no(TRIGGER, STARTS, f"{PROJECT}/other", "not one of ours", **start()),
    *no(TRIGGER, STARTS, "${PipelineBuildProject}", "the pipeline's own", **start()),
    *[
        row
        for what, overrides in SWAPS.items()
        for row in no(TRIGGER, STARTS, HELLO, f"it says {what}", **start(**overrides))
    ],
    *[
        row
        for where, place in PLACES.items()
        for row in no(
            TRIGGER, STARTS, HELLO, f"the source lies in {where}", **start(sourceLocationOverride=place)
        )
    ],
]
