"""The three dialects side by side: what one makes, the others make, with the same rights and settings."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import rights_designs
from chela_bed.aws import policies, sameness
from chela_bed.aws.dialects import Design
from chela_bed.aws.dialects.terraform_planned import Planned
from chela_bed.aws.dialects.terraform_unread import LEFT_OUT, Reads
from chela_bed.paths import CHECKOUT
from rights_designs import ACCOUNT, DIALECTS, WISHES
from rights_differences import EXCUSES, Difference
from rights_settings import POLICIES, flat, settled

# With it the others are compared.
FIRST = "cloudformation"
OTHERS = [name for name in DIALECTS if name != FIRST]
SPEC: dict[str, Any] = json.loads((CHECKOUT / "infra" / "spec.json").read_text())
# The wish whose stack a part of the specification is about.
WHEN = {
    None: "samples",
    "function-url": "samples",
    "http-api": "http api",
    "samples": "samples",
    "key": "another region and partition",
}
WITH_KEY = ("another region and partition", "key and secret of theirs")


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stack_has_the_policies_of_infra_and_no_other(dialect: str, wish: str) -> None:
    made, wished = rights_designs.design(dialect, wish), WISHES[wish]
    found, wanted = rights_designs.said(made), rights_designs.wanted(wished, made)
    if dialect == "terraform":
        # A plan does not know the six characters behind the name of a new secret, so the policy has any.
        found = json.loads(json.dumps(found).replace("ci-token-??????", "ci-token-AbCdEf"))
    for about in wanted.keys() | found.keys():
        assert sameness.policy(found.get(about, [])) == sameness.policy(wanted.get(about, [])), about


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_policy_is_given_to_anybody_else(dialect: str, wish: str) -> None:
    made, wished = rights_designs.design(dialect, wish), WISHES[wish]
    known = {made.resources[logical].properties["RoleName"] for logical in rights_designs.trusts(wished)}
    known.add(rights_designs.caller(wished, made).rpartition("/")[2])
    for one in made.resources.values():
        if one.type in POLICIES:
            holders = {each for kind in ("Roles", "Users", "Groups") for each in one.properties.get(kind, ())}
            assert holders <= known, one.logical


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stack_takes_the_events_that_infra_says(dialect: str, wish: str) -> None:
    made, wished = rights_designs.design(dialect, wish), WISHES[wish]
    names = rights_designs.names(wished, made)
    builds, lines = rights_designs.started(wished)
    wanted = {"CodeBuildRule": "codebuild"} if builds else {}
    wanted |= {"CodePipelineRule": "codepipeline"} if lines else {}
    found = {name: one for name, one in made.resources.items() if one.type == "AWS::Events::Rule"}
    assert found.keys() == wanted.keys()
    for logical, rule in wanted.items():
        pattern = found[logical].properties["EventPattern"]
        assert sameness.pattern(pattern) == sameness.pattern(policies.rule(rule, names))
        assert [each["Arn"] for each in found[logical].properties["Targets"]] == [names["ReportsQueue"]]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stack_is_set_as_the_specification_says(dialect: str) -> None:
    for logical, wanted in SPEC.items():
        made = rights_designs.design(dialect, WHEN[wanted.get("when")])
        assert made.resources[logical].type == wanted["type"], logical
        look(made, logical, wanted, WHEN[wanted.get("when")])
        if "variables" in wanted:
            variables = made.resources[logical].properties["Environment"]["Variables"]
            assert sorted(variables) == sorted(wanted["variables"])


@pytest.mark.parametrize("wish", WITH_KEY)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stack_is_encrypted_as_the_specification_says(dialect: str, wish: str) -> None:
    made = rights_designs.design(dialect, wish)
    for logical, wanted in SPEC.items():
        if "with-key" in wanted and logical in made.resources:
            look(made, logical, wanted["with-key"], wish)


def look(made: Design, logical: str, wanted: Mapping[str, Any], wish: str) -> None:
    """A resource's properties are those that the specification names, and the absent ones are."""
    known = rights_designs.names(WISHES[wish], made)
    properties = made.resources[logical].properties
    filled = {name: _filled(each, known) for name, each in wanted["properties"].items()}
    assert settled({name: properties.get(name) for name in filled}) == settled(filled), logical
    assert not {*wanted.get("absent", [])} & {*properties}, logical


