"""Margin of one class under the strategy rules: its stock and options, paired at least cost."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from margin.errors import MarginError
from margin.market import Right
from margin.money import CENT_PLACES, ZERO, half_up
from margin.option_book import ClassMargin, Holding, OptionLeg, StrategyMargin, Underlying
from margin.option_model import Model, build, units
from margin.option_pairing import CELLS, NODES, Found, cheapest
from margin.option_stock import stock_alone, with_stock
from margin.option_strategies import (
    Terms,
    combination,
    long_option,
    straddle,
    uncovered,
)
from margin.rulebook import Rulebook

__all__ = ["ClassMargin", "Holding", "OptionLeg", "StrategyMargin", "Underlying", "class_margin"]


def class_margin(
    stock: Holding | None,
    legs: Sequence[OptionLeg],
    underlying: Underlying,
    rulebook: Rulebook,
    on: date,
    *,
    nodes: int = NODES,
    cells: int = CELLS,
) -> ClassMargin:
    """Cheapest legal pairing of the stock and options of one class on a day, in USD.

    Each leg may be split over strategies. Requirements are with options at market in equity;
    `proven` says that no pairing costs less, else `lower_bound_usd` does not exceed the least.
    `nodes` and `cells` limit the search. MarginError for an expired leg, contracts that are not
    whole, a multiplier that is not whole, a symbol given twice, or another underlying.
    Source: FINRA Rule 4210(f)(2); docs/adr/0006-options-at-market-in-equity.md.

    >>> from margin.market import OptionTerms
    >>> from margin.rulebook import REFERENCE
    >>> terms = OptionTerms(underlying="XYZ", right=Right.PUT, strike_usd=Decimal(80),
    ...                     expires_on=date(2026, 6, 19))
    >>> short = OptionLeg("XYZ-P80", terms, Decimal(-1), Decimal("2.00"))
    >>> found = class_margin(None, [short], Underlying("XYZ", Decimal(95)), REFERENCE,
    ...                      date(2026, 1, 2))
    >>> found.maintenance_usd, found.strategies[0].elv_maintenance_usd
    (Decimal('800.00'), Decimal('1000.0000'))
    """
    for leg in legs:
        _check(leg, underlying, on)
    held = stock if stock is not None and stock.shares else None
    terms = Terms(underlying, rulebook, on)
    if _stands_alone(held, legs):
        strategies = [_alone(leg, terms) for leg in sorted(legs, key=lambda leg: leg.symbol)]
        if held is not None:
            strategies.append(stock_alone(held, held.shares, terms))
        return _summed(tuple(strategies), None)
    if len({leg.symbol for leg in legs}) < len(legs):
        symbols = sorted(leg.symbol for leg in legs)
        raise MarginError(f"one leg per symbol expected, found {symbols}")
    model = build(held, legs, underlying, rulebook, on)
    found = cheapest(model, nodes, cells)
    return _summed(_strategies(model, found, held, terms), found)


def _check(leg: OptionLeg, underlying: Underlying, on: date) -> None:
    terms, contracts = leg.terms, leg.contracts
    if terms.underlying != underlying.symbol:
        raise MarginError(
            f"{leg.symbol}: an option on {underlying.symbol} expected, was on {terms.underlying}"
        )
    if terms.expires_on < on:
        raise MarginError(f"{leg.symbol}: expiry on or after {on} expected, was {terms.expires_on}")
    if not contracts.is_finite() or not contracts or contracts != contracts.to_integral_value():
        raise MarginError(f"{leg.symbol}: whole contracts, not 0, expected, was {contracts}")
    if terms.multiplier != terms.multiplier.to_integral_value():
        raise MarginError(f"{leg.symbol}: a whole multiplier expected, was {terms.multiplier}")


def _stands_alone(stock: Holding | None, legs: Sequence[OptionLeg]) -> bool:
    """Whether no leg can be grouped with another or with the stock."""
    shorts = sum(leg.contracts < 0 for leg in legs)
    if shorts > 1 or (shorts and len(legs) > 1):
        return False
    if stock is None:
        return True
    # Long stock is hedged by short calls and long puts, short stock by the others.
    long = stock.shares > 0
    return not any(((leg.terms.right is Right.CALL) == (leg.contracts < 0)) is long for leg in legs)


def _alone(leg: OptionLeg, terms: Terms) -> StrategyMargin:
    return uncovered(leg, terms) if leg.contracts < 0 else long_option(leg, terms)


def _strategies(
    model: Model, found: Found, stock: Holding | None, terms: Terms
) -> tuple[StrategyMargin, ...]:
    """The pairing found, in USD: with stock, combinations, straddles, then what stands alone."""
    left = [node.count for node in model.nodes]
    used_shares = ZERO
    made: list[StrategyMargin] = []

    def part(at: int, count: int) -> OptionLeg:
        left[at] -= count
        leg = model.nodes[at].leg
        return replace(leg, contracts=Decimal(count).copy_sign(leg.contracts))

    for group, count in sorted(found.pairing.groups, key=lambda entry: entry[0].members):
        if group.stock and stock is not None:
            parts = [part(at, count) for at in group.members]
            used_shares += count * parts[0].terms.multiplier
            made.append(with_stock(group.name, parts, stock, terms))
    for members in found.pairing.combinations:
        made.append(combination([part(at, count) for at, count in sorted(members.items())]))
    for group, count in sorted(found.pairing.groups, key=lambda entry: entry[0].members):
        if not group.stock:
            call, put = (part(at, count) for at in group.members)
            made.append(straddle(call, put, terms))
    made += [_alone(part(at, count), terms) for at, count in enumerate(tuple(left)) if count]
    if stock is not None and (rest := abs(stock.shares) - used_shares):
        made.append(stock_alone(stock, rest.copy_sign(stock.shares), terms))
    return tuple(made)


def _summed(strategies: tuple[StrategyMargin, ...], found: Found | None) -> ClassMargin:
    maintenance_usd = sum((strategy.maintenance_usd for strategy in strategies), ZERO)
    initial_usd = sum((strategy.initial_usd for strategy in strategies), ZERO)
    bound_usd = maintenance_usd
    if found is not None and not found.proven:
        over_usd = Decimal(found.cost - found.least) / units(Decimal(1))
        bound_usd = min(maintenance_usd, half_up(maintenance_usd - over_usd, CENT_PLACES))
    return ClassMargin(
        strategies, maintenance_usd, initial_usd, bound_usd, found is None or found.proven
    )
