"""Offsets between underlyings: none for two stocks, in part inside a group, never a surcharge."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin.errors import MarginError
from margin.money import ZERO
from margin.pm_eligibility import Arrangement, accepts_new_accounts, is_eligible, minimum_equity
from margin.portfolio_groups import combine
from margin.rulebook import REFERENCE
from margin.tims import ClassGroupRisk, class_group_risk

amounts = st.decimals(-100_000, 100_000, places=4)
points = st.lists(amounts, min_size=10, max_size=10).map(tuple)
minimums = st.decimals(0, 1000, places=2)
risks = st.lists(st.tuples(points, minimums), min_size=1, max_size=5).map(
    lambda rows: [class_group_risk(f"C{k}", [row], m) for k, (row, m) in enumerate(rows)]
)
groups = st.sampled_from(["", "BROAD_INDEX", "SECTOR_INDEX"])


def linear(name: str, value: int) -> ClassGroupRisk:
    moves = [Decimal(k) / 100 for k in (-15, -12, -9, -6, -3, 3, 6, 9, 12, 15)]
    return class_group_risk(name, [tuple(value * move for move in moves)])


@given(points)
def test_two_different_stocks_never_offset(row: tuple[Decimal, ...]) -> None:
    long, short = class_group_risk("A", [row]), class_group_risk("B", [tuple(-p for p in row)])
    found = combine([long, short], {}, REFERENCE)
    assert found.requirement_usd == long.requirement_usd + short.requirement_usd
    assert found.reliefs == ()


@given(risks, st.lists(groups, min_size=5, max_size=5))
def test_a_group_never_costs_more_than_its_classes_apart(
    held: list[ClassGroupRisk], names: list[str]
) -> None:
    product_of = {risk.class_group: name for risk, name in zip(held, names, strict=False)}
    found = combine(held, product_of, REFERENCE)
    apart = sum((risk.requirement_usd for risk in held), ZERO)
    assert ZERO <= found.requirement_usd <= apart
    assert found.requirement_usd == apart + sum((r.relief_usd for r in found.reliefs), ZERO)


@given(points, points)
def test_hedging_inside_a_class_never_costs_more(
    own: tuple[Decimal, ...], hedge: tuple[Decimal, ...]
) -> None:
    both = class_group_risk("A", [own, hedge]).requirement_usd
    apart = [class_group_risk("A", [row]).requirement_usd for row in (own, hedge)]
    assert both <= sum(apart) + Decimal("0.01")


def test_gains_of_a_product_group_count_at_its_offset() -> None:
    held = [linear("SPX", 100_000), linear("NDX", -100_000)]
    product_of = {"SPX": "BROAD_INDEX", "NDX": "BROAD_INDEX"}
    found = combine(held, product_of, REFERENCE)
    # At -15 % the long loses 15,000 and the short gains 15,000 x 0.9.
    assert found.requirement_usd == Decimal("1500.00")
    assert found.reliefs[0].class_groups == ("NDX", "SPX")


def test_an_unknown_product_group_is_named() -> None:
    with pytest.raises(MarginError, match="BROAD_INDEX, SECTOR_INDEX expected, was METALS"):
        combine([linear("GLD", 1)], {"GLD": "METALS"}, REFERENCE)


@pytest.mark.parametrize("arrangement", Arrangement)
def test_the_minimum_equity_itself_is_enough(arrangement: Arrangement) -> None:
    least = minimum_equity(arrangement, REFERENCE)
    cent = Decimal("0.01")
    found = [is_eligible(least + step, arrangement, REFERENCE) for step in (-cent, ZERO, cent)]
    assert found == [False, True, True]


@pytest.mark.parametrize(
    ("aggregate", "days", "accepts"),
    [(1000, 4, True), (1001, 3, True), (1001, 4, False), (999, 9, True)],
)
def test_new_accounts_end_on_the_fourth_day_above_ten_times_net_capital(
    aggregate: int, days: int, accepts: bool
) -> None:
    found = accepts_new_accounts(Decimal(aggregate), Decimal(100), days, REFERENCE)
    assert found is accepts
