"""What the positions of an account require together: by strategy, and by class group."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from margin.money import ZERO
from margin.option_margin import (
    ClassMargin,
    Holding,
    OptionLeg,
    StrategyMargin,
    Underlying,
    class_margin,
)
from margin.portfolio_groups import GroupRelief, combine
from margin.rulebook import Rulebook
from margin.tims import ClassGroupRisk
from margin.valuation import PositionFigures, portfolio_margin


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """Requirements of an account, USD: totals, and what they consist of.

    `classes` holds the margin of every class with options, by its underlying; `plain` the
    positions that belong to none. Reliefs are <= 0.
    """

    maintenance_usd: Decimal
    concentration_usd: Decimal
    reg_t_usd: Decimal
    portfolio_margin_usd: Decimal
    classes: Mapping[str, ClassMargin]
    plain: tuple[PositionFigures, ...]
    risks: tuple[ClassGroupRisk, ...]
    reliefs: tuple[GroupRelief, ...]

    @property
    def strategies(self) -> tuple[StrategyMargin, ...]:
        """Every strategy of the classes with options, class by class."""
        return tuple(s for name in sorted(self.classes) for s in self.classes[name].strategies)


def requirements_of(
    figures: Sequence[PositionFigures],
    rulebook: Rulebook,
    on: date,
    known: Mapping[str, ClassMargin] | None = None,
) -> Requirements:
    """Requirements of valued positions on a day, USD; `known` classes are not computed again.

    A class is the options on one underlying and its stock.
    Source: FINRA Rule 4210(c), (f)(2), (g); docs/adr/0006-options-at-market-in-equity.md.

    >>> from margin.rulebook import REFERENCE
    >>> requirements_of([], REFERENCE, date(2026, 1, 2)).maintenance_usd
    Decimal('0')
    """
    held: dict[str, list[PositionFigures]] = {}
    for f in figures:
        if f.option is not None:
            held.setdefault(f.option.terms.underlying, []).append(f)
    stocks = {f.symbol: f for f in figures if f.option is None}
    ready = known or {}
    classes = {
        name: ready[name]
        if name in ready
        else _class_margin(options, stocks.get(name), rulebook, on)
        for name, options in sorted(held.items())
    }
    plain = tuple(f for f in figures if f.option is None and f.symbol not in classes)
    risks = portfolio_margin(figures, rulebook)
    combined = combine(risks, _product_groups(figures), rulebook)
    return Requirements(
        maintenance_usd=sum((c.maintenance_usd for c in classes.values()), ZERO)
        + sum((f.maintenance_usd for f in plain), ZERO),
        concentration_usd=sum((f.concentration_usd for f in figures), ZERO),
        reg_t_usd=sum((c.initial_usd for c in classes.values()), ZERO)
        + sum((f.reg_t_usd for f in plain), ZERO),
        portfolio_margin_usd=combined.requirement_usd,
        classes=classes,
        plain=plain,
        risks=risks,
        reliefs=combined.reliefs,
    )


def _class_margin(
    options: Sequence[PositionFigures],
    stock: PositionFigures | None,
    rulebook: Rulebook,
    on: date,
) -> ClassMargin:
    legs = [
        OptionLeg(f.symbol, f.option.terms, f.position.quantity_shares, f.price_usd)
        for f in options
        if f.option is not None and f.position.quantity_shares
    ]
    shares = ZERO if stock is None else stock.position.quantity_shares
    holding = (
        Holding(stock.symbol, shares, stock.price_usd, stock.maintenance_usd)
        if stock is not None and shares
        else None
    )
    first = options[0].option
    assert first is not None
    of = first.underlying
    underlying = Underlying(of.symbol, first.underlying_price_usd, of.kind, of.leverage)
    return class_margin(holding, legs, underlying, rulebook, on)


def _product_groups(figures: Iterable[PositionFigures]) -> dict[str, str]:
    """By class group, its product group: that of the underlying counts for its options."""
    found: dict[str, str] = {}
    for f in figures:
        of = f.instrument if f.option is None else f.option.underlying
        product = f.instrument.product_group or of.product_group
        if product:
            group = f.instrument.class_group
            # Where they disagree, the first by name: the order of positions must not matter.
            found[group] = min(product, found.get(group, product))
    return found
