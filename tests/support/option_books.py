"""Books of one stock and options on it, valued with values that exercise alone gives."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from margin.assessment import Assessment, assess
from margin.market import Instrument, Kind, Market, OptionTerms, Quote, Right
from margin.option_book import in_the_money
from margin.portfolio import AccountType, Portfolio, Position
from margin.rulebook import REFERENCE
from margin.tims import tims_moves

EXPIRY = date(1970, 6, 19)
STOCK = Instrument(symbol="XYZ", kind=Kind.STOCK)
PRICE = Decimal(100)
SERIES = {
    f"XYZ-{right}{strike}": OptionTerms(
        underlying="XYZ", right=right, strike_usd=Decimal(strike), expires_on=EXPIRY
    )
    for right in Right
    for strike in (80, 95, 105, 120)
}


def worth(terms: OptionTerms, spot: Decimal) -> Decimal:
    """What exercise brings at a price, and a dollar."""
    return in_the_money(terms.right, terms.strike_usd, spot) + 1


def market() -> Market:
    options = {s: Instrument(symbol=s, kind=Kind.OPTION, option=t) for s, t in SERIES.items()}
    prices = {"XYZ": PRICE, "KO": Decimal(60)}
    prices |= {s: worth(terms, PRICE) for s, terms in SERIES.items()}
    moves = tims_moves(STOCK, REFERENCE)
    return Market(
        quotes={symbol: Quote(price, 0) for symbol, price in prices.items()},
        betas={"XYZ": Decimal("1.5"), "KO": Decimal("0.5")},
        instruments={"XYZ": STOCK, "KO": Instrument(symbol="KO", kind=Kind.STOCK)} | options,
        theoretical_usd={
            s: tuple(worth(t, PRICE * (1 + move)) for move in moves) for s, t in SERIES.items()
        },
    )


def book(holdings: Mapping[str, int], cash: str = "50000") -> Portfolio:
    positions = tuple(Position(symbol, Decimal(held)) for symbol, held in holdings.items())
    return Portfolio(account_id="A", cash_usd=Decimal(cash), positions=positions)


def figures(
    holdings: Mapping[str, int],
    kind: AccountType = AccountType.MARGIN,
    at: Market | None = None,
    cash: str = "50000",
) -> Assessment:
    found = assess(book(holdings, cash), kind, at or market(), REFERENCE, 0)
    assert isinstance(found, Assessment), found
    return found


def with_terms(symbol: str, terms: OptionTerms | None) -> Market:
    """The market with other terms of one series."""
    whole = market()
    changed = Instrument(symbol=symbol, kind=Kind.OPTION, option=terms)
    return replace(whole, instruments={**whole.instruments, symbol: changed})