def _filled(value: Any, known: Mapping[str, Any]) -> Any:
    """`${Name}` is a placeholder of `infra/`, or the ARN of what has that logical name."""
    if isinstance(value, dict):
        return {name: _filled(member, known) for name, member in value.items()}
    if isinstance(value, list):
        return [_filled(each, known) for each in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"\$\{(\w+)\}", lambda found: _one(known[found[1]]), value)


def _one(value: Any) -> str:
    return value if isinstance(value, str) else str(value[0])


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("dialect", OTHERS)
def test_a_stack_is_the_same_in_every_dialect(dialect: str, wish: str) -> None:
    unknown = [each for each in differences(dialect, wish) if not each.excuses]
    assert not unknown, f"{dialect} is not as {FIRST}:\n" + "\n".join(map(str, unknown))


@pytest.mark.parametrize("dialect", OTHERS)
def test_no_difference_is_excused_that_is_none(dialect: str) -> None:
    used = [excuse for wish in WISHES for each in differences(dialect, wish) for excuse in each.excuses]
    needless = [each for each in EXCUSES if dialect in each.dialects and each not in used]
    assert not needless, f"{dialect} has no such difference:\n" + "\n".join(map(str, needless))


def test_nothing_is_left_out_of_terraforms_settings_that_it_does_not_set() -> None:
    module = "\n".join(path.read_text() for path in (CHECKOUT / "infra" / "terraform").glob("*.tf"))
    needless = [name for name in LEFT_OUT if not re.search(rf"\b{name.rpartition('.')[2]} +=", module)]
    assert not needless


@pytest.mark.parametrize(
    ("told", "unread"),
    [
        ({"delay_seconds": {"constant_value": 5}}, ["delay_seconds"]),
        ({"logging": [{"format": {}, "level": {}}]}, ["logging.level"]),
        ({"name": {"references": ["var.name"]}, "logging": [{"format": {}}]}, []),
        ({"variables": [{"A": {}, "B": {}}], "tags": {}}, []),
    ],
)
def test_what_terraform_sets_and_nobody_compares_is_noticed(told: dict[str, Any], unread: list[str]) -> None:
    reads, values = (
        Reads(),
        {"name": "q", "logging": [{"format": "json"}], "variables": [{"A": "1", "B": "2"}]},
    )
    it = reads.watch(Planned('aws_sqs_queue.dead["requests"]', values, ACCOUNT))
    assert (it["name"], it.block("logging")["format"], dict(it.block("variables"))["A"]) == ("q", "json", "1")
    one = {"address": "aws_sqs_queue.dead", "type": "aws_sqs_queue", "expressions": told}
    plan = {"configuration": {"root_module": {"module_calls": {"chela": {"module": {"resources": [one]}}}}}}
    assert reads.unread(plan, "chela") == [f"aws_sqs_queue.dead: {each}" for each in unread]


@functools.cache
def differences(dialect: str, wish: str) -> list[Difference]:
    there, here = (flat(rights_designs.design(each, wish)) for each in (FIRST, dialect))
    return [
        Difference(dialect, path, there.get(path), here.get(path))
        for path in sorted(there.keys() | here.keys())
        if there.get(path) != here.get(path)
    ]


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_map_of_callers_is_what_was_wished_for(dialect: str, wish: str) -> None:
    made, wished = rights_designs.design(dialect, wish), WISHES[wish]
    said = made.resources["TriggerFunction"].properties["Environment"]["Variables"]["CHELA_CONFIG"]
    if said.startswith("s3://") and "ConfigObject" not in made.resources:
        # Written by the user, or brought as an asset: the stack only says where.
        assert rights_designs.names(wished, made)["ConfigObject"]
        return
    found = (
        made.resources["ConfigObject"].properties["Content"] if said.startswith("s3://") else json.loads(said)
    )
    caller = rights_designs.caller(wished, made)
    jobs = {job: dict(settings) for job, settings in wished.jobs.items()}
    assert found == {"callers": {caller: {wished.project: {"strangers": "hold", "jobs": jobs}}}}
