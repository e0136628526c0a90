"""What holds for every template: lint, no custom resources, the same bytes each time."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stacks.packaging import PROJECT

# W3005: the CDK writes DependsOn beside each reference. W6001: outputs for who deploys only this.
ACCEPTED = ("W3005", "W6001")


def test_cfn_lint_finds_nothing(assembly: Any) -> None:
    templates = [str(path) for path in sorted(assembly.folder.glob("*.template.json"))]
    assert len(templates) == 2
    cfn_lint = str(Path(sys.executable).with_name("cfn-lint"))
    command = [cfn_lint, "--format", "json", "--ignore-checks", *ACCEPTED]
    done = subprocess.run([*command, "--", *templates], capture_output=True, text=True)
    found = [f"{one['Rule']['Id']} {one['Message']}" for one in json.loads(done.stdout)]
    assert [one for one in found if not is_jsonata_timeout(one)] == []


def is_jsonata_timeout(finding: str) -> bool:
    """cfn-lint wants a number where Step Functions takes a JSONata expression as well."""
    return finding.startswith("E3601 '{% ") and finding.endswith("/TimeoutSeconds'")


def test_no_open_finding_of_the_aws_solutions_rules(assembly: Any) -> None:
    report = json.loads((assembly.folder / "validation-report.json").read_text())
    open_findings = [
        violation["ruleName"]
        for plugin in report["pluginReports"]
        for violation in plugin.get("violations", ())
    ]
    assert open_findings == []


def test_no_custom_resource_that_cannot_run_offline(assembly: Any) -> None:
    for stack in (assembly.state, assembly.enforcement):
        kinds = {resource["Type"] for resource in stack["Resources"].values()}
        assert not {kind for kind in kinds if kind.startswith(("Custom::", "AWS::CloudFormation"))}
        runtimes = [
            resource["Properties"]["Runtime"]
            for resource in stack["Resources"].values()
            if resource["Type"] == "AWS::Lambda::Function"
        ]
        assert not [runtime for runtime in runtimes if not runtime.startswith("python")]


def test_second_synthesis_writes_the_same_bytes(
    assembly: Any, synthesize: Callable[..., Any], tmp_path: Path
) -> None:
    again = synthesize(tmp_path, check_templates=False)
    for name in ("state", "enforcement"):
        file = f"marginwatch-{name}.template.json"
        assert (again.folder / file).read_bytes() == (assembly.folder / file).read_bytes()
    for step in ("router", "publisher"):
        assert dict(contents(again.asset_of(step))) == dict(contents(assembly.asset_of(step)))


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def test_app_needs_neither_credentials_nor_node_on_the_path(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path), "HOME": os.environ["HOME"], "CDK_OUTDIR": str(tmp_path)}
    command = [sys.executable, str(PROJECT / "app.py"), "--fast"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert (tmp_path / "marginwatch-enforcement.template.json").is_file()
