"""What holds for every template: lint, no custom resources offline, the same bytes each time."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sqs as sqs
from support.stack_variants import EXPIRES_AT, STACKS, VARIANTS, Variant, synthesize

from stacks.application import new_app
from stacks.packaging import PROJECT
from stacks.sizes import ASSET_BYTES, RESOURCES, TEMPLATE_BYTES, asset_sizes, template_sizes

# W3005: the CDK writes DependsOn beside each reference. W6001: outputs for who deploys only this.
ACCEPTED = ("W3005", "W6001")


def test_cfn_lint_finds_nothing(variants: Mapping[str, Variant]) -> None:
    templates = [str(path) for path in different(variants)]
    assert len(STACKS) < len(templates) < len(STACKS) * len(VARIANTS)
    cfn_lint = str(Path(sys.executable).with_name("cfn-lint"))
    command = [cfn_lint, "--format", "json", "--ignore-checks", *ACCEPTED]
    done = subprocess.run([*command, "--", *templates], capture_output=True, text=True)
    found = {f"{one['Rule']['Id']} {one['Message']}" for one in json.loads(done.stdout)}
    assert [one for one in sorted(found) if not is_jsonata_timeout(one)] == []


def different(variants: Mapping[str, Variant]) -> list[Path]:
    """One file of those that are the same but for the student's name."""
    files = {
        variant.file(stack).read_text().replace(variant.settings.student, "S"): variant.file(stack)
        for variant in variants.values()
        for stack in STACKS
    }
    return sorted(files.values())


def is_jsonata_timeout(finding: str) -> bool:
    """cfn-lint wants a number where Step Functions takes a JSONata expression as well."""
    return finding.startswith("E3601 '{% ") and finding.endswith("/TimeoutSeconds'")


def test_an_open_finding_of_the_aws_solutions_rules_ends_the_synthesis(tmp_path: Path) -> None:
    """So that the fixture of this room, which synthesizes with them, says that there is none."""
    app = new_app(tmp_path, nag=True)
    sqs.Queue(cdk.Stack(app, "open"), "Queue")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    assert "AwsSolutions-SQS" in (tmp_path / "validation-report.json").read_text()


def test_no_custom_resource_in_what_runs_offline(variant: Variant) -> None:
    for stack in (variant.state, variant.enforcement):
        kinds = {resource["Type"] for resource in stack.template["Resources"].values()}
        assert not {kind for kind in kinds if kind.startswith(("Custom::", "AWS::CloudFormation"))}
        functions = stack.of_type("AWS::Lambda::Function").values()
        assert {one["Properties"]["Runtime"] for one in functions} <= {"python3.13"}


@pytest.mark.parametrize("stack", STACKS)
def test_stacks_are_tied_by_names_and_not_by_exports(variant: Variant, stack: str) -> None:
    text = variant.file(stack).read_text()
    assert "Fn::ImportValue" not in text
    assert '"Export"' not in text


@pytest.mark.parametrize("stack", STACKS)
def test_every_resource_that_can_is_tagged(variant: Variant, stack: str) -> None:
    expected = {
        "Project": "marginwatch",
        "Student": variant.settings.student,
        "ExpiresAt": EXPIRES_AT,
    }
    tagged = 0
    for resource in getattr(variant, stack).template["Resources"].values():
        tags = resource.get("Properties", {}).get("Tags")
        if tags is None:
            continue
        found = {t["Key"]: t["Value"] for t in tags} if isinstance(tags, list) else tags
        assert expected.items() <= found.items()
        tagged += 1
    assert tagged


def test_what_is_named_carries_the_student(variant: Variant) -> None:
    prefix = variant.settings.prefix
    for stack in STACKS:
        for resource in getattr(variant, stack).template["Resources"].values():
            for name in physical_names(resource):
                assert prefix in name or f"/marginwatch/{variant.settings.student}/" in name


def physical_names(resource: Mapping[str, Any]) -> Iterator[str]:
    if resource["Type"] == "AWS::IAM::Policy":  # it is named within its role
        return
    for key, value in resource.get("Properties", {}).items():
        is_name = key == "Name" or (key.endswith("Name") and resource["Type"].endswith(key[:-4]))
        if is_name and isinstance(value, str):
            yield value


def test_sizes_are_far_from_the_quotas(assembly: Variant) -> None:
    sizes = list(template_sizes(assembly.folder))
    assert max(one.size_bytes for one in sizes) < TEMPLATE_BYTES / 5
    assert max(one.resources for one in sizes) < RESOURCES / 5
    assert max(one.size_bytes for one in asset_sizes(assembly.folder)) < ASSET_BYTES / 5


def test_second_synthesis_writes_the_same_bytes(assembly: Variant, tmp_path: Path) -> None:
    student = assembly.settings.student
    again = synthesize(tmp_path, {student: VARIANTS[student]}, nag=False)[student]
    for stack in STACKS:
        assert again.file(stack).read_bytes() == assembly.file(stack).read_bytes(), stack
    for step in ("router", "publisher"):
        assert dict(contents(again.asset_of(step))) == dict(contents(assembly.asset_of(step)))


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


@pytest.mark.parametrize(("option", "stacks"), [("--offline", 2), ("--sizes", 7)])
def test_app_needs_neither_credentials_nor_node_on_the_path(
    tmp_path: Path, option: str, stacks: int
) -> None:
    environment = {"PATH": str(tmp_path), "HOME": os.environ["HOME"], "CDK_OUTDIR": str(tmp_path)}
    command = [sys.executable, str(PROJECT / "app.py"), "--fast", option]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    written = {path.name for path in tmp_path.glob("*.template.json")}
    assert len(written) == stacks
    assert "marginwatch-demo-enforcement.template.json" in written
    if option == "--sizes":
        assert all(name.removesuffix(".template.json") in done.stdout for name in written)


def test_stacks_for_an_emulator_are_those_of_aws(tmp_path: Path) -> None:
    """Byte for byte: what runs offline is what is deployed."""
    for folder, option in (("a", "--offline"), ("b", "--fast")):
        environment = os.environ | {"CDK_OUTDIR": str(tmp_path / folder)}
        command = [sys.executable, str(PROJECT / "app.py"), "--fast", option]
        subprocess.run(command, env=environment, check=True)
    for stack in ("state", "enforcement"):
        file = f"marginwatch-demo-{stack}.template.json"
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
