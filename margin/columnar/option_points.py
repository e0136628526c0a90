"""Portfolio margin of option positions over arrays, from theoretical values at the points."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from margin.columnar.arithmetic import Ints, cents, e4
from margin.errors import MarginError
from margin.rulebook import Rulebook

# Any amount below this, and any sum of two, is in int64.
LARGEST_E4: Final = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Option series: price and values at the points in 1e-4 USD per share, multiplier in shares.

    `theoretical_usd_e4` has a row for every series and a column for every point, from the deepest
    fall to the highest rise.
    """

    price_usd_e4: Ints
    theoretical_usd_e4: Ints
    multiplier: Ints
    class_group: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionRisks:
    """Points, minimum charge and requirement by (account, class group), sorted, in 1e-4 USD."""

    account: Ints
    class_group: Ints
    points_usd_e4: Ints
    minimum_usd_e4: Ints
    requirement_usd_e4: Ints


def option_risks(
    account: Ints, series_of: Ints, contracts: Ints, series: Series, rulebook: Rulebook
) -> OptionRisks:
    """Risk of options by account and class group, 1e-4 USD; contracts are signed, one row each.

    Gain or loss at a point is contracts x multiplier x (theoretical value - price); the requirement
    is the worst loss, at least the minimum charge, in cents. MarginError where an amount could
    leave int64. Source: FINRA Rule 4210(g); docs/02-what-is-tims.md.

    >>> from margin.rulebook import REFERENCE
    >>> one = np.array([0])
    >>> series = Series(price_usd_e4=np.array([50_000]), multiplier=np.array([100]),
    ...     theoretical_usd_e4=np.array([[20_000, 90_000]]), class_group=one)
    >>> option_risks(one, one, np.array([2]), series, REFERENCE).requirement_usd_e4.tolist()
    [6000000]
    """
    per_contract = series.multiplier[:, None] * (
        series.theoretical_usd_e4 - series.price_usd_e4[:, None]
    )
    worth = series.multiplier * series.price_usd_e4
    charge = series.multiplier * e4(rulebook.option_minimum_charge.value)
    _check(contracts, (per_contract, worth, charge))
    span = int(series.class_group.max(initial=0)) + 1
    key = account * span + series.class_group[series_of]
    order = np.argsort(key, kind="stable")
    keys, starts = np.unique(key[order], return_index=True)
    held, code = contracts[order], series_of[order]
    points = _run_sums(held[:, None] * per_contract[code], starts)
    # A long option cannot lose more than it is worth.
    least = np.where(held > 0, np.minimum(charge, worth)[code], charge[code])
    minimum = _run_sums(np.abs(held) * least, starts)
    worst = np.maximum(minimum, -points.min(axis=1, initial=0))
    return OptionRisks(
        account=keys // span,
        class_group=keys % span,
        points_usd_e4=points,
        minimum_usd_e4=minimum,
        requirement_usd_e4=cents(worst, 1, 1),
    )


def _run_sums(parts: Ints, starts: Ints) -> Ints:
    # reduceat has no answer for no runs.
    return np.add.reduceat(parts, starts, axis=0) if len(starts) else parts[:0]


def _check(contracts: Ints, amounts: tuple[Ints, ...]) -> None:
    """Refuse what could leave int64 when it is multiplied and added up."""
    most = int(np.abs(contracts).sum(dtype=object)) if len(contracts) else 0
    largest = max(int(np.abs(amount).max(initial=0)) for amount in amounts)
    if most * largest >= LARGEST_E4:
        raise MarginError(f"amounts below 2**62 in 1e-4 USD expected, found {most * largest}")
