"""`marginwatch bench kernel`: what it measures adds up; how fast it was is not asserted."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from support.command import run

from local import bench_books as books
from local import bench_options
from margin.assessment import Assessment, assess
from margin.columnar import E4, value_accounts
from margin.rulebook import REFERENCE

TIMES = ("baseline_ms", "full_ms", "tick_ms", "layout_once_ms", "scalar_us_per_account")
TINY = ("bench", "kernel", "--accounts", "300", "--positions", "4", "--repetitions", "3")


def test_json_has_every_time_and_ratio(tmp_path: Path) -> None:
    done = run(tmp_path, *TINY, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["accounts"], found["positions_per_account"]) == (300, 4)
    assert all(found[name] > 0 for name in TIMES)
    assert found["full_to_baseline"] == pytest.approx(found["full_ms"] / found["baseline_ms"])
    assert found["tick_to_full"] == pytest.approx(found["tick_ms"] / found["full_ms"])
    risk = found["portfolio_margin"]
    assert (risk["accounts"], risk["classes"], risk["positions"]) == (3, 1, 15)
    ratio = risk["end_to_end_ms"] / risk["pricing_ms"]
    assert risk["end_to_end_to_pricing"] == pytest.approx(ratio)


def test_lines_name_every_part(tmp_path: Path) -> None:
    done = run(tmp_path, *TINY)
    assert done.returncode == 0, done.stderr
    for part in ("plain pass", "full valuation", "2 % of symbols", "scalar", "end to end"):
        assert part in done.stdout


@pytest.mark.parametrize("option", [("--accounts", "0"), ("--positions", "501")])
def test_a_size_that_makes_no_sense_is_refused(tmp_path: Path, option: tuple[str, str]) -> None:
    done = run(tmp_path, "bench", "kernel", *option)
    assert done.returncode == 2
    assert option[0] in done.stderr


def test_arrays_and_scalar_rules_measure_the_same_accounts() -> None:
    book = books.stock_book(40, 20)
    assert np.all(np.diff(np.unique(book.account * books.SYMBOLS + book.symbol)) > 0)
    assert len(np.unique(book.account * books.SYMBOLS + book.symbol)) == 800
    valuation = value_accounts(book, REFERENCE)
    market, types = books.market(book), books.account_types(book)
    for row, portfolio in enumerate(books.portfolios(book, 40)):
        found = assess(portfolio, types[row], market, REFERENCE, books.AS_OF_MS)
        assert isinstance(found, Assessment)
        assert found.excess_usd * E4 == int(valuation.excess_usd_e4[row])


def test_every_tick_moves_one_symbol_in_fifty() -> None:
    book = books.stock_book(5, 5)
    before = book.price_usd_e4
    for now in islice(books.ticks(book), 3):
        assert np.count_nonzero(now.price_usd_e4 != before) == books.SYMBOLS // 50
        before = now.price_usd_e4


def test_portfolio_margin_is_measured_on_accounts_that_have_figures() -> None:
    book = bench_options.margin_book(6, 5)
    valuation = value_accounts(book, REFERENCE)
    assert not valuation.unpriced.any()
    assert np.all(valuation.portfolio_margin_usd_e4 > 0)
    assert np.array_equal(valuation.requirement_usd_e4, valuation.portfolio_margin_usd_e4)
    options = np.bincount(book.account[book.is_option[book.symbol]])
    assert options.tolist() == [20] * 6
    assert len(valuation.theoretical_usd_e4) == len(
        np.unique(book.symbol[book.is_option[book.symbol]])
    )


def test_a_tick_of_a_class_values_its_series_again() -> None:
    book = bench_options.margin_book(6, 5)
    moved = bench_options.tick(book, 5)
    before, after = (value_accounts(b, REFERENCE).theoretical_usd_e4 for b in (book, moved))
    ticked = int(np.flatnonzero(book.price_usd_e4 != moved.price_usd_e4)[0])
    on = {s for s in before if book.underlying[s] == ticked}
    assert {s for s in before if not np.array_equal(before[s], after[s])} == on
