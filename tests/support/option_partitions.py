"""The least requirement of a small book by trying all partitions: no code of the kernel's rules.

The underlying is at 100 USD, one contract is 100 shares, and the day is 2 January 2026.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import cache

from margin.market import Right
from margin.option_book import OptionLeg

ON = date(2026, 1, 2)
PRICE = Decimal(100)
CALL, PUT = Right.CALL, Right.PUT

# One contract, or a block of 100 shares as None.
Unit = OptionLeg | None


def brute_force(shares: int, legs: Sequence[OptionLeg]) -> Decimal:
    """Least requirement, options out of equity, over all partitions of single contracts."""
    units: list[Unit] = [None] * (abs(shares) // 100)
    for one in legs:
        units += [one] * abs(int(one.contracts))

    @cache
    def group(mask: int) -> Decimal | None:
        return group_cost([unit for at, unit in enumerate(units) if mask >> at & 1], shares > 0)

    @cache
    def least(mask: int) -> Decimal:
        if not mask:
            return Decimal(0)
        first = mask & -mask
        rest = part = mask ^ first
        found = []
        while True:
            if (cost := group(part | first)) is not None:
                found.append(cost + least(rest ^ part))
            if not part:
                return min(found)
            part = (part - 1) & rest

    return least((1 << len(units)) - 1)


def group_cost(units: Sequence[Unit], long: bool) -> Decimal | None:
    options = [unit for unit in units if unit is not None]
    if len(options) == len(units):
        costs = [alone(options[0])] if len(options) == 1 else []
        if len(options) == 2 and all(one.contracts < 0 for one in options):
            call, put = sorted(options, key=lambda one: one.terms.right)
            if call.terms.right is not put.terms.right:
                sides = [
                    alone(call) + 100 * put.price_usd,
                    alone(put) + 100 * call.price_usd,
                ]
                costs.append(sides[0] if alone(call) >= alone(put) else sides[1])
        if legal(options):
            costs.append(worst(options))
        return min(costs, default=None)
    if len(units) - len(options) != 1:
        return None
    return hedged_cost(options, long)


def signs(options: Sequence[OptionLeg]) -> list[int]:
    return [1 if one.contracts > 0 else -1 for one in options]


def legal(options: Sequence[OptionLeg]) -> bool:
    if len({one.terms.style for one in options}) > 1:
        return False
    for right in Right:
        same = [one for one in options if one.terms.right is right]
        if sum(signs(same)) < 0:
            return False
    return all(
        long.terms.expires_on >= short.terms.expires_on
        for long in options
        for short in options
        if long.contracts > 0 > short.contracts
    )


def pays(one: OptionLeg, price: Decimal) -> Decimal:
    over = price - one.terms.strike_usd
    return 100 * max(Decimal(0), over if one.terms.right is CALL else -over)


def worst(options: Sequence[OptionLeg]) -> Decimal:
    prices = [Decimal(n) for n in range(0, 200, 5)]
    return max(
        Decimal(0),
        *(
            -sum((s * pays(one, p) for s, one in zip(signs(options), options, strict=True)), p * 0)
            for p in prices
        ),
    )


def alone(one: OptionLeg) -> Decimal:
    value, strike = 100 * one.price_usd, one.terms.strike_usd
    if one.contracts > 0:
        return -value / 4 if (one.terms.expires_on - ON).days > 300 else Decimal(0)
    out = strike - PRICE if one.terms.right is CALL else PRICE - strike
    base = PRICE if one.terms.right is CALL else strike
    return value + max(20 * PRICE - 100 * max(Decimal(0), out), 10 * base)


def hedged_cost(options: Sequence[OptionLeg], long: bool) -> Decimal | None:
    rate = Decimal("0.25") if long else Decimal("0.30")
    shares = 100 * PRICE * rate
    sold, bought = (CALL, PUT) if long else (PUT, CALL)
    shorts = [one for one in options if one.contracts < 0]
    longs = [one for one in options if one.contracts > 0]
    if any(o.terms.right is not sold for o in shorts) or len(shorts) > 1 or len(longs) > 1:
        return None
    if any(o.terms.right is not bought for o in longs):
        return None
    if not options:
        return shares
    in_money = sum((pays(one, PRICE) for one in shorts), Decimal(0))
    if not longs:
        return shares + in_money
    strike = longs[0].terms.strike_usd
    out = max(Decimal(0), PRICE - strike if long else strike - PRICE)
    floor = 10 * strike + 100 * out
    if not shorts:
        return min(floor, 25 * PRICE if long else shares)
    if shorts[0].terms.expires_on != longs[0].terms.expires_on:
        return None
    if shorts[0].terms.strike_usd == strike:
        return 10 * strike + in_money
    if long and strike < shorts[0].terms.strike_usd:
        return min(floor, 25 * shorts[0].terms.strike_usd) + in_money
    return None
