"""The pages about the rules: each figure is computed here, and each heading cited exists."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from support.pages import ROOT
from support.played import DEMO, LONGSHORT, SCENARIO, ladder_steps, played
from support.rule_rows import (
    BETA,
    CHECKS,
    DOCS,
    ENTRIES,
    FINRA,
    PAGES,
    ROWS,
    TIMS,
    tables,
)
from support.rule_words import Row, figure, usd

from margin import money
from margin.ladder import Action
from margin.rulebook import REFERENCE


@pytest.mark.parametrize(
    ("page", "name", "row"),
    ROWS,
    ids=[f"{p.stem}: {' '.join(r.values())[:40]}" for p, _, r in ROWS],
)
def test_a_row_says_what_the_rules_compute(page: Path, name: str, row: Row) -> None:
    keys, compute = CHECKS[page, name]
    assert {k: v for k, v in row.items() if k not in keys} == compute(row)


def test_no_table_is_left_out() -> None:
    shown = [(page, name) for page in PAGES for name, _ in tables(page)]
    assert sorted(shown) == sorted(CHECKS)


def test_the_ten_points_and_the_steps_of_the_demo_are_complete() -> None:
    points = [row["point"] for page, name, row in ROWS if (page, name) == (TIMS, "point")]
    assert points == [str(k + 1) for k in range(2 * REFERENCE.tims_points_per_side.value)]
    steps = [(row["at"], row["step"]) for page, name, row in ROWS if name == "at step"]
    assert steps == list(ladder_steps(DEMO))
    assert {step for _, step in steps} < set(Action)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_every_rate_of_its_rule(page: Path) -> None:
    prefixes = {
        FINRA: (
            *("long_rate", "short_rate", "short_floor", "low_priced_", "leveraged_"),
            *("concentration_", "reg_t_rate"),
        ),
        TIMS: ("tims_",),
        BETA: ("stress_moves", "severe_", "missing_beta"),
    }[page]
    shown = {row["entry"].strip("`") for p, _, row in ROWS if p == page and "entry" in row}
    kinds = {"concentration_exempt"}  # a kind of instrument, no figure
    assert shown == {name for name in ENTRIES if name.startswith(prefixes)} - kinds


def test_the_account_that_both_methods_see_differently() -> None:
    a = played(LONGSHORT, "09:30").assessed()
    # 200,000 x (25 % + 10 %) + 360,000 x 30 % = 70,000 + 108,000
    assert a.requirement_usd == Decimal(178_000)
    # 200,000 x 15 % + 360,000 x 6 % = 30,000 + 21,600
    assert a.portfolio_margin_usd == Decimal(51_600)
    text = _text(TIMS)
    assert f"is a margin account, so its requirement is {usd(a.requirement_usd)}." in text
    assert f"As a portfolio margin account it would be {usd(a.portfolio_margin_usd)}." in text


# ---- the text between the tables

CLAIM = re.compile(r"([\d.]+ (?:%|minutes?|hours|USD a share)) \(`(\w+)`\)")
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")


def _text(page: Path) -> str:
    """The text without tables, and with each line break a blank."""
    return " ".join(re.sub(r"^[|#].*$", "", page.read_text(), flags=re.MULTILINE).split())


def _numbers(text: str) -> set[Decimal]:
    for name in (r"`[^`]*`", r"\]\([^)]*\)", r"ACC_\w+", r"Rule 4210(\(\w\))?", r"\d\d:\d\d"):
        text = re.sub(name, " ", text)
    return {Decimal(n.replace(",", "")) for n in NUMBER.findall(text)}


def _scenario_numbers(page: Path) -> set[Decimal]:
    """What the accounts named on a page paid, hold, and are priced with."""
    found: set[Decimal] = set()
    for account_id in set(re.findall(r"ACC_\w+", page.read_text())):
        for step in SCENARIO.steps:
            found |= {abs(c.amount_usd) for c in step.cash if c.account_id == account_id}
            fills = [f for f in step.fills if f.account_id == account_id]
            found |= {abs(f.quantity_shares) for f in fills} | {f.price_usd for f in fills}
            held = {f.symbol for f in played(account_id, "09:00").portfolio.positions}
            found |= {step.prices[s] for s in held if s in step.prices}
            found |= {s.beta for s in SCENARIO.symbols if s.name in held and s.beta}
            series = [s.series for s in SCENARIO.symbols if s.name in held and s.series]
            found |= {s.strike_usd for s in series} | {s.multiplier for s in series}
    return found


CLAIMS = [(page, *claim) for page in PAGES for claim in CLAIM.findall(_text(page))]


@pytest.mark.parametrize(
    ("page", "shown", "entry"), CLAIMS, ids=[f"{p.stem}: {entry}" for p, _, entry in CLAIMS]
)
def test_a_figure_in_the_text_is_the_rulebooks(page: Path, shown: str, entry: str) -> None:
    assert shown == figure(ENTRIES[entry]), page.name


def test_the_clocks_of_the_ladder_are_on_the_page() -> None:
    claimed = {entry for page, _, entry in CLAIMS if page == FINRA}
    clocks = {"restrict_after", "liquidate_after", "stress_confirm", "restrict_to_liquidate_gap"}
    assert clocks | {"warning_rate", "stale_price_after_ms"} == claimed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_number_in_the_text_is_accounted_for(page: Path) -> None:
    cells = [cell for p, _, row in ROWS if p == page for cell in row.values()]
    known = _numbers(" ".join(cells)) | _scenario_numbers(page)
    known |= _numbers(" ".join(shown for p, shown, _ in CLAIMS if p == page))
    known |= {Decimal(1).scaleb(-n) for n in (money.VALUE_PLACES, money.CENT_PLACES)}
    assert _numbers(_text(page).replace("rule of 2026", "")) - known == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_time_on_a_page_is_one_of_the_demo(page: Path) -> None:
    times = {step.at for step in SCENARIO.steps} | {at for at, _ in ladder_steps(DEMO)}
    assert set(re.findall(r"\b\d\d:\d\d\b", page.read_text())) <= times


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_short_and_says_what_is_missing(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert len(lines) <= 110
    assert max(map(len, lines)) <= 120
    assert "## Not in yet" in lines


# ---- the other direction: what the code cites

ROOMS = ("margin", "functions", "spark_jobs", "local", "stacks")
CITATION = re.compile(r'docs/([\w-]+\.md)(?:,[\s#]+"([^"]+)")?')


def _citations() -> list[tuple[str, str]]:
    kinds = {".py", ".toml", ".json"}
    files = [f for room in ROOMS for f in (ROOT / room).rglob("*") if f.suffix in kinds]
    found = {match for f in files for match in CITATION.findall(f.read_text())}
    return sorted((name, " ".join(heading.split())) for name, heading in found)


@pytest.mark.parametrize(("name", "heading"), _citations(), ids=lambda part: part or "exists")
def test_a_page_and_heading_that_code_cites_exist(name: str, heading: str) -> None:
    headings = re.findall(r"^#+ (.+)$", (DOCS / name).read_text(), re.MULTILINE)
    assert not heading or heading in headings


def test_citations_are_found() -> None:
    assert ("01-finra-4210.md", "Rounding") in _citations()
