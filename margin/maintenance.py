"""Maintenance requirement of one position: FINRA Rule 4210(c)."""

from decimal import Decimal

from margin.market import Instrument
from margin.money import CENT_PLACES, half_up
from margin.portfolio import Position, market_value
from margin.rulebook import Rulebook


def maintenance_requirement(
    position: Position, price_usd: Decimal, instrument: Instrument, rulebook: Rulebook
) -> Decimal:
    """Margin that must stay in the account for one position, USD, never negative.

    Long: 25 % of market value. Short at 5 USD or more: 30 %, at least 5 USD a share. Short below
    5 USD: 100 %, at least 2.50 USD a share. A leveraged ETF multiplies the rate, up to 100 %.
    Source: FINRA Rule 4210(c)(1)-(3); Regulatory Notice 09-53.

    >>> from margin.market import Kind
    >>> from margin.rulebook import REFERENCE
    >>> nvda = Instrument(symbol="NVDA", kind=Kind.STOCK)
    >>> maintenance_requirement(Position("NVDA", Decimal(500)), Decimal("400"), nvda, REFERENCE)
    Decimal('50000.00')
    """
    value_usd = market_value(position, price_usd)
    required_usd = value_usd * maintenance_rate(position, price_usd, instrument, rulebook)
    if position.quantity_shares < 0:
        floor_usd = short_floor(price_usd, rulebook)
        required_usd = max(abs(position.quantity_shares) * floor_usd, required_usd)
    return half_up(required_usd, CENT_PLACES)


def maintenance_rate(
    position: Position, price_usd: Decimal, instrument: Instrument, rulebook: Rulebook
) -> Decimal:
    """Fraction of market value that must stay, never negative, before the floor per share.

    Source: FINRA Rule 4210(c)(1)-(3); Regulatory Notice 09-53.

    >>> from margin.market import Kind
    >>> from margin.rulebook import REFERENCE
    >>> double = Instrument(symbol="QLD", kind=Kind.ETF, leverage=Decimal(2))
    >>> maintenance_rate(Position("QLD", Decimal(-10)), Decimal("50"), double, REFERENCE)
    Decimal('0.60')
    """
    if position.quantity_shares < 0:
        if price_usd < rulebook.low_priced_below.value:
            return rulebook.low_priced_short_rate.value
        base_rate = rulebook.short_rate.value
    else:
        base_rate = rulebook.long_rate.value
    return min(rulebook.leveraged_rate_cap.value, base_rate * instrument.leverage)


def short_floor(price_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Least margin of a short position, USD per share, at a price.

    Source: FINRA Rule 4210(c)(2)-(3).

    >>> from margin.rulebook import REFERENCE
    >>> short_floor(Decimal("4.99"), REFERENCE), short_floor(Decimal("5"), REFERENCE)
    (Decimal('2.50'), Decimal('5.00'))
    """
    if price_usd < rulebook.low_priced_below.value:
        return rulebook.low_priced_short_floor.value
    return rulebook.short_floor.value
