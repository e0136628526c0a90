"""Combinations of limited risk: the largest loss at expiry, and boxes."""

from collections.abc import Sequence
from decimal import Decimal

from margin.errors import MarginError
from margin.market import Right
from margin.money import ZERO
from margin.option_book import OptionLeg, in_the_money
from margin.rulebook import Rulebook

SPREAD_SOURCE = "FINRA Rule 4210(f)(2)(H)(i)-(iv); Cboe Rule 10.3"


def largest_loss(legs: Sequence[OptionLeg]) -> Decimal | None:
    """Largest loss of exercise values at expiry, USD >= 0; None where it has no limit.

    Looked for at 0 and at every strike, between which the value of the legs is a straight line.
    Premiums are left out; which leg expires first is `is_limited_risk`'s matter.
    Source: FINRA Rule 4210(f)(2)(H)(iv).

    >>> from datetime import date
    >>> from margin.market import OptionTerms
    >>> def put(strike: int, contracts: int) -> OptionLeg:
    ...     terms = OptionTerms(underlying="XYZ", right=Right.PUT, strike_usd=Decimal(strike),
    ...                         expires_on=date(2026, 6, 19))
    ...     return OptionLeg(f"P{strike}", terms, Decimal(contracts), Decimal(1))
    >>> largest_loss([put(40, 1), put(45, -1)])
    Decimal('500')
    """
    calls = (leg for leg in legs if leg.terms.right is Right.CALL)
    if sum((leg.contracts * leg.terms.multiplier for leg in calls), ZERO) < 0:
        return None
    prices_usd = [ZERO, *(leg.terms.strike_usd for leg in legs)]
    return max(ZERO, *(-value_at_expiry(legs, price_usd) for price_usd in prices_usd))


def value_at_expiry(legs: Sequence[OptionLeg], price_usd: Decimal) -> Decimal:
    """What exercise of all legs brings at a price of the underlying, USD, signed.

    Source: FINRA Rule 4210(f)(2)(H)(iv).

    >>> value_at_expiry([], Decimal(100))
    Decimal('0')
    """
    values = (
        leg.contracts
        * leg.terms.multiplier
        * in_the_money(leg.terms.right, leg.terms.strike_usd, price_usd)
        for leg in legs
    )
    return sum(values, ZERO)


def is_limited_risk(legs: Sequence[OptionLeg]) -> bool:
    """Whether legs count as one combination: only then is its largest loss the requirement.

    One style and multiplier, a long contract for every short one of its type, and no long leg
    that expires before a short one. Source: FINRA Rule 4210(f)(2)(A), "spread"; (f)(2)(H)(iv).

    >>> is_limited_risk([])
    True
    """
    if len({(leg.terms.style, leg.terms.multiplier) for leg in legs}) > 1:
        return False
    for right in Right:
        if sum((leg.contracts for leg in legs if leg.terms.right is right), ZERO) < 0:
            return False
    longs = [leg.terms.expires_on for leg in legs if leg.contracts > 0]
    shorts = [leg.terms.expires_on for leg in legs if leg.contracts < 0]
    return not shorts or min(longs) >= max(shorts)


def short_box(
    low_usd: Decimal, high_usd: Decimal, rulebook: Rulebook, close_usd: Decimal = ZERO
) -> Decimal:
    """Requirement of a short box, USD per share: the greater of strike difference and 102 % of
    what it costs to close. MarginError where the strikes are out of order.

    Source: FINRA Rule 4210(f)(2)(H)(iv); Cboe Rule 10.3.

    >>> from margin.rulebook import REFERENCE
    >>> short_box(Decimal(300), Decimal(320), REFERENCE)
    Decimal('20')
    """
    difference_usd = _difference(low_usd, high_usd)
    return max(difference_usd, rulebook.short_box_close_factor.value * close_usd)


def long_box(low_usd: Decimal, high_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Requirement of a long box of European options, USD per share: half the strike difference.

    MarginError where the strikes are out of order. Source: FINRA Rule 4210(f)(2)(H)(v);
    Cboe Rule 10.3.

    >>> from margin.rulebook import REFERENCE
    >>> long_box(Decimal(300), Decimal(320), REFERENCE)
    Decimal('10.00')
    """
    return rulebook.long_box_rate.value * _difference(low_usd, high_usd)


def _difference(low_usd: Decimal, high_usd: Decimal) -> Decimal:
    if low_usd >= high_usd:
        raise MarginError(f"strikes of a box in rising order expected, were {low_usd}, {high_usd}")
    return high_usd - low_usd
