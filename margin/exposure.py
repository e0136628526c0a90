"""Exposure of an account: beta-weighted, in SPY terms."""

from collections.abc import Iterable
from decimal import Decimal

from margin.money import VALUE_PLACES, ZERO, half_up
from margin.portfolio import Position, signed_market_value


def beta_weighted_value(position: Position, price_usd: Decimal, beta: Decimal) -> Decimal:
    """One position in SPY terms, USD, signed: signed market value x beta, to 0.0001.

    Source: docs/03-beta-weighting.md.

    >>> beta_weighted_value(Position("NVDA", Decimal(500)), Decimal("400"), Decimal("1.8"))
    Decimal('360000.0000')
    """
    return half_up(signed_market_value(position, price_usd) * beta, VALUE_PLACES)


def beta_weighted_exposure(values_usd: Iterable[Decimal]) -> Decimal:
    """Beta-weighted exposure of the account, USD, signed: the sum over its positions.

    Source: docs/03-beta-weighting.md.

    >>> beta_weighted_exposure([Decimal("360000"), Decimal("-360000")])
    Decimal('0')
    """
    return sum(values_usd, ZERO)
