"""House margin of brokers as published: wider scans, a stress floor, and ranges that widen."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from margin.errors import MarginError
from margin.market import Kind
from margin.money import CENT_PLACES, ZERO, half_up
from margin.rulebook import Rulebook


@dataclass(frozen=True, slots=True)
class Scan:
    """Moves of price and of implied volatility, up and down, that a book is revalued at."""

    price: Decimal
    implied_vol: Decimal


def house_scan(house_rate: Decimal, kind: Kind, rulebook: Rulebook) -> Scan:
    """Scan of one underlying: its house rate in price, and by its kind in volatility; fractions.

    Source: IBKR, May 2022; FINRA Rule 4210(g).

    >>> from margin.rulebook import REFERENCE
    >>> house_scan(Decimal("0.4"), Kind.STOCK, REFERENCE).implied_vol
    Decimal('0.15')
    """
    if kind is Kind.STOCK:
        return Scan(house_rate, rulebook.ibkr_iv_scan_stock.value)
    if kind in (Kind.BROAD_INDEX, Kind.BROAD_ETF):
        return Scan(house_rate, rulebook.ibkr_iv_scan_broad_index.value)
    return Scan(house_rate, rulebook.ibkr_iv_scan_other.value)


def stress_loss(value_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Loss of a position (market value USD, either sign) at the least stress expected, USD >= 0.

    Source: FINRA Rule 4210(g), guidance: at least 25 % for volatile or concentrated books.

    >>> from margin.rulebook import REFERENCE
    >>> stress_loss(Decimal(100000), REFERENCE)
    Decimal('25000.00')
    """
    return half_up(abs(value_usd) * rulebook.pm_stress_floor.value, CENT_PLACES)


def range_used(point_of_no_return: Decimal, expected_range: Decimal, tims: Decimal) -> Decimal:
    """Range (fraction) that a concentrated book is revalued over.

    The point of no return is the move that takes net liquidation to 0. At or outside the expected
    one-day range: the TIMS range. Inside it: the expected range. Negative: MarginError.
    Source: Schwab as published; FINRA Rule 4210(d), (g).

    >>> range_used(Decimal("0.3"), Decimal("0.4"), Decimal("0.15"))
    Decimal('0.4')
    """
    for name, move in (("expected range", expected_range), ("TIMS range", tims)):
        if move < 0:
            raise MarginError(f"{name} must be >= 0, was {move}")
    return tims if point_of_no_return >= expected_range else expected_range


def point_of_no_return(net_liquidation_usd: Decimal, value_usd: Decimal) -> Decimal:
    """Move against one position (fraction) that takes net liquidation to 0.

    Net liquidation in USD, market value in USD, not 0 (MarginError).
    Source: Schwab as published; FINRA Rule 4210(d).

    >>> point_of_no_return(Decimal(50000), Decimal(100000))
    Decimal('0.5')
    """
    if not value_usd:
        raise MarginError("a market value other than 0 expected, was 0")
    return net_liquidation_usd / abs(value_usd)


def max_shares_without_concentration(
    net_liquidation_usd: Decimal, expected_range: Decimal, price_usd: Decimal
) -> Decimal:
    """Most whole shares whose point of no return is not inside the expected range, >= 0.

    Net liquidation and price in USD; range a fraction. Price or range not > 0: MarginError.
    Source: Schwab, unofficial; FINRA Rule 4210(d).

    >>> str(max_shares_without_concentration(Decimal(100000), Decimal("0.5"), Decimal(100)))
    '2000'
    """
    if expected_range <= 0 or price_usd <= 0:
        raise MarginError(f"price and range > 0 expected, were {price_usd} and {expected_range}")
    shares = max(ZERO, net_liquidation_usd / (expected_range * price_usd))
    return shares.quantize(Decimal(1), ROUND_FLOOR)
