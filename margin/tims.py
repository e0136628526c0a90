"""Portfolio margin: the worst of ten points, by class group."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import assert_never

from margin.errors import MarginError
from margin.market import Instrument, Kind
from margin.money import CENT_PLACES, VALUE_PLACES, ZERO, half_up
from margin.rulebook import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassGroupRisk:
    """Gain or loss of one class group at ten points, USD, signed, from the deepest fall to the
    highest rise; its worst loss, minimum charge and requirement, USD, never negative."""

    class_group: str
    points: tuple[Decimal, ...]
    worst_usd: Decimal
    minimum_usd: Decimal
    requirement_usd: Decimal


def tims_moves(instrument: Instrument, rulebook: Rulebook) -> tuple[Decimal, ...]:
    """The ten moves of an instrument, signed fractions: five down, five up, equally spaced.

    +-15 % for a stock or narrow ETF, +6/-8 % for a broad-index ETF, times the leverage.
    Source: FINRA Rule 4210(g); OCC TIMS, docs/02-what-is-tims.md.

    >>> from margin.rulebook import REFERENCE
    >>> moves = tims_moves(Instrument(symbol="SPY", kind=Kind.BROAD_ETF), REFERENCE)
    >>> " ".join(str(move) for move in moves)
    '-0.0800 -0.0640 -0.0480 -0.0320 -0.0160 0.0120 0.0240 0.0360 0.0480 0.0600'
    """
    up_rate, down_rate = _range(instrument.kind, rulebook)
    return point_moves(up_rate, down_rate, instrument.leverage, rulebook)


def point_moves(
    up_rate: Decimal, down_rate: Decimal, leverage: Decimal, rulebook: Rulebook
) -> tuple[Decimal, ...]:
    """Equally spaced moves, signed fractions, from the deepest fall to the highest rise.

    Each is range x leverage x k/5, to 0.0001; none is 0. Source: docs/02-what-is-tims.md.

    >>> from margin.rulebook import REFERENCE
    >>> point_moves(Decimal("0.15"), Decimal("0.15"), Decimal(3), REFERENCE)[0]
    Decimal('-0.4500')
    """
    points = rulebook.tims_points_per_side.value
    down = (-_point(down_rate, leverage, k, points) for k in range(points, 0, -1))
    up = (_point(up_rate, leverage, k, points) for k in range(1, points + 1))
    return (*down, *up)


def position_points(signed_value_usd: Decimal, moves: Iterable[Decimal]) -> tuple[Decimal, ...]:
    """Gain or loss of one stock position at every move, USD, signed, to 0.0001.

    Source: docs/02-what-is-tims.md.

    >>> position_points(Decimal(200000), [Decimal("-0.15"), Decimal("0.15")])
    (Decimal('-30000.0000'), Decimal('30000.0000'))
    """
    return tuple(half_up(signed_value_usd * move, VALUE_PLACES) for move in moves)


def option_points(
    contracts: Decimal,
    multiplier: Decimal,
    price_usd: Decimal,
    theoretical_usd: Iterable[Decimal],
) -> tuple[Decimal, ...]:
    """Gain or loss of an option position at every point, USD, signed, to 0.0001.

    Contracts signed; price and theoretical values in USD per share.
    Source: FINRA Rule 4210(g); docs/02-what-is-tims.md, "Ten points".

    >>> option_points(Decimal(-2), Decimal(100), Decimal(3), [Decimal(1), Decimal(8)])
    (Decimal('400.0000'), Decimal('-1000.0000'))
    """
    shares = contracts * multiplier
    return tuple(half_up(shares * (value - price_usd), VALUE_PLACES) for value in theoretical_usd)


def minimum_charge(
    contracts: Decimal, multiplier: Decimal, market_value_usd: Decimal, rulebook: Rulebook
) -> Decimal:
    """Least portfolio margin of an option position, USD, never negative: 37.50 a contract.

    Contracts signed, market value >= 0 in USD; a long option owes no more than that value.
    Source: FINRA Rule 4210(g); OCC practice for the cap on long options.

    >>> from margin.rulebook import REFERENCE
    >>> minimum_charge(Decimal(-10), Decimal(100), Decimal(50), REFERENCE)
    Decimal('375.00')
    >>> minimum_charge(Decimal(10), Decimal(100), Decimal(50), REFERENCE)
    Decimal('50.00')
    """
    charge_usd = abs(contracts) * multiplier * rulebook.option_minimum_charge.value
    if contracts > 0:
        charge_usd = min(charge_usd, market_value_usd)
    return half_up(charge_usd, CENT_PLACES)


def class_group_risk(
    class_group: str, rows: Iterable[tuple[Decimal, ...]], minimum_usd: Decimal = ZERO
) -> ClassGroupRisk:
    """Worst loss of the positions on one underlying, which offset in full, USD, never negative.

    Sum at each point, then max(0, -lowest sum, minimum charge), in cents. Only options have one.
    Source: FINRA Rule 4210(g); docs/02-what-is-tims.md.

    >>> rows = [(Decimal(-2250), Decimal(2250)), (Decimal(2000), Decimal(-2000))]
    >>> class_group_risk("AAPL", rows).requirement_usd
    Decimal('250.00')
    """
    points = tuple(sum(column, ZERO) for column in zip(*rows, strict=True))
    worst_usd = half_up(max(ZERO, -min(points)), CENT_PLACES)
    return ClassGroupRisk(
        class_group=class_group,
        points=points,
        worst_usd=worst_usd,
        minimum_usd=half_up(minimum_usd, CENT_PLACES),
        requirement_usd=half_up(max(worst_usd, minimum_usd), CENT_PLACES),
    )


def _point(rate: Decimal, leverage: Decimal, k: int, points: int) -> Decimal:
    return half_up(rate * leverage * k / points, VALUE_PLACES)


def _range(kind: Kind, rulebook: Rulebook) -> tuple[Decimal, Decimal]:
    match kind:
        case Kind.STOCK:
            return rulebook.tims_stock_up.value, rulebook.tims_stock_down.value
        case Kind.ETF:
            return rulebook.tims_etf_up.value, rulebook.tims_etf_down.value
        case Kind.BROAD_ETF:
            return rulebook.tims_broad_etf_up.value, rulebook.tims_broad_etf_down.value
        case Kind.INDEX:
            return rulebook.tims_index_up.value, rulebook.tims_index_down.value
        case Kind.BROAD_INDEX:
            return rulebook.tims_broad_index_up.value, rulebook.tims_broad_index_down.value
        case Kind.OPTION:
            raise MarginError("an underlying expected (stock, etf or index), was option")
        case _:
            assert_never(kind)
