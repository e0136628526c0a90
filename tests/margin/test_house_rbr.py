"""Tiers of the rules-based requirement: an upper bound belongs to its tier."""

from decimal import Decimal

import pytest

from margin.errors import MarginError
from margin.house_rbr import RbrPosition, rbr_addon, rbr_rate, rbr_requirement
from margin.rulebook import REFERENCE

D = Decimal


@pytest.mark.parametrize(
    ("short", "points"),
    [(False, (0, 5, 10, 15, 20, 30)), (True, (0, 10, 15, 20, 30, 35))],
)
def test_concentration_tiers_by_side(short: bool, points: tuple[int, ...]) -> None:
    bounds = [D(bound) / 100 for bound in (10, 20, 40, 50, 75, 100)]

    def addon(share: Decimal) -> Decimal:
        return rbr_addon(RbrPosition(short=short, share_of_gross=share), REFERENCE) * 100

    assert [addon(bound) for bound in bounds] == list(points)
    assert [addon(bound + D("0.0001")) for bound in bounds[:-1]] == list(points[1:])


def test_liquidity_and_ownership_tiers() -> None:
    liquid = [RbrPosition(days_of_volume=D(days)) for days in ("1", "2", "3", "5", "5.01")]
    owned = [RbrPosition(ownership=D(part)) for part in ("0.01", "0.03", "0.05", "0.06")]
    assert [rbr_addon(p, REFERENCE) * 100 for p in liquid] == [0, 10, 20, 30, 50]
    assert [rbr_addon(p, REFERENCE) * 100 for p in owned] == [0, 10, 25, 100]


@pytest.mark.parametrize(("largest", "addon"), [("0.40", "0.10"), ("0.4001", "0")])
def test_industry_counts_only_without_a_large_position(largest: str, addon: str) -> None:
    position = RbrPosition(industry_share=D("0.9"), largest_share=D(largest))
    assert rbr_addon(position, REFERENCE) == D(addon)


def test_all_add_ons_are_added_to_the_base() -> None:
    position = RbrPosition(
        share_of_gross=D("0.2"),
        days_of_volume=D(4),
        ownership=D("0.02"),
        industry_share=D("0.7"),
    )
    assert rbr_rate(position, REFERENCE) == D("0.80")
    assert rbr_requirement(D("1000.01"), position, REFERENCE) == D("800.01")


def test_share_beyond_the_whole_is_refused() -> None:
    with pytest.raises(MarginError, match=r"from 0 to 1 expected, was 1\.01"):
        rbr_addon(RbrPosition(share_of_gross=D("1.01")), REFERENCE)
