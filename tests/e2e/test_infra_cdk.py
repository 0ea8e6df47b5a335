"""The CDK's package as its users find it: it compiles, its own tests pass, its example is synthesised."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from cfnlint.api import ManualArgs, lint
from chela_bed.aws.account import Account
from chela_bed.aws.cloudformation import RefusedError
from chela_bed.aws.deployment import empty_zip
from chela_bed.aws.dialects import Wish, cdk_program
from chela_bed.aws.dialects.cdk import Cdk
from chela_bed.aws.dialects.cdk_program import SOURCE
from chela_bed.paths import CHECKOUT, BedError
from rights_designs import WISHES
from test_documentation import blocks

ACCOUNT = Account("123456789012")


@pytest.fixture(scope="session")
def package(cdk: Cdk) -> Path:
    """A compiled copy, as `npm ci && npm run build` leaves it."""
    return cdk.package


def test_its_lint_has_nothing_to_say(package: Path) -> None:
    cdk_program.run(["npm", "run", "lint"], package)
    told = json.loads((SOURCE / "tsconfig.json").read_text())["compilerOptions"]
    assert told["strict"] is True


def test_its_own_tests_pass(package: Path) -> None:
    told = cdk_program.run(["npm", "test"], package)
    files = {each.name.replace(".ts", ".js") for each in (SOURCE / "test").glob("*.test.ts")}
    assert {each.name for each in (package / "dist" / "test").glob("*.test.js")} == files
    assert "# fail 0" in told
    assert "# skipped 0" in told


def test_what_npm_packs_works_in_an_application(package: Path, tmp_path: Path) -> None:
    cdk_program.run(["npm", "pack", "--pack-destination", str(tmp_path)], package)
    packages = tmp_path / "node_modules"
    packages.mkdir()
    for each in cdk_program.packages().iterdir():
        (packages / each.name).symlink_to(each)
    (packed,) = tmp_path.glob("*.tgz")
    with tarfile.open(packed) as archive:
        archive.extractall(tmp_path, filter="data")
    (tmp_path / "package").rename(packages / "chela-pagure-ci")
    (application,) = blocks("infra/cdk/README.md", "ts")
    (tmp_path / "app.ts").write_text(application)
    for name in ("trigger", "report"):
        (tmp_path / f"{name}-x86_64.zip").write_bytes(empty_zip())
    cdk_program.run(["tsc", "--strict", "--skipLibCheck", "--module", "commonjs", "app.ts"], tmp_path)
    cdk_program.run(["node", "app.js"], tmp_path, CDK_OUTDIR="out")
    resources = json.loads((tmp_path / "out" / "chela.template.json").read_text())["Resources"]
    assert sum(one["Type"] == "AWS::Lambda::Function" for one in resources.values()) == 2


@pytest.mark.parametrize("folder", ["policies", "rules"])
def test_what_it_says_of_rights_and_events_is_what_infra_says(folder: str) -> None:
    wanted = {each.name: each.read_bytes() for each in (CHECKOUT / "infra" / folder).iterdir()}
    assert {each.name: each.read_bytes() for each in (SOURCE / folder).iterdir()} == wanted


def test_its_lock_file_names_no_registry() -> None:
    text = (SOURCE / "package-lock.json").read_text()
    assert '"resolved"' not in text
    locked = json.loads(text)["packages"]
    wanted = locked[""]["devDependencies"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted


@pytest.fixture(scope="module")
def example(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's file, with zips beside it."""
    folder = tmp_path_factory.mktemp("example")
    settings = json.loads((SOURCE / "example" / "chela.json").read_text())
    (folder / "chela.json").write_text(json.dumps({**settings, "zips": "."}))
    for name in ("trigger", "report"):
        (folder / f"{name}-x86_64.zip").write_bytes(empty_zip())
    return folder / "chela.json"


def test_the_example_is_synthesised_by_the_pinned_command(package: Path, example: Path) -> None:
    given = ["-c", f"config={example}", "--no-notices"]
    listed = cdk_program.run(["cdk", "ls", *given], package, CDK_VALIDATION="false")
    assert listed.split() == ["chela"]
    out = example.parent / "out"
    cdk_program.run(["cdk", "synth", "--quiet", "--strict", "--output", str(out), *given], package)
    template = json.loads((out / "chela.template.json").read_text())
    kinds = [one["Type"] for one in template["Resources"].values()]
    assert kinds.count("AWS::Lambda::Function") == 2
    assert "AWS::CodePipeline::Pipeline" in kinds
    told = {name[len("Chela") : -8] for name in template["Outputs"]}
    assert told == {
        "PagureForm",
        "Jobs",
        "MakeTheKeydemohello",
        "FillInTheSecret",
        "SourcesBucketName",
        "LedgerBucketName",
    }


def test_the_example_tells_what_is_wrong_in_its_file_and_nothing_else(package: Path, example: Path) -> None:
    bad = example.with_name("bad.json")
    bad.write_text(json.dumps({**json.loads(example.read_text()), "pagureUrl": "pagure"}))
    with pytest.raises(BedError) as caught:
        cdk_program.run(["cdk", "synth", "--quiet", "--no-notices", "-c", f"config={bad}"], package)
    assert "bad.json cannot become a stack:\npagureUrl is no address" in str(caught.value)
    assert "stack.js" not in str(caught.value)


REFUSED = {
    "a wrong Pagure URL": (Wish(pagure_url="pagure.example.org"), "pagureUrl is no address of a Pagure"),
    "an empty list of jobs": (Wish(jobs={}), "The project demo/hello has no jobs"),
    "a job of an unknown engine": (Wish(jobs={"jenkins/hello": {}}), "Write codebuild/ or codepipeline/"),
    "a region without function URLs": (Wish(region="eu-central-2"), "Write frontDoor: 'http-api'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_told_when_the_stack_is_synthesised(case: str, cdk: Cdk) -> None:
    wish, sentence = REFUSED[case]
    with pytest.raises(RefusedError) as caught:
        cdk.design(wish, ACCOUNT)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("wish", ["whole", "http api", "caller elsewhere"])
def test_cfn_lint_has_nothing_to_say_of_the_template(wish: str, cdk: Cdk) -> None:
    made = cdk.synthesise(WISHES[wish], ACCOUNT)
    # The library lets a function depend on its role twice.
    chosen = ManualArgs(ignore_checks=["W3005"], regions=[ACCOUNT.region])
    found = lint(json.dumps(made["template"]), config=chosen)
    assert not found, "\n".join(map(str, found))
