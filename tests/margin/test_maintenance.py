"""The maintenance requirement at every cut of its rates."""

from decimal import Decimal

import pytest

from margin.errors import MarginError
from margin.maintenance import maintenance_requirement
from margin.market import Instrument, Kind
from margin.portfolio import Position
from margin.rulebook import REFERENCE


@pytest.mark.parametrize(
    ("quantity", "price", "leverage", "expected"),
    [
        # 500 x 400 x 25 % = 50,000
        pytest.param("500", "400", "1", "50000.00", id="long"),
        # 100 x 5.01 x 30 % = 150.30 < 100 x 5.00
        pytest.param("-100", "5.01", "1", "500.00", id="short price > 5"),
        pytest.param("-100", "5.00", "1", "500.00", id="short price = 5"),
        # 100 x 4.99 x 100 % = 499.00
        pytest.param("-100", "4.99", "1", "499.00", id="short price < 5"),
        # 100 x 16.67 x 30 % = 500.10
        pytest.param("-100", "16.67", "1", "500.10", id="30 % > 5 USD a share"),
        # 100 x 16.66 x 30 % = 499.80
        pytest.param("-100", "16.66", "1", "500.00", id="30 % < 5 USD a share"),
        # 100 x 2.51 = 251
        pytest.param("-100", "2.51", "1", "251.00", id="100 % > 2.50 USD a share"),
        pytest.param("-100", "2.50", "1", "250.00", id="100 % = 2.50 USD a share"),
        pytest.param("-100", "2.49", "1", "250.00", id="100 % < 2.50 USD a share"),
        # 25 % x 3 = 75 %; 25 % x 4 = 100 %; 25 % x 5 is capped at 100 %; of 5,000
        pytest.param("100", "50", "3", "3750.00", id="long rate < 100 %"),
        pytest.param("100", "50", "4", "5000.00", id="long rate = 100 %"),
        pytest.param("100", "50", "5", "5000.00", id="long rate > 100 %"),
        # 30 % x 4 = 120 %, capped
        pytest.param("-100", "50", "4", "5000.00", id="short rate > 100 %"),
        # 1 x 0.10 x 25 % = 0.025 -> 0.03
        pytest.param("1", "0.10", "1", "0.03", id="half a cent goes up"),
    ],
)
def test_requirement_follows_rule_4210_c(
    quantity: str, price: str, leverage: str, expected: str
) -> None:
    instrument = Instrument(symbol="X", kind=Kind.STOCK, leverage=Decimal(leverage))
    position = Position("X", Decimal(quantity))
    found = maintenance_requirement(position, Decimal(price), instrument, REFERENCE)
    assert found == Decimal(expected)


def test_leverage_below_one_is_refused() -> None:
    with pytest.raises(MarginError, match=r"leverage of X must be >= 1, was 0\.5"):
        Instrument(symbol="X", kind=Kind.ETF, leverage=Decimal("0.5"))
