"""Regulation T: what a purchase or short sale must be opened with, and how its call is met."""

from decimal import Decimal

from margin.money import CENT_PLACES, ZERO, half_up
from margin.rulebook import Rulebook


def initial_requirement(value_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Initial margin of a long or short market value, USD, never negative: 50 %.

    Source: 12 CFR 220.12(a), (c).

    >>> from margin.rulebook import REFERENCE
    >>> initial_requirement(Decimal(200000), REFERENCE)
    Decimal('100000.00')
    """
    return half_up(value_usd * rulebook.reg_t_rate.value, CENT_PLACES)


def new_purchase_deposit(cost_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Deposit for a first long purchase, USD, never negative: 50 %, at least 2,000 USD equity.

    Never more than the cost itself. Source: FINRA Rule 4210(b).

    >>> from margin.rulebook import REFERENCE
    >>> [str(new_purchase_deposit(Decimal(cost), REFERENCE)) for cost in (1500, 4000, 6000)]
    ['1500', '2000.00', '3000.00']
    """
    floor_usd = min(rulebook.minimum_equity.value, cost_usd)
    return max(initial_requirement(cost_usd, rulebook), floor_usd)


def short_sale_deposit(value_usd: Decimal, maintenance_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Deposit beyond the proceeds of a first short sale, USD, never negative.

    The greatest of 50 %, the maintenance figure and 2,000 USD equity.
    Source: 12 CFR 220.12(c); FINRA Rule 4210(b).

    >>> from margin.rulebook import REFERENCE
    >>> short_sale_deposit(Decimal(20000), Decimal(6000), REFERENCE)
    Decimal('10000.00')
    """
    opening_usd = initial_requirement(value_usd, rulebook)
    return max(opening_usd, maintenance_usd, rulebook.minimum_equity.value)


def hedged_stock_requirement(
    stock_value_usd: Decimal, option_in_the_money_usd: Decimal, rulebook: Rulebook
) -> Decimal:
    """Initial margin of stock held against a short option, USD, never negative.

    50 % of the stock and the in-the-money amount of the option.
    Source: Cboe Rule 10.3; docs/01-finra-4210.md.

    >>> from margin.rulebook import REFERENCE
    >>> hedged_stock_requirement(Decimal("52462"), Decimal(0), REFERENCE)
    Decimal('26231.00')
    """
    return initial_requirement(stock_value_usd, rulebook) + option_in_the_money_usd


def stock_to_sell(call_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Market value to sell to meet a Regulation T call, USD, never negative: call / 50 %.

    Source: 12 CFR 220.4(c).

    >>> from margin.rulebook import REFERENCE
    >>> stock_to_sell(Decimal(10000), REFERENCE)
    Decimal('20000.00')
    """
    return half_up(call_usd / rulebook.reg_t_rate.value, CENT_PLACES)


def substitution_release(sold_usd: Decimal, bought_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """Requirement released by selling and buying on one day, USD, signed: 50 % of the difference.

    Source: 12 CFR 220.4(c).

    >>> from margin.rulebook import REFERENCE
    >>> substitution_release(Decimal(20000), Decimal(11000), REFERENCE)
    Decimal('4500.00')
    """
    return half_up((sold_usd - bought_usd) * rulebook.reg_t_rate.value, CENT_PLACES)


def call_remaining(call_usd: Decimal, released_usd: Decimal) -> Decimal:
    """Regulation T call left after a release, USD, never negative.

    Source: 12 CFR 220.4(c).

    >>> call_remaining(Decimal(10000), Decimal("4500.00"))
    Decimal('5500.00')
    """
    return max(ZERO, call_usd - released_usd)


def must_liquidate(deficiency_usd: Decimal, rulebook: Rulebook) -> bool:
    """Whether an unmet Regulation T deficiency (USD, >= 0) has to be liquidated: above 1,000 USD.

    Source: 12 CFR 220.4(d).

    >>> from margin.rulebook import REFERENCE
    >>> must_liquidate(Decimal(1000), REFERENCE)
    False
    """
    return deficiency_usd > rulebook.reg_t_waived_up_to.value


def is_restricted_account(
    equity_usd: Decimal, long_market_value_usd: Decimal, rulebook: Rulebook
) -> bool:
    """Whether equity (USD, signed) is below 50 % of long market value; this is not a call.

    Source: 12 CFR 220.4.

    >>> from margin.rulebook import REFERENCE
    >>> is_restricted_account(Decimal(40000), Decimal(80000), REFERENCE)
    False
    """
    return equity_usd < rulebook.reg_t_rate.value * long_market_value_usd
