"""The reference design's own formulas, kept to compare with: no rule of the ladder uses them."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from margin.errors import MarginError
from margin.money import CENT_PLACES, VALUE_PLACES, ZERO, half_up
from margin.rulebook import Rulebook


def reference_requirement(market_value_usd: Decimal, rulebook: Rulebook) -> Decimal:
    """25 % of signed market value, USD; negative for a net-short book, which is its error.

    Source: reference design; docs/01-finra-4210.md, "Known errors".

    >>> from margin.rulebook import REFERENCE
    >>> reference_requirement(Decimal(-160000), REFERENCE)
    Decimal('-40000.00')
    """
    return half_up(market_value_usd * rulebook.long_rate.value, CENT_PLACES)


def reference_beta_weighted(market_value_usd: Decimal, beta: Decimal) -> Decimal:
    """Signed market value x beta, USD, signed, to 0.0001. Source: reference design.

    >>> reference_beta_weighted(Decimal(200000), Decimal("1.8"))
    Decimal('360000.0000')
    """
    return half_up(market_value_usd * beta, VALUE_PLACES)


def reference_tims_margin(values_usd: Iterable[Decimal], rulebook: Rulebook) -> Decimal:
    """abs(lowest gain or loss) with one shock for all symbols, USD, never negative.

    Source: reference design; docs/02-what-is-tims.md, "Same shock".

    >>> from margin.rulebook import REFERENCE
    >>> reference_tims_margin([Decimal(200000)], REFERENCE)
    Decimal('30000.00')
    """
    net_usd = sum(values_usd, ZERO)
    moves = (-rulebook.tims_stock_down.value, rulebook.tims_stock_up.value)
    return half_up(abs(min(net_usd * move for move in moves)), CENT_PLACES)


def reference_shares_sold(
    deficiency_usd: Decimal, price_usd: Decimal, held_shares: Decimal, rulebook: Rulebook
) -> Decimal:
    """Shares the reference design sells: the whole position, where its proceeds are enough.

    Proceeds (USD) must be at least 1.1 x the deficiency. Source: reference design, exercise 5.

    >>> from margin.rulebook import REFERENCE
    >>> reference_shares_sold(Decimal(5720), Decimal("342.4"), Decimal(500), REFERENCE)
    Decimal('500')
    """
    wanted_usd = deficiency_usd * (1 + rulebook.liquidation_buffer_rate.value)
    return held_shares if wanted_usd > 0 and price_usd > 0 else ZERO


def minimum_proceeds(deficiency_usd: Decimal, requirement_rate: Decimal) -> Decimal:
    """Market value whose sale releases a deficiency, USD, never negative: deficiency / rate.

    Source: FINRA Rule 4210(c)(1).

    >>> minimum_proceeds(Decimal(5720), Decimal("0.35"))
    Decimal('16342.86')
    """
    return half_up(deficiency_usd / requirement_rate, CENT_PLACES)


def is_evenly_spaced(grid: Sequence[Decimal]) -> bool:
    """Whether the moves of a grid (signed fractions, none 0) are equally spaced on each side.

    Source: docs/02-what-is-tims.md, "Ten points".

    >>> is_evenly_spaced([Decimal("-0.2"), Decimal("-0.1"), Decimal("0.1"), Decimal("0.2")])
    True
    """
    sides = (sorted(m for m in grid if m > 0), sorted(-m for m in grid if m < 0))
    return all(
        move * len(side) == side[-1] * k for side in sides for k, move in enumerate(side, start=1)
    )


def beta_of(stock: Sequence[Decimal], market: Sequence[Decimal]) -> Decimal:
    """Covariance / variance of daily returns, no unit, the same degrees of freedom in both.

    Source: docs/03-beta-weighting.md.

    >>> returns = [Decimal("0.01"), Decimal("-0.01"), Decimal("0.02"), Decimal(0)]
    >>> beta_of(returns, returns)
    Decimal('1')
    """
    return _cross(stock, market) / _cross(market, market)


def reference_beta(stock: Sequence[Decimal], market: Sequence[Decimal]) -> Decimal:
    """The reference design's beta, no unit: n-1 above and n below, so too large by n/(n-1).

    Source: reference design; docs/03-beta-weighting.md.

    >>> returns = [Decimal("0.01"), Decimal("-0.01"), Decimal("0.02"), Decimal(0)]
    >>> half_up(reference_beta(returns, returns), 4)
    Decimal('1.3333')
    """
    return beta_of(stock, market) * len(stock) / (len(stock) - 1)


def _cross(left: Sequence[Decimal], right: Sequence[Decimal]) -> Decimal:
    if len(left) != len(right) or len(left) < 2:
        raise MarginError(f"two series of one length expected, were {len(left)} and {len(right)}")
    mean_left, mean_right = sum(left, ZERO) / len(left), sum(right, ZERO) / len(right)
    pairs = zip(left, right, strict=True)
    return sum(((a - mean_left) * (b - mean_right) for a, b in pairs), ZERO)
