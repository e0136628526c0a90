"""Random books for measurements: the same arrays at every run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import numpy as np

from margin.columnar import E4, KINDS, Book
from margin.market import Instrument, Kind, Market, Quote
from margin.portfolio import AccountType, Portfolio, Position

SEED = 20_260_723
AS_OF_MS = 1_800_000_000_000
SYMBOLS = 5000
TICKING = 50  # one symbol of so many


def stock_book(accounts: int, positions: int) -> Book:
    """Accounts that all hold so many stocks and ETFs, one in five short, in whole shares.

    One symbol in ten is a leveraged ETF and one in ten a broad-index ETF. A leveraged ETF shares
    the class group of the symbol before it; no beta is missing and no price stale.
    """
    draw = np.random.default_rng(SEED)
    first = draw.integers(0, SYMBOLS, (accounts, 1))
    # Steps of 1 to SYMBOLS / positions give every account different symbols.
    steps = draw.integers(1, SYMBOLS // positions + 1, (accounts, positions))
    symbol = np.sort((first + np.cumsum(steps, axis=1)) % SYMBOLS, axis=1).ravel()
    kind = draw.choice([KINDS.index(Kind.STOCK)] * 8 + [KINDS.index(Kind.ETF)] * 2, SYMBOLS)
    kind[draw.random(SYMBOLS) < 0.1] = KINDS.index(Kind.BROAD_ETF)
    is_leveraged = kind == KINDS.index(Kind.ETF)
    own = np.arange(SYMBOLS)
    shares = draw.integers(1, 1000, len(symbol)) * draw.choice([-1, 1, 1, 1, 1], len(symbol))
    return Book(
        as_of_ms=AS_OF_MS,
        account_type=draw.integers(0, 3, accounts),
        cash_usd_e4=draw.integers(-(10**10), 10**10, accounts),
        overflown=np.zeros(accounts, np.bool_),
        account=np.repeat(np.arange(accounts), positions),
        symbol=symbol,
        quantity_e4=shares * E4,
        price_usd_e4=draw.integers(200, 50_000, SYMBOLS) * 100,
        price_at_ms=np.full(SYMBOLS, AS_OF_MS),
        beta_e4=draw.integers(20, 300, SYMBOLS) * 100,
        beta_known=np.ones(SYMBOLS, np.bool_),
        kind=kind,
        leverage_e4=np.where(is_leveraged, 2 * E4, E4),
        class_group=np.where(is_leveraged, np.maximum(own - 1, 0), own),
    )


def ticks(book: Book) -> Iterator[Book]:
    """The book again and again, with every fiftieth of its symbols at another price each time."""
    draw = np.random.default_rng(SEED)
    while True:
        price = book.price_usd_e4.copy()
        moved = draw.choice(SYMBOLS, SYMBOLS // TICKING, replace=False)
        price[moved] += 100 * draw.integers(1, 10, len(moved))
        book = replace(book, price_usd_e4=price)
        yield book


def portfolios(book: Book, count: int) -> list[Portfolio]:
    """The first accounts of a book as the scalar rules take them."""
    quantity = book.quantity_e4
    return [
        Portfolio(
            account_id=f"ACC_{account:06}",
            cash_usd=Decimal(int(book.cash_usd_e4[account])) / E4,
            positions=tuple(
                Position(f"S{book.symbol[i]}", Decimal(int(quantity[i])) / E4)
                for i in np.flatnonzero(book.account == account).tolist()
            ),
        )
        for account in range(count)
    ]


def market(book: Book) -> Market:
    """The market of a book as the scalar rules take it."""
    names = [f"S{symbol}" for symbol in range(len(book.kind))]
    columns = zip(names, book.kind, book.leverage_e4, book.class_group, strict=True)
    return Market(
        quotes={
            name: Quote(Decimal(int(price)) / E4, AS_OF_MS)
            for name, price in zip(names, book.price_usd_e4, strict=True)
        },
        betas={
            name: Decimal(int(beta)) / E4 for name, beta in zip(names, book.beta_e4, strict=True)
        },
        instruments={
            name: Instrument(
                symbol=name,
                kind=KINDS[kind],
                leverage=Decimal(int(leverage)) / E4,
                class_group=names[group],
            )
            for name, kind, leverage, group in columns
        },
    )


def account_types(book: Book) -> list[AccountType]:
    """The type of every account of a book."""
    return [tuple(AccountType)[code] for code in book.account_type.tolist()]
