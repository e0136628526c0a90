"""Buying power, and calls of Regulation T: what creates one, and what meets it."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal

from margin import reg_t
from margin.deadlines import payment_due
from margin.errors import MarginError
from margin.money import CENT_PLACES, ZERO, half_up
from margin.rulebook import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class RegTCall:
    """A call for a deposit, USD > 0, and the last day to pay it."""

    amount_usd: Decimal
    due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class WaysToMeet:
    """What meets a call: cash or marginable securities (USD), or the sale of whole shares."""

    cash_usd: Decimal
    securities_usd: Decimal
    shares_to_sell: Decimal


def buying_power(sma_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Market value that may be bought without a deposit, USD, never negative: SMA / 50 %.

    Source: 12 CFR 220.5, 220.12(a).

    >>> from margin.rulebook import REFERENCE
    >>> buying_power(Decimal(5000), REFERENCE), buying_power(Decimal(-1), REFERENCE)
    (Decimal('10000.00'), Decimal('0.00'))
    """
    return half_up(max(ZERO, sma_usd) / rulebook.reg_t_rate.value, CENT_PLACES)


def deficiency_created(before_usd: Decimal, after_usd: Decimal) -> Decimal:
    """Regulation T deficiency that a transaction adds, USD >= 0, from the excess around it.

    Both excesses (equity less Regulation T margin, signed) are at the prices of the transaction,
    so that a fall in price alone adds none. Source: 12 CFR 220.4(c).

    >>> deficiency_created(Decimal(-2000), Decimal(-5000))
    Decimal('3000')
    >>> deficiency_created(Decimal(-2000), Decimal(-1000))
    Decimal('0')
    """
    return max(ZERO, max(ZERO, -after_usd) - max(ZERO, -before_usd))


def reg_t_call(before_usd: Decimal, after_usd: Decimal, traded_on: date) -> RegTCall | None:
    """The call of a transaction, or none if it neither creates nor increases a deficiency.

    Excesses in USD, signed, at the prices of the transaction. A day outside the calendar raises
    MarginError. Source: 12 CFR 220.4(c), 220.2.

    >>> call = reg_t_call(Decimal(0), Decimal(-5000), date(2026, 3, 2))
    >>> str(call.amount_usd), call.due_on.isoformat()
    ('5000', '2026-03-05')
    """
    created_usd = deficiency_created(before_usd, after_usd)
    return RegTCall(amount_usd=created_usd, due_on=payment_due(traded_on)) if created_usd else None


def amount_to_liquidate(call_usd: Decimal, deficiency_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Amount (USD >= 0) that liquidation must free once a call is not met: the lesser of the two.

    Nothing for a call of 1,000 USD or less. Source: 12 CFR 220.4(d).

    >>> from margin.rulebook import REFERENCE
    >>> [str(amount_to_liquidate(Decimal(c), Decimal(4000), REFERENCE)) for c in (1000, 5000)]
    ['0', '4000']
    """
    if not reg_t.must_liquidate(call_usd, rulebook):
        return ZERO
    return min(call_usd, max(ZERO, deficiency_usd))


def ways_to_meet(call_usd: Decimal, price_usd: Decimal, rulebook: Rulebook) -> WaysToMeet:
    """Cash, marginable securities or sale that meet a Regulation T call, USD > 0.

    Securities and sale count half, so that twice the call is needed; shares in whole shares of the
    price (USD > 0, else MarginError). Source: 12 CFR 220.4(c).

    >>> from margin.rulebook import REFERENCE
    >>> ways = ways_to_meet(Decimal(5000), Decimal(300), REFERENCE)
    >>> str(ways.securities_usd), str(ways.shares_to_sell)
    ('10000.00', '34')
    """
    if price_usd <= 0:
        raise MarginError(f"a price > 0 expected, was {price_usd}")
    sold_usd = reg_t.stock_to_sell(call_usd, rulebook)
    shares = (sold_usd / price_usd).to_integral_value(ROUND_CEILING)
    return WaysToMeet(cash_usd=call_usd, securities_usd=sold_usd, shares_to_sell=shares)
