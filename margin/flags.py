"""Why an account has no figures, and what was assumed where it has."""

from collections.abc import Iterator
from typing import Final

from margin.market import Instrument, Kind, Market, OptionTerms
from margin.portfolio import Portfolio, Position
from margin.rulebook import Rulebook
from margin.valuation import as_of_date

_INDICES: Final = (Kind.INDEX, Kind.BROAD_INDEX)


def blocking_flags(
    portfolio: Portfolio, market: Market, rulebook: Rulebook, as_of_ms: int
) -> tuple[str, ...]:
    """Why an account has no figures at a moment (ms), sorted; empty where it has.

    A price is stale when it is older than six hours of event time, strictly.
    Source: docs/01-finra-4210.md, "Unpriced accounts".

    >>> from decimal import Decimal
    >>> from margin.rulebook import REFERENCE
    >>> book = Portfolio(account_id="A", positions=(Position("NVDA", Decimal(500)),))
    >>> blocking_flags(book, Market(quotes={}, betas={}, instruments={}), REFERENCE, 0)
    ('INSTRUMENT_MISSING:NVDA', 'PRICE_MISSING:NVDA')
    """
    found = (_blocking(p, market, rulebook, as_of_ms) for p in portfolio.positions)
    return tuple(sorted(flag for flags in found for flag in flags))


def information_flags(portfolio: Portfolio, market: Market) -> tuple[str, ...]:
    """What was assumed for an account, sorted: a missing beta counts as 1.

    The beta of an option is that of its underlying.

    Source: docs/03-beta-weighting.md, "Missing betas".

    >>> from decimal import Decimal
    >>> book = Portfolio(account_id="A", positions=(Position("NVDA", Decimal(500)),))
    >>> information_flags(book, Market(quotes={}, betas={}, instruments={}))
    ('BETA_MISSING:NVDA',)
    """
    needed = {_beta_symbol(p.symbol, market) for p in portfolio.positions}
    return tuple(f"BETA_MISSING:{symbol}" for symbol in sorted(needed - market.betas.keys()))


def _beta_symbol(symbol: str, market: Market) -> str:
    instrument = market.instruments.get(symbol)
    terms = instrument.option if instrument is not None else None
    return symbol if terms is None else terms.underlying


def _blocking(
    position: Position, market: Market, rulebook: Rulebook, as_of_ms: int
) -> Iterator[str]:
    symbol = position.symbol
    price = _price_fault(symbol, market, rulebook, as_of_ms)
    if price:
        yield f"{price}:{symbol}"
    instrument = market.instruments.get(symbol)
    if instrument is None:
        yield f"INSTRUMENT_MISSING:{symbol}"
        return
    if instrument.kind in _INDICES:
        yield f"INDEX_NOT_HELD:{symbol}"
    groups = {name for name, _, _ in rulebook.product_group_offsets.value}
    group = _product_group(instrument, market)
    if group and group not in groups:
        yield f"PRODUCT_GROUP_UNKNOWN:{symbol}"
    if instrument.kind is Kind.OPTION:
        faults = _option_faults(position, instrument.option, market, rulebook, as_of_ms)
        yield from (f"{fault}:{symbol}" for fault in faults)


def _product_group(instrument: Instrument, market: Market) -> str:
    """Its own, else for an option that of its underlying; empty where there is none."""
    terms = instrument.option
    underlying = market.instruments.get(terms.underlying) if terms is not None else None
    return instrument.product_group or (underlying.product_group if underlying else "")


def _price_fault(symbol: str, market: Market, rulebook: Rulebook, as_of_ms: int) -> str:
    quote = market.quotes.get(symbol)
    if quote is None:
        return "PRICE_MISSING"
    stale = as_of_ms - quote.at_ms > rulebook.stale_price_after_ms.value
    return "PRICE_STALE" if stale else ""


def _option_faults(
    position: Position,
    terms: OptionTerms | None,
    market: Market,
    rulebook: Rulebook,
    as_of_ms: int,
) -> Iterator[str]:
    if terms is None:
        yield "OPTION_UNSUPPORTED"
        return
    if terms.expires_on < as_of_date(as_of_ms):
        yield "OPTION_EXPIRED"
    if position.quantity_shares != position.quantity_shares.to_integral_value():
        yield "CONTRACTS_NOT_WHOLE"
    if terms.multiplier != terms.multiplier.to_integral_value():
        yield "MULTIPLIER_NOT_WHOLE"
    underlying = market.instruments.get(terms.underlying)
    if underlying is None or underlying.kind is Kind.OPTION:
        yield "UNDERLYING_MISSING"
    price = _price_fault(terms.underlying, market, rulebook, as_of_ms)
    if price:
        yield f"UNDERLYING_{price}"
    points = 2 * rulebook.tims_points_per_side.value
    if len(market.theoretical_usd.get(position.symbol, ())) != points:
        yield "THEORETICAL_MISSING"
