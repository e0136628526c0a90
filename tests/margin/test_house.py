"""The add-ons at their cuts."""

from decimal import Decimal

import pytest

from margin.house import concentration_addon, volatility_addon
from margin.market import Kind
from margin.rulebook import REFERENCE


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        # 10 % of 30,000.01 = 3,000.001 -> 3,000.00
        pytest.param("30000.01", Kind.STOCK, "3000.00", id="weight > 30 %"),
        pytest.param("30000", Kind.STOCK, "0", id="weight = 30 %"),
        pytest.param("29999.99", Kind.STOCK, "0", id="weight < 30 %"),
        pytest.param("80000", Kind.ETF, "8000", id="a narrow ETF counts"),
        pytest.param("80000", Kind.BROAD_ETF, "0", id="a broad ETF is exempt"),
    ],
)
def test_concentration_counts_above_its_weight(value: str, kind: Kind, expected: str) -> None:
    found = concentration_addon(Decimal(value), Decimal(100_000), kind, REFERENCE)
    assert found == Decimal(expected)


@pytest.mark.parametrize(
    ("vol", "expected"),
    [
        pytest.param("0.40", "0", id="volatility = 40 %"),
        pytest.param("0.4001", "5000", id="volatility > 40 %"),
        pytest.param("0.60", "5000", id="volatility = 60 %"),
        pytest.param("0.6001", "10000", id="volatility > 60 %"),
    ],
)
def test_volatility_counts_above_its_steps(vol: str, expected: str) -> None:
    assert volatility_addon(Decimal(100_000), Decimal(vol), REFERENCE) == Decimal(expected)
