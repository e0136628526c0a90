"""Ten points and class groups."""

from datetime import date
from decimal import Decimal

import pytest

from margin.errors import MarginError
from margin.market import Instrument, Kind, OptionTerms, Right
from margin.rulebook import REFERENCE
from margin.tims import class_group_risk, position_points, tims_moves


@pytest.mark.parametrize(
    ("kind", "leverage", "lowest", "highest"),
    [
        pytest.param(Kind.STOCK, "1", "-0.15", "0.15", id="stock"),
        pytest.param(Kind.ETF, "1", "-0.15", "0.15", id="narrow ETF"),
        pytest.param(Kind.BROAD_ETF, "1", "-0.08", "0.06", id="broad ETF"),
        # 15 % x 3 = 45 %
        pytest.param(Kind.ETF, "3", "-0.45", "0.45", id="3x ETF"),
    ],
)
def test_range_follows_the_kind(kind: Kind, leverage: str, lowest: str, highest: str) -> None:
    moves = tims_moves(Instrument(symbol="X", kind=kind, leverage=Decimal(leverage)), REFERENCE)
    assert (len(moves), moves[0], moves[-1]) == (10, Decimal(lowest), Decimal(highest))


def test_class_group_sums_its_positions_at_each_point() -> None:
    moves = tims_moves(Instrument(symbol="X", kind=Kind.STOCK), REFERENCE)
    rows = [position_points(Decimal(500), moves), position_points(Decimal(-200), moves)]
    # (500 - 200) x 15 % = 45
    assert class_group_risk("X", rows).requirement_usd == Decimal(45)


@pytest.mark.parametrize(
    ("minimum", "expected"),
    [
        pytest.param("9.99", "10", id="worst > minimum"),
        pytest.param("10", "10", id="worst = minimum"),
        pytest.param("10.01", "10.01", id="worst < minimum"),
    ],
)
def test_minimum_charge_is_a_floor(minimum: str, expected: str) -> None:
    risk = class_group_risk("X", [(Decimal(-10), Decimal(10))], Decimal(minimum))
    assert risk.requirement_usd == Decimal(expected)


PUT = Instrument(
    symbol="X",
    kind=Kind.OPTION,
    option=OptionTerms(
        underlying="NVDA",
        right=Right.PUT,
        strike_usd=Decimal(380),
        expires_on=date(2027, 1, 15),
    ),
)


def test_gain_at_every_point_is_no_charge() -> None:
    assert class_group_risk("X", [(Decimal(1), Decimal(2))]).requirement_usd == 0


def test_option_has_no_range() -> None:
    with pytest.raises(MarginError, match="was option"):
        tims_moves(PUT, REFERENCE)


def test_index_moves_through_its_own_range() -> None:
    ranges = [
        (moves[0], moves[-1])
        for kind in (Kind.INDEX, Kind.BROAD_INDEX)
        for moves in [tims_moves(Instrument(symbol="X", kind=kind), REFERENCE)]
    ]
    assert ranges == [
        (Decimal("-0.15"), Decimal("0.15")),
        (Decimal("-0.08"), Decimal("0.06")),
    ]
