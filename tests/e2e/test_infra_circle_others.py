"""One good and one refused build on what the CDK and Terraform have deployed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from awsing import SUCCEEDED
from chela_bed import Bed
from chela_bed.aws import Cloud
from chela_bed.aws.dialects import Dialect
from chela_bed.aws.dialects.cdk import Cdk
from chela_bed.aws.dialects.terraform import Terraform
from infra_circle import HELLO, RELEASE, Site, builds_of, deploy

DIALECTS: dict[str, type[Dialect]] = {"cdk": Cdk, "terraform": Terraform}


@pytest.fixture(scope="module", params=DIALECTS)
def site(
    request: pytest.FixtureRequest,
    bed: Bed,
    stacks_cloud: Cloud,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    dialect = DIALECTS[request.param]
    missing = dialect.missing()
    if missing:
        pytest.skip(f"NOT RUN: the circle on what {request.param} deploys; {missing}")
    with deploy(bed, stacks_cloud, dialect(tmp_path_factory.mktemp(request.param))) as made:
        yield made


def test_a_good_build_and_a_good_pipeline_turn_their_flags_green(site: Site) -> None:
    with site.job(HELLO, on_commits=False) as circle:
        good = circle.propose("good", "echo all is well")
        assert good.await_flag("success")["comment"] == SUCCEEDED
        (build,) = builds_of(circle, good.commit)
        assert build.log is not None and "all is well" in build.log.splitlines()
    with site.job(RELEASE, on_commits=False) as circle:
        circle.propose("released", "true").await_flag("success", "The pipeline succeeded")


def test_what_iam_or_the_map_refuses_is_refused_on_the_flag(site: Site) -> None:
    nobody, other = site.stranger("nobody"), site.stranger("other", like=site.caller)
    for user, seen in ((nobody, None), (other, other.arn)):
        with site.job(HELLO, on_commits=False) as circle:
            circle.set_ci(username=user.access_key, password=user.secret_key)
            refused = circle.propose(user.role.name, "true")
            refused.await_flag("error", "403")
            assert not circle.records_of(refused.commit)
        visit = site.stack.door.visits[-1]
        assert (visit.caller, visit.status) == (seen, 403)


def test_a_project_that_the_role_may_not_start_is_named_on_the_flag(site: Site) -> None:
    codebuild = site.stack.engines.codebuild
    codebuild.create("foreign", source={"type": "S3", "location": "elsewhere/source.zip"})
    with site.promised({"codebuild/foreign": {}}), site.job("codebuild/foreign", on_commits=False) as circle:
        flag = circle.propose("foreign", "true").await_flag("error")
        assert "on foreign" in flag["comment"] and "policy" in flag["comment"]
        assert not circle.builds


def test_the_schedule_may_sweep(site: Site) -> None:
    outcome = site.stack.sweep()
    assert outcome.error is None
    assert outcome.answer["open"] == 0
