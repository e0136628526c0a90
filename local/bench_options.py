"""Portfolio margin accounts with options: the same arrays at every run, and how long they take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any, Final

import numpy as np

from local.bench_books import AS_OF_MS, SEED
from margin.columnar import ACCOUNT_TYPES, E4, KINDS, UNKNOWN, Book, Ints, Valuer
from margin.columnar.pricing import european
from margin.columnar.series import Series
from margin.market import Kind
from margin.portfolio import AccountType
from margin.rulebook import REFERENCE
from margin.valuation import DAY_MS

SERIES_OF_A_CLASS: Final = 20
# An account has four series of each of five classes, and the stock of each.
CLASSES_OF_AN_ACCOUNT: Final = 5
HELD_OF_A_CLASS: Final = 4
TICKING: Final = 50  # one class of so many
RATE: Final = 0.04
MS: Final = 1e3


def margin_book(accounts: int, classes: int) -> Book:
    """Portfolio margin accounts with 20 American series each and the stock that these are on.

    Symbols are the stocks of the classes, then 20 series of each. Prices are those of some
    volatility, to 0.0001 USD.
    """
    draw = np.random.default_rng(SEED)
    count = classes * SERIES_OF_A_CLASS
    symbols = classes + count
    of = np.repeat(np.arange(classes), SERIES_OF_A_CLASS)
    spot = draw.integers(2_000, 50_000, classes) * 100
    strike = np.maximum(50, np.rint(spot[of] * draw.uniform(0.8, 1.2, count) / 5000) * 50) * 100
    days, is_call = draw.integers(7, 730, count), draw.random(count) < 0.5
    vol = draw.uniform(0.15, 0.8, count)
    value = european(spot[of] / E4, strike / E4, RATE, 0.0, vol, days / 365, is_call)
    account, symbol, quantity = _positions(draw, accounts, classes)
    stock = np.zeros(classes, np.int64)
    own = np.arange(classes)
    return Book(
        as_of_ms=AS_OF_MS,
        account_type=np.full(accounts, ACCOUNT_TYPES.index(AccountType.PORTFOLIO_MARGIN)),
        cash_usd_e4=draw.integers(-(10**10), 10**10, accounts),
        overflown=np.zeros(accounts, np.bool_),
        account=account,
        symbol=symbol,
        quantity_e4=quantity,
        price_usd_e4=np.append(spot, np.maximum(1, np.rint(value * E4))).astype(np.int64),
        price_at_ms=np.full(symbols, AS_OF_MS),
        beta_e4=draw.integers(20, 300, symbols) * 100,
        beta_known=np.ones(symbols, np.bool_),
        kind=np.append(stock + KINDS.index(Kind.STOCK), np.full(count, KINDS.index(Kind.OPTION))),
        leverage_e4=np.full(symbols, E4),
        class_group=np.append(own, of),
        underlying=np.append(stock + UNKNOWN, of),
        is_call=np.append(stock > 0, is_call),
        is_american=np.append(stock > 0, np.ones(count, np.bool_)),
        strike_usd_e4=np.append(stock, strike).astype(np.int64),
        expires_day=np.append(stock, AS_OF_MS // DAY_MS + days),
        multiplier_e4=np.append(stock + E4, np.full(count, 100 * E4)),
    )


def _positions(draw: np.random.Generator, accounts: int, classes: int) -> tuple[Ints, Ints, Ints]:
    """Account, symbol and quantity of every position, sorted by account and symbol."""
    held = min(classes, CLASSES_OF_AN_ACCOUNT)
    found: list[tuple[int, int, int]] = []
    for account in range(accounts):
        for of in draw.choice(classes, held, replace=False).tolist():
            found.append((account, of, int(draw.choice([-500, -100, 100, 300, 1000]))))
            first = classes + of * SERIES_OF_A_CLASS
            for series in draw.choice(SERIES_OF_A_CLASS, HELD_OF_A_CLASS, replace=False).tolist():
                found.append((account, first + series, int(draw.choice([-10, -2, -1, 1, 2, 10]))))
    account_of, symbol, quantity = np.array(sorted(found), np.int64).T
    return account_of.copy(), symbol.copy(), quantity * E4


def tick(book: Book, classes: int) -> Book:
    """The book with another price of every fiftieth class's stock, at least of one."""
    draw = np.random.default_rng(SEED)
    price = book.price_usd_e4.copy()
    moved = draw.choice(classes, max(1, classes // TICKING), replace=False)
    price[moved] += 100 * draw.integers(1, 10, len(moved))
    return replace(book, price_usd_e4=price)


def portfolio_margin(accounts: int, classes: int, repetitions: int) -> dict[str, Any]:
    """End to end from prices to figures, in ms, beside the pricing of the series held alone.

    `valuation` is the same once the series are priced; `tick` is end to end after one class in
    fifty moved, beside the pricing of the series of these classes.
    """
    book = margin_book(accounts, classes)
    moved = tick(book, classes)
    priced, valuer = Series(REFERENCE), Valuer(REFERENCE)
    pricing_s = _seconds(lambda: priced.values(book))
    end_to_end_s = _seconds(lambda: valuer.full(book))
    valuation_s = median(_seconds(lambda: valuer.full(book)) for _ in range(repetitions))
    tick_pricing_s = _seconds(lambda: priced.values(moved))
    tick_s = _seconds(lambda: valuer.value(moved))
    return {
        "accounts": accounts,
        "classes": classes,
        "positions": len(book.account),
        "series": int(book.is_option[np.unique(book.symbol)].sum()),
        "pricing_ms": pricing_s * MS,
        "end_to_end_ms": end_to_end_s * MS,
        "end_to_end_to_pricing": end_to_end_s / pricing_s,
        "valuation_ms": valuation_s * MS,
        "tick_pricing_ms": tick_pricing_s * MS,
        "tick_ms": tick_s * MS,
    }


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
