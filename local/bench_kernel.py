"""How long the valuation of many accounts takes, beside the least that any valuation must do."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from local import bench_books as books
from local import bench_options
from margin.assessment import assess
from margin.columnar import Book, Valuer
from margin.columnar.layout import Layout
from margin.rulebook import REFERENCE

SCALAR_ACCOUNTS = 200
MS, US = 1e3, 1e6

Figures = dict[str, Any]


def measure(accounts: int, positions: int, repetitions: int) -> Figures:
    """Medians over alternating repetitions, in ms, and their ratios.

    `baseline` is one pass that multiplies quantities by prices and sums by account.
    """
    book = books.stock_book(accounts, positions)
    return {
        "accounts": accounts,
        "positions_per_account": positions,
        "symbols": books.SYMBOLS,
        "repetitions": repetitions,
        **_kernel(book, positions, repetitions),
        "scalar_us_per_account": _scalar(book),
        # A hundredth of the accounts, in half as many classes.
        "portfolio_margin": bench_options.portfolio_margin(
            max(1, accounts // 100), max(1, accounts // 200), repetitions
        ),
    }


def _kernel(book: Book, positions: int, repetitions: int) -> Figures:
    starts = np.arange(0, len(book.account), positions)
    full, ticking = Valuer(REFERENCE), Valuer(REFERENCE)
    moved = books.ticks(book)
    full.full(book)
    ticking.value(book)
    ticking.value(next(moved))
    works: dict[str, Callable[[Book], object]] = {
        "baseline": lambda b: np.add.reduceat(b.quantity_e4 * b.price_usd_e4[b.symbol], starts),
        "full": full.full,
        "tick": ticking.value,
    }
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repetitions):
        now = next(moved)
        for name, work in works.items():
            taken[name].append(_seconds(partial(work, now)))
    base, whole, tick = (median(taken[name]) for name in works)
    return {
        "baseline_ms": base * MS,
        "full_ms": whole * MS,
        "full_to_baseline": whole / base,
        "tick_ms": tick * MS,
        "tick_to_baseline": tick / base,
        "tick_to_full": tick / whole,
        "layout_once_ms": _seconds(lambda: Layout(book)) * MS,
    }


def _scalar(book: Book) -> float:
    count = min(SCALAR_ACCOUNTS, len(book.cash_usd_e4))
    market, types = books.market(book), books.account_types(book)
    held = books.portfolios(book, count)

    def work() -> None:
        for portfolio, account_type in zip(held, types, strict=False):
            assess(portfolio, account_type, market, REFERENCE, books.AS_OF_MS)

    return _seconds(work) / count * US


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
