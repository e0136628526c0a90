"""Options held against the underlying: maintenance and initial margin, USD per share."""

from decimal import Decimal

from margin.market import Right
from margin.option_book import in_the_money, out_of_the_money
from margin.rulebook import Rulebook

HEDGED_SOURCE = "FINRA Rule 4210(f)(2)(H)(v); Cboe Rule 10.3"


def covered_call(stock_usd: Decimal, strike_usd: Decimal, price_usd: Decimal) -> Decimal:
    """Maintenance of a long share with a short call: that of the share (`stock_usd`), and what
    the call is in the money, since the share is worth no more than the strike.

    Source: FINRA Rule 4210(f)(2)(H)(v); Cboe Rule 10.3.

    >>> covered_call(Decimal("23.75"), Decimal(90), Decimal(95))
    Decimal('28.75')
    """
    return stock_usd + in_the_money(Right.CALL, strike_usd, price_usd)


def covered_put(stock_usd: Decimal, strike_usd: Decimal, price_usd: Decimal) -> Decimal:
    """Maintenance of a short share with a short put, USD per share: as for a covered call.

    Source: FINRA Rule 4210(f)(2)(H)(v); Cboe Rule 10.3.

    >>> covered_put(Decimal("30.00"), Decimal(105), Decimal(100))
    Decimal('35.00')
    """
    return stock_usd + in_the_money(Right.PUT, strike_usd, price_usd)


def protective_put(strike_usd: Decimal, price_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Maintenance of a long share with a long put, USD per share.

    The lesser of 10 % of the strike and the amount out of the money, or 25 % of the share.
    Source: FINRA Rule 4210(f)(2)(H)(v)a.

    >>> from margin.rulebook import REFERENCE
    >>> protective_put(Decimal(95), Decimal(100), REFERENCE)
    Decimal('14.50')
    """
    floor_usd = _floor(Right.PUT, strike_usd, price_usd, rulebook)
    return min(floor_usd, rulebook.protective_stock_rate.value * price_usd)


def protective_call(
    stock_usd: Decimal, strike_usd: Decimal, price_usd: Decimal, rulebook: Rulebook
) -> Decimal:
    """Maintenance of a short share with a long call, USD per share.

    The lesser of 10 % of the strike and the amount out of the money, or that of the share alone.
    Source: FINRA Rule 4210(f)(2)(H)(v)a.

    >>> from margin.rulebook import REFERENCE
    >>> protective_call(Decimal("30.00"), Decimal(105), Decimal(100), REFERENCE)
    Decimal('15.50')
    """
    return min(_floor(Right.CALL, strike_usd, price_usd, rulebook), stock_usd)


def conversion(strike_usd: Decimal, price_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Maintenance of a long share, long put and short call of one strike, USD per share.

    Source: FINRA Rule 4210(f)(2)(H)(v)b.

    >>> from margin.rulebook import REFERENCE
    >>> conversion(Decimal(90), Decimal(95), REFERENCE)
    Decimal('14.00')
    """
    rate = rulebook.conversion_strike_rate.value
    return rate * strike_usd + in_the_money(Right.CALL, strike_usd, price_usd)


def reverse_conversion(strike_usd: Decimal, price_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Maintenance of a short share, long call and short put of one strike, USD per share.

    Source: FINRA Rule 4210(f)(2)(H)(v)c.

    >>> from margin.rulebook import REFERENCE
    >>> reverse_conversion(Decimal(100), Decimal(95), REFERENCE)
    Decimal('15.00')
    """
    rate = rulebook.conversion_strike_rate.value
    return rate * strike_usd + in_the_money(Right.PUT, strike_usd, price_usd)


def collar(
    put_strike_usd: Decimal, call_strike_usd: Decimal, price_usd: Decimal, rulebook: Rulebook
) -> Decimal:
    """Maintenance of a long share, long put and short call of a higher strike, USD per share.

    The lesser of 10 % of the put's strike and the put's amount out of the money, or 25 % of the
    call's strike; and what the call is in the money. Source: FINRA Rule 4210(f)(2)(H)(v)d.

    >>> from margin.rulebook import REFERENCE
    >>> collar(Decimal(514), Decimal(534), Decimal("524.62"), REFERENCE)
    Decimal('62.02')
    """
    floor_usd = _floor(Right.PUT, put_strike_usd, price_usd, rulebook)
    hedged_usd = min(floor_usd, rulebook.collar_call_rate.value * call_strike_usd)
    return hedged_usd + in_the_money(Right.CALL, call_strike_usd, price_usd)


def hedged_initial(
    right: Right | None, strike_usd: Decimal, price_usd: Decimal, rulebook: Rulebook
) -> Decimal:
    """Initial margin of a share with options, USD per share: 50 % and the short option's ITM.

    `right` and strike are those of the short option; None where all options are long.
    Source: 12 CFR 220.12(a), (e); FINRA Rule 4210(f)(2)(H)(v).

    >>> from margin.rulebook import REFERENCE
    >>> hedged_initial(Right.CALL, Decimal(90), Decimal(95), REFERENCE)
    Decimal('52.50')
    """
    initial_usd = rulebook.reg_t_rate.value * price_usd
    if right is None:
        return initial_usd
    return initial_usd + in_the_money(right, strike_usd, price_usd)


def covered_stock_value(strike_usd: Decimal, price_usd: Decimal) -> Decimal:
    """What a share under a short call counts in equity, USD per share: no more than the strike.

    Source: 12 CFR 220.2, "current market value"; Cboe Rule 10.3.

    >>> covered_stock_value(Decimal(90), Decimal(95))
    Decimal('90')
    """
    return min(strike_usd, price_usd)


def _floor(right: Right, strike_usd: Decimal, price_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """10 % of the strike of a long option and its amount out of the money, USD per share."""
    rate = rulebook.protective_strike_rate.value
    return rate * strike_usd + out_of_the_money(right, strike_usd, price_usd)
