"""Lines for what options require: a line per strategy and per relief across class groups."""

from collections.abc import Iterable

from margin.explanation import MAINTENANCE, PORTFOLIO_MARGIN, Line
from margin.money import decimal_text, usd_text
from margin.option_margin import StrategyMargin
from margin.portfolio_groups import GroupRelief


def strategy_lines(strategies: Iterable[StrategyMargin]) -> tuple[Line, ...]:
    """Maintenance of every strategy, USD, options at market in equity; part of maintenance.

    Source: FINRA Rule 4210(f)(2).

    >>> strategy_lines([])
    ()
    """
    return tuple(_strategy_line(strategy) for strategy in strategies)


def relief_lines(reliefs: Iterable[GroupRelief]) -> tuple[Line, ...]:
    """Relief of every portfolio group, USD, never positive; part of portfolio margin.

    Source: FINRA Rule 4210(g).

    >>> relief_lines([])
    ()
    """
    return tuple(_relief_line(relief) for relief in reliefs)


def _strategy_line(strategy: StrategyMargin) -> Line:
    legs = ", ".join(f"{decimal_text(quantity)} {symbol}" for symbol, quantity in strategy.legs)
    premium = ("market value of its options", usd_text(strategy.premium_usd))
    return Line(
        term=f"{strategy.name}: {legs}",
        formula=strategy.formula,
        inputs=(*strategy.inputs, premium),
        value_usd=strategy.maintenance_usd,
        rule="maintenance margin, options at market in equity",
        source=strategy.source,
        part_of=MAINTENANCE,
    )


def _relief_line(relief: GroupRelief) -> Line:
    points = " ".join(usd_text(point) for point in relief.points)
    return Line(
        term=f"relief of portfolio group {relief.name}",
        formula="requirement of the group - sum of its class groups",
        inputs=(
            ("class groups", ", ".join(relief.class_groups)),
            ("points", points),
            ("requirement of the group", usd_text(relief.requirement_usd)),
        ),
        value_usd=relief.relief_usd,
        rule="portfolio margin, offsets across underlyings",
        source="FINRA Rule 4210(g)",
        part_of=PORTFOLIO_MARGIN,
    )
