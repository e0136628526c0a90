"""Each stop that the threat model names is held by a test that exists."""

from __future__ import annotations

import ast
import re

from support.pages import ROOT

PAGE = ROOT / "docs" / "08-threat-model.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ROW = re.compile(r"^\| (?!---|who\b|what\b)(.+) \|$", re.MULTILINE)


def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_named_test_exists() -> None:
    named = NAMED.findall(PAGE.read_text())
    assert len(named) > 20
    assert [f"{path}::{name}" for path, name in named if name not in functions_of(path)] == []


def test_every_threat_has_a_stop_with_a_test_or_says_that_it_is_unproven() -> None:
    section = PAGE.read_text().partition("## Who could do what")[2].partition("\n## ")[0]
    rows = ROW.findall(section)
    assert len(rows) > 12
    assert [row for row in rows if not NAMED.search(row) and "unproven" not in row] == []
