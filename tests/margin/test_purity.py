"""What margin/ may not do: import, read a clock, draw at random, touch files, use floats."""

import ast
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "margin"
FILES = sorted(FOLDER.rglob("*.py"))
NUMERIC = FOLDER / "columnar"
# Theoretical values of options are computed in floats, and rounded before they become data.
FLOATING = {NUMERIC / name for name in ("normal.py", "pricing.py", "theoretical.py")}
IMPURE_MODULES = {"time", "random", "secrets", "os", "io", "pathlib", "logging", "uuid", "socket"}
IMPURE_NAMES = {"open", "print", "input", "exec", "eval"}
CLOCKS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today"), ("date", "today")}


def imported(tree: ast.AST) -> set[str]:
    names = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "margin").split(".")[0])
    return names


def impurities(tree: ast.AST) -> list[str]:
    found = sorted(imported(tree) & IMPURE_MODULES)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in IMPURE_NAMES:
            found.append(f"{node.id} in line {node.lineno}")
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else ""
            owner = node.value.id if isinstance(node.value, ast.Name) else owner
            if (owner, node.attr) in CLOCKS:
                found.append(f"{owner}.{node.attr} in line {node.lineno}")
    return found


def floats(tree: ast.AST) -> list[int]:
    lines = list[int]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            lines.append(node.lineno)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "float":
            lines.append(node.lineno)
    return lines


def name_of(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_module_imports_only_the_standard_library_and_margin(path: Path) -> None:
    allowed = set(sys.stdlib_module_names) | {"margin"}
    if path.is_relative_to(NUMERIC):
        allowed.add("numpy")
    assert imported(ast.parse(path.read_text(encoding="utf-8"))) <= allowed


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_module_reads_no_clock_and_no_environment(path: Path) -> None:
    assert impurities(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_module_has_no_float(path: Path) -> None:
    if path in FLOATING:
        pytest.skip(f"{path.name} prices options; its own tests guard it")
    assert floats(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "planted",
    ["import time", "import os\nos.environ", "open('x')", "datetime.now()", "print(1)"],
)
def test_planted_impurity_is_found(planted: str) -> None:
    assert impurities(ast.parse(planted)) != []


@pytest.mark.parametrize("planted", ["rate = 0.25", "float('1')"])
def test_planted_float_is_found(planted: str) -> None:
    assert floats(ast.parse(planted)) != []


def test_every_folder_of_margin_is_looked_into() -> None:
    assert {"money.py", "columnar/exact.py"} <= {name_of(path) for path in FILES}
