"""Accounts and a market of the scalar rules as a book of arrays, numbered in any order."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from margin.assessment import Assessment, assess
from margin.columnar import (
    ACCOUNT_TYPES,
    BANDS,
    E4,
    KINDS,
    UNKNOWN,
    Book,
    Valuation,
    Valuer,
    class_group_risks,
    e4,
)
from margin.columnar.book import OPTION_FAULTS
from margin.columnar.valuation import AMOUNTS
from margin.flags import blocking_flags
from margin.market import Market, Right, Style
from margin.portfolio import AccountType, Portfolio, Position
from margin.rulebook import REFERENCE
from margin.valuation import DAY_MS

AMERICAN = (Style.AMERICAN,)


@dataclass(frozen=True, slots=True)
class Case:
    """One account as the scalar kernel takes it."""

    portfolio: Portfolio
    account_type: AccountType | None


def book_of(cases: Sequence[Case], market: Market, as_of_ms: int) -> Book:
    """Symbols and groups are numbered backwards: nothing may rest on their order."""
    options = [i.option.underlying for i in market.instruments.values() if i.option]
    held = [p.symbol for case in cases for p in case.portfolio.positions]
    symbols = sorted({*market.quotes, *market.betas, *market.instruments, *options, *held})[::-1]
    known = [market.instruments.get(symbol) for symbol in symbols]
    groups = sorted({i.class_group for i in known if i})[::-1]
    products = sorted({i.product_group for i in known if i and i.product_group})
    quotes = [market.quotes.get(symbol) for symbol in symbols]
    betas = [market.betas.get(symbol) for symbol in symbols]
    terms = [i.option if i else None for i in known]
    rows = sorted(
        (account, symbols.index(p.symbol), e4(p.quantity_shares))
        for account, case in enumerate(cases)
        for p in case.portfolio.positions
    )
    positions = np.array(rows, np.int64).reshape(-1, 3)

    def ints(values: Any) -> Any:
        return np.array(list(values), np.int64)

    return Book(
        as_of_ms=as_of_ms,
        account_type=ints(
            ACCOUNT_TYPES.index(c.account_type) if c.account_type else UNKNOWN for c in cases
        ),
        cash_usd_e4=ints(e4(case.portfolio.cash_usd) for case in cases),
        overflown=np.zeros(len(cases), np.bool_),
        account=positions[:, 0],
        symbol=positions[:, 1],
        quantity_e4=positions[:, 2],
        price_usd_e4=ints(e4(q.price_usd) if q else 0 for q in quotes),
        price_at_ms=ints(q.at_ms if q else -(2**62) for q in quotes),
        beta_e4=ints(e4(b) if b is not None else 0 for b in betas),
        beta_known=np.array([b is not None for b in betas], np.bool_),
        kind=ints(KINDS.index(i.kind) if i else UNKNOWN for i in known),
        leverage_e4=ints(e4(i.leverage) if i else E4 for i in known),
        class_group=ints(groups.index(i.class_group) if i else 0 for i in known),
        underlying=ints(symbols.index(t.underlying) if t else UNKNOWN for t in terms),
        is_call=np.array([t is not None and t.right is Right.CALL for t in terms], np.bool_),
        is_american=np.array(
            [t is not None and t.style is Style.AMERICAN for t in terms], np.bool_
        ),
        strike_usd_e4=ints(e4(t.strike_usd) if t else 0 for t in terms),
        expires_day=ints(t.expires_on.toordinal() - 719_163 if t else 0 for t in terms),
        multiplier_e4=ints(e4(t.multiplier) if t else E4 for t in terms),
        product_group=ints(
            products.index(i.product_group) if i and i.product_group else UNKNOWN for i in known
        ),
        dividend_yield_e4=ints(e4(i.dividend_yield) if i else 0 for i in known),
        product_groups=tuple(products),
    )


def day_ms(ordinal: int) -> int:
    """The first moment of a day, in ms since 1970, from its ordinal."""
    return (ordinal - 719_163) * DAY_MS


def check(valuation: Valuation, row: int, case: Case, market: Market, as_of_ms: int) -> None:
    """Band and every figure of one account are those that `assess` gives, to the last unit."""
    found = assess(case.portfolio, case.account_type, market, REFERENCE, as_of_ms)
    assert BANDS[valuation.band[row]] == found.band, case
    assert bool(valuation.unpriced[row]) is not isinstance(found, Assessment), case
    for name in AMOUNTS:
        got = getattr(valuation, name)[row]
        if not isinstance(found, Assessment):
            assert not np.any(got), (name, case)
        elif name == "pnl_usd_e4":
            assert got.tolist() == [e4(s.pnl_usd) for s in found.scenarios], case
        else:
            wanted: Decimal = getattr(found, name.removesuffix("_e4"))
            assert got == e4(wanted), (name, case)


def check_groups(case: Case, market: Market, as_of_ms: int) -> None:
    """Points, minimum and requirement of every class group are those that `assess` gives."""
    found = assess(case.portfolio, case.account_type, market, REFERENCE, as_of_ms)
    if not isinstance(found, Assessment):
        return
    book = book_of([case], market, as_of_ms)
    values = Valuer(REFERENCE).full(book).theoretical_usd_e4
    groups = class_group_risks(book, np.array([0]), REFERENCE, values)
    assert _rows(groups.points_usd_e4, groups.minimum_usd_e4, groups.requirement_usd_e4) == sorted(
        ([e4(p) for p in risk.points], e4(risk.minimum_usd), e4(risk.requirement_usd))
        for risk in found.tims
    )


def _rows(*columns: Any) -> list[Any]:
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def check_faults(book: Book, valuation: Valuation, market: Market) -> None:
    """What is wrong with each symbol by the arrays is what the scalar flags say of a unit of it."""
    names = sorted(market.instruments)[::-1]
    numbered = {s: i for i, s in enumerate(_symbols(market))}
    for symbol in names:
        one = Portfolio(account_id="A", positions=(Position(symbol, Decimal(1)),))
        flags = {
            f.partition(":")[0].lower()
            for f in blocking_flags(one, market, REFERENCE, book.as_of_ms)
        }
        at = numbered[symbol]
        found = {n for n in OPTION_FAULTS if getattr(valuation.faults, n)[at]}
        assert found == flags & set(OPTION_FAULTS), symbol


def _symbols(market: Market) -> list[str]:
    options = [i.option.underlying for i in market.instruments.values() if i.option]
    return sorted({*market.quotes, *market.betas, *market.instruments, *options})[::-1]
