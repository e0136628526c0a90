"""Intraday margin deficit of a day whose order of transactions is not known."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from margin.intraday import (
    CashMove,
    Event,
    IntradayBook,
    Mark,
    Trade,
    intraday_margin_level,
)
from margin.money import ZERO
from margin.rulebook import Rulebook

ONE = Decimal(1)


def worst_order_deficit(
    book: IntradayBook,
    events: Sequence[Event],
    closes_usd: Mapping[str, Decimal],
    rulebook: Rulebook,
) -> Decimal:
    """Deficit that no order of a day's transactions exceeds, USD >= 0, at closing prices.

    Per symbol the trades that hurt most, as a long or as a short position; every withdrawal and no
    deposit. New prices during the day are left out. A symbol without a close raises MarginError.
    Source: FINRA Rule 4210(d)(2); Regulatory Notice 26-10.

    >>> from margin.rulebook import REFERENCE
    >>> sell, buy = (Trade("X", Decimal(q), Decimal(100)) for q in (-1000, 1000))
    >>> worst_order_deficit(IntradayBook(cash_usd=Decimal(20000)), [sell, buy],
    ...                     {"X": Decimal(100)}, REFERENCE)
    Decimal('10000.00')
    """
    trades = [event for event in events if isinstance(event, Trade)]
    out_usd = sum((min(ZERO, e.amount_usd) for e in events if isinstance(e, CashMove)), ZERO)
    if not trades and not out_usd:
        return ZERO
    book = book.after(CashMove(out_usd))
    for symbol in sorted({t.symbol for t in trades} | set(book.shares)):
        if symbol in closes_usd:
            book = book.after(Mark(symbol, closes_usd[symbol]))
        own = [t for t in trades if t.symbol == symbol]
        book = _worst_of_symbol(book, symbol, own, rulebook)
    return max(ZERO, -intraday_margin_level(book, rulebook))


def _worst_of_symbol(
    book: IntradayBook, symbol: str, trades: Sequence[Trade], rulebook: Rulebook
) -> IntradayBook:
    """Book after the trades of one symbol that lower its level most.

    The requirement is proportional to the shares on either side, so that a trade hurts or helps
    whatever the others are: one choice per side.
    """
    flat = IntradayBook(
        cash_usd=ZERO, prices_usd={symbol: book.price(symbol)}, instruments=book.instruments
    )
    found = [book]
    for side in (ONE, -ONE):
        per_share = side * (ZERO - _level_of_one(flat, symbol, side, rulebook))
        hurts = [t for t in trades if t.shares * (per_share - book.price(symbol) + t.price_usd) > 0]
        after = book
        for trade in hurts:
            after = after.after(trade)
        found.append(after.after(Mark(symbol, book.price(symbol))))
    return min(found, key=lambda one: intraday_margin_level(one, rulebook))


def _level_of_one(flat: IntradayBook, symbol: str, side: Decimal, rulebook: Rulebook) -> Decimal:
    return intraday_margin_level(flat.after(Trade(symbol, side, flat.price(symbol))), rulebook)
