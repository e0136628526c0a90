"""Whatever a page shows is true: commands print it, links and paths exist, nothing is left out."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.command import run
from support.pages import LINK, PAGES, PATH, ROOT, Example, examples, shows
from support.played import HEDGED, PM, SCENARIO, played

from local import errors
from local.cli import COMMANDS
from margin.topics import CATALOGUE


@pytest.mark.parametrize("example", [e for p in PAGES for e in examples(p)], ids=lambda e: e.name)
def test_a_command_prints_what_its_page_shows(example: Example, kept_demo: Any) -> None:
    done = run(kept_demo.folder, *example.arguments)
    assert done.returncode == 0, done.stderr
    assert shows(example.expected, done.stdout), done.stdout


def test_a_page_that_shows_something_else_would_be_noticed() -> None:
    assert shows(("a  b", "...", "c ... e"), "a b\nx\ny\nc d e\n")
    assert not shows(("a  b", "c ... e"), "a b\nx\nc d e\n")
    assert not shows(("48 shares",), "47 shares\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_paths_exist(page: Path) -> None:
    text = page.read_text()
    linked = [page.parent / to for to in LINK.findall(text) if not to.startswith("http")]
    missing = [str(p) for p in (*linked, *(ROOT / p for p in PATH.findall(text))) if not p.exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_named_function_is_where_the_page_says(page: Path) -> None:
    for path, name in re.findall(r"`([\w/]+\.py)`, `(\w+)`", page.read_text()):
        assert re.search(rf"^(def|class) {name}\b", (ROOT / path).read_text(), re.MULTILINE), name


def test_the_readme_is_short_and_names_every_command() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    for name in COMMANDS:
        assert re.search(rf"`(marginwatch )?{name}\b", text), name


def test_the_architecture_page_names_every_topic() -> None:
    text = (ROOT / "docs" / "04-architecture.md").read_text()
    for topic in CATALOGUE:
        assert f"| {topic.name} | {topic.key} |" in text


def test_the_demo_page_shows_every_expected_figure_of_the_accounts_with_options() -> None:
    text = (ROOT / "docs" / "06-run-demo.md").read_text()
    accounts = [a for a in SCENARIO.accounts if a.figures]
    assert [a.account_id for a in accounts] == [HEDGED, PM]
    for expected in zip(*(a.figures for a in accounts), strict=True):
        at = expected[0].at
        price = next(s for s in SCENARIO.steps if s.at == at).prices["NVDA"]
        cells = [f"{usd:,.2f}" for figures in expected for usd in figures.usd.values()]
        assert f"| {at} | {price} | {' | '.join(cells)} |" in text


def test_the_options_worked_by_hand_on_the_demo_page_are_those_of_the_rules() -> None:
    text = (ROOT / "docs" / "06-run-demo.md").read_text()
    for account_id, option in [
        (HEDGED, "NVDA-P380-60D"),
        (PM, "NVDA-P360-60D"),
        (PM, "NVDA-C440-60D"),
    ]:
        account = played(account_id, "13:20")
        assert f"at {account.price('NVDA') * Decimal('0.85'):.2f} |" in text
        mark, worst = account.price(option), account.market.theoretical_usd[option][0]
        gained = account.portfolio.quantity_of(option) * 100 * (worst - mark)
        assert f"| {mark} | {worst} | +{gained:,.2f} |" in text
        assert f"= {account.assessed().requirement_usd:,.2f} |" in text


def test_the_demo_page_names_every_exit_code() -> None:
    text = (ROOT / "docs" / "06-run-demo.md").read_text()
    codes = {e.exit_code for e in vars(errors).values() if hasattr(e, "exit_code")} | {0, 130}
    sentence = text[text.index("Exit codes:") :].split("\n\n")[0]
    assert {int(n) for n in re.findall(r"(?:: |; )(\d+)", sentence)} == codes
