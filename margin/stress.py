"""Market stress: what the excess would be after each SPY move."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from margin.money import VALUE_PLACES, half_up
from margin.rulebook import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One SPY move (-0.08 is 8 % down), the gain or loss, and the excess after it, USD, signed."""

    move: Decimal
    pnl_usd: Decimal
    stressed_excess_usd: Decimal


def stress_scenarios(
    excess_usd: Decimal, beta_weighted_exposure_usd: Decimal, rulebook: Rulebook
) -> tuple[Scenario, ...]:
    """Excess after every SPY move of the rulebook, USD, signed; the requirement is not restressed.

    Profit and loss = beta-weighted exposure x move, to 0.0001.
    Source: docs/03-beta-weighting.md, "Stress".

    >>> from margin.rulebook import REFERENCE
    >>> stress_scenarios(Decimal(13000), Decimal(360000), REFERENCE)[0].stressed_excess_usd
    Decimal('-15800.0000')
    """
    pnls = (
        (move, half_up(beta_weighted_exposure_usd * move, VALUE_PLACES))
        for move in rulebook.stress_moves.value
    )
    return tuple(
        Scenario(move=move, pnl_usd=pnl_usd, stressed_excess_usd=excess_usd + pnl_usd)
        for move, pnl_usd in pnls
    )


def is_severe(move: Decimal, rulebook: Rulebook) -> bool:
    """Whether a SPY move (signed fraction) is severe: 6 % or more either way.

    Source: docs/03-beta-weighting.md, "Stress".

    >>> from margin.rulebook import REFERENCE
    >>> [str(move) for move in REFERENCE.stress_moves.value if is_severe(move, REFERENCE)]
    ['-0.08', '-0.06', '0.06']
    """
    return abs(move) >= rulebook.severe_at_least.value


def worst_severe_excess(scenarios: Iterable[Scenario], rulebook: Rulebook) -> Decimal:
    """Lowest stressed excess over the severe moves, USD, signed; below 0 is underwater.

    Source: docs/03-beta-weighting.md, "Stress".

    >>> from margin.rulebook import REFERENCE
    >>> scenarios = stress_scenarios(Decimal(13000), Decimal(360000), REFERENCE)
    >>> worst_severe_excess(scenarios, REFERENCE)
    Decimal('-15800.0000')
    """
    severe = (s.stressed_excess_usd for s in scenarios if is_severe(s.move, rulebook))
    return min(severe)
