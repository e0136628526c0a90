"""The checks around the code: import walls, pins, recipes and the workflow."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from local.lock import find_problems

PROJECT = Path(__file__).resolve().parent.parent
ROOMS = ("margin", "functions", "spark_jobs", "stacks", "local")
WORKFLOW = PROJECT / ".github" / "workflows" / "ci.yml"


def project() -> dict[str, Any]:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text())


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rooms and their contracts, elsewhere."""
    folder = tmp_path_factory.mktemp("copied")
    shutil.copy(PROJECT / "pyproject.toml", folder)
    for room in ROOMS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / room, folder / room, ignore=ignored)
    return folder


def test_the_walls_stand_in_an_untouched_copy(copied: Path) -> None:
    done = lint_imports(copied)
    assert done.returncode == 0, done.stdout
    assert "7 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "planted", "wall"),
    [
        ("margin/money.py", "import functions.settings", "Rooms are layers"),
        ("margin/money.py", "import margin.portfolio", "margin has no cycles"),
        ("stacks/state.py", "import boto3", "stacks name things, they do not run them"),
        ("local/ports.py", "import aws_cdk", "local reads templates, it does not make them"),
        ("functions/call.py", "import margin.columnar", "functions need nothing compiled"),
        ("functions/call.py", "import boto3", "Only adapters reach AWS and Kafka"),
        ("spark_jobs/__init__.py", "import boto3", "spark_jobs know no AWS"),
    ],
    ids=["layers", "cycle", "stacks", "local", "functions", "adapters", "spark_jobs"],
)
def test_planted_breach_is_found(copied: Path, module: str, planted: str, wall: str) -> None:
    source = copied / module
    whole = source.read_text()
    # At the end: nothing may come before an import from __future__.
    source.write_text(f"{whole}\n{planted}\n")
    try:
        done = lint_imports(copied)
    finally:
        source.write_text(whole)
    assert done.returncode == 1, done.stdout
    assert f"{wall} BROKEN" in done.stdout


def test_everything_installed_is_pinned_and_nothing_else() -> None:
    assert list(find_problems(project())) == []


def test_missing_wrong_and_needless_pins_are_named() -> None:
    found = project()
    kept = [
        pin
        for pin in found["tool"]["uv"]["constraint-dependencies"]
        if not pin.startswith(("six==", "urllib3=="))
    ]
    found["tool"]["uv"]["constraint-dependencies"] = [*kept, "urllib3==1.0", "left-pad==1.0"]
    problems = "\n".join(find_problems(found))
    assert "six must be pinned: six==" in problems
    assert "urllib3 must be ==1.0, was ==" in problems
    assert "left-pad is pinned and nothing needs it" in problems
    assert problems.count("\n") == 2


def test_every_version_is_exact() -> None:
    found = project()
    listed = [
        *found["project"]["dependencies"],
        *found["dependency-groups"]["dev"],
        *found["build-system"]["requires"],
        *found["tool"]["uv"]["constraint-dependencies"],
        *found["tool"]["uv"]["build-constraint-dependencies"],
    ]
    assert [
        one for one in listed if not re.match(r"[A-Za-z0-9_.-]+(\[[\w,]+\])?==[\w.]+", one)
    ] == []


def test_each_recipe_has_one_line_of_comment() -> None:
    lines = (PROJECT / "justfile").read_text().splitlines()
    recipes = [n for n, line in enumerate(lines) if re.match(r"[a-z-]+:( |$)", line)]
    assert len(recipes) >= 9
    for number in recipes:
        assert lines[number - 1].startswith("# "), lines[number]
        assert lines[number - 2] == "", lines[number]


def test_check_ends_with_the_tests_so_that_their_summary_is_last() -> None:
    (check,) = re.findall(r"^check: (.+)$", (PROJECT / "justfile").read_text(), flags=re.M)
    assert check.split()[-1] == "test"
    assert set(check.split()) >= {"lint", "types", "imports", "lock-check", "synth"}


def test_workflow_pins_its_actions_and_may_only_read() -> None:
    text = WORKFLOW.read_text()
    used = re.findall(r"uses: (\S+)", text)
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one)] == []
    assert "permissions:\n  contents: read\n" in text
    assert ".ci/run" in text
