"""House add-ons on top of the maintenance requirement: concentration and volatility."""

from decimal import Decimal

from margin.market import Kind
from margin.money import CENT_PLACES, ZERO, half_up
from margin.rulebook import Rulebook


def concentration_addon(
    value_usd: Decimal, gross_usd: Decimal, kind: Kind, rulebook: Rulebook
) -> Decimal:
    """Add-on for one position that is a large part of the account, USD, never negative.

    10 % of its market value where that is more than 30 % (strictly) of gross market value;
    broad-index ETFs are exempt. Source: house policy under FINRA Rule 4210(d).

    >>> from margin.rulebook import REFERENCE
    >>> concentration_addon(Decimal(80000), Decimal(100000), Kind.STOCK, REFERENCE)
    Decimal('8000.00')
    """
    if not is_concentrated(value_usd, gross_usd, kind, rulebook):
        return half_up(ZERO, CENT_PLACES)
    return half_up(value_usd * rulebook.concentration_rate.value, CENT_PLACES)


def is_concentrated(value_usd: Decimal, gross_usd: Decimal, kind: Kind, rulebook: Rulebook) -> bool:
    """Whether a market value is more than 30 % of gross, strictly, both in USD, both >= 0.

    Source: house policy under FINRA Rule 4210(d).

    >>> from margin.rulebook import REFERENCE
    >>> is_concentrated(Decimal(30000), Decimal(100000), Kind.STOCK, REFERENCE)
    False
    """
    if kind in rulebook.concentration_exempt.value:
        return False
    return value_usd > rulebook.concentration_above.value * gross_usd


def volatility_addon(value_usd: Decimal, annual_vol: Decimal, rulebook: Rulebook) -> Decimal:
    """Add-on for a volatile position, USD, never negative; volatility is a yearly fraction.

    5 % of market value above 40 %, 10 % above 60 %, both strictly.
    Source: reference design, exercise 2.

    >>> from margin.rulebook import REFERENCE
    >>> volatility_addon(Decimal(100000), Decimal("0.41"), REFERENCE)
    Decimal('5000.00')
    """
    rate = ZERO
    if annual_vol > rulebook.volatility_above.value:
        rate = rulebook.volatility_rate.value
    if annual_vol > rulebook.high_volatility_above.value:
        rate = rulebook.high_volatility_rate.value
    return half_up(value_usd * rate, CENT_PLACES)
