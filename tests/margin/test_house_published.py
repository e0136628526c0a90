"""Published house rules: scans by kind, and a range that widens near the point of no return."""

from decimal import Decimal

import pytest

from margin.errors import MarginError
from margin.house_published import (
    house_scan,
    max_shares_without_concentration,
    point_of_no_return,
    range_used,
    stress_loss,
)
from margin.market import Kind
from margin.rulebook import REFERENCE

D = Decimal


def test_volatility_scan_depends_on_the_kind() -> None:
    kinds = (Kind.STOCK, Kind.BROAD_INDEX, Kind.BROAD_ETF, Kind.INDEX, Kind.ETF)
    scans = [house_scan(D("0.3"), kind, REFERENCE) for kind in kinds]
    found = [str(scan.implied_vol) for scan in scans]
    assert found == ["0.15", "0.75", "0.75", "1.50", "1.50"]
    assert {scan.price for scan in scans} == {D("0.3")}


@pytest.mark.parametrize(("pnr", "used"), [("0.39", "0.4"), ("0.40", "0.15"), ("0.41", "0.15")])
def test_range_widens_only_inside_the_expected_one(pnr: str, used: str) -> None:
    assert range_used(D(pnr), D("0.4"), D("0.15")) == D(used)


def test_most_shares_are_those_whose_point_of_no_return_is_outside() -> None:
    most = max_shares_without_concentration(D(100000), D("0.3"), D(70))
    held, more = (point_of_no_return(D(100000), shares * 70) for shares in (most, most + 1))
    assert more < D("0.3") <= held
    assert max_shares_without_concentration(D(-1), D("0.3"), D(70)) == 0


def test_stress_loss_of_either_side() -> None:
    assert stress_loss(D(-100), REFERENCE) == stress_loss(D(100), REFERENCE) == 25


def test_senseless_figures_are_refused() -> None:
    with pytest.raises(MarginError, match="price and range > 0 expected, were 0"):
        max_shares_without_concentration(D(1), D("0.3"), D(0))
    with pytest.raises(MarginError, match="market value other than 0"):
        point_of_no_return(D(1), D(0))
    with pytest.raises(MarginError, match="TIMS range must be >= 0, was -1"):
        range_used(D(1), D(1), D(-1))
