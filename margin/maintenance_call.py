"""Where a maintenance call begins, and what meets it."""

from decimal import Decimal

from margin.money import CENT_PLACES, ZERO, half_up
from margin.rulebook import Rulebook


def trigger_long_market_value(debit_usd: Decimal, rate: Decimal) -> Decimal:
    """Long market value BELOW which a call is due, USD: debit / (1 - rate).

    Source: FINRA Rule 4210(c)(1).

    >>> trigger_long_market_value(Decimal(50000), Decimal("0.25"))
    Decimal('66666.67')
    """
    return half_up(debit_usd / (1 - rate), CENT_PLACES)


def trigger_short_market_value(credit_usd: Decimal, rate: Decimal) -> Decimal:
    """Short market value ABOVE which a call is due, USD: credit / (1 + rate).

    Source: FINRA Rule 4210(c)(3).

    >>> trigger_short_market_value(Decimal(130000), Decimal("0.30"))
    Decimal('100000.00')
    """
    return half_up(credit_usd / (1 + rate), CENT_PLACES)


def fully_paid_securities(call_usd: Decimal, rate: Decimal) -> Decimal:
    """Market value of paid-for securities that meets a call, USD: call / (1 - rate).

    Source: FINRA Rule 4210(c)(1).

    >>> fully_paid_securities(Decimal(800), Decimal("0.30"))
    Decimal('1142.86')
    """
    return half_up(call_usd / (1 - rate), CENT_PLACES)


def box_requirement(
    long_shares: Decimal, short_shares: Decimal, price_usd: Decimal, rulebook: Rulebook
) -> Decimal:
    """Requirement of the same stock held long and short, USD: 5 % of the long side that is boxed.

    Shares beyond the box are ordinary positions. Source: FINRA Rule 4210(e)(1).

    >>> from margin.rulebook import REFERENCE
    >>> box_requirement(Decimal(100), Decimal(100), Decimal(80), REFERENCE)
    Decimal('400.00')
    """
    boxed_shares = min(long_shares, short_shares)
    return half_up(boxed_shares * price_usd * rulebook.box_rate.value, CENT_PLACES)


def minimum_equity_deficiency(equity_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """What a margin account that uses credit lacks to 2,000 USD of equity, USD, never negative.

    Source: FINRA Rule 4210(b)(4).

    >>> from margin.rulebook import REFERENCE
    >>> minimum_equity_deficiency(Decimal(1500), REFERENCE)
    Decimal('500.00')
    """
    return half_up(max(ZERO, rulebook.minimum_equity.value - equity_usd), CENT_PLACES)
