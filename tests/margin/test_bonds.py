"""Debt by maturity and grade: each tier at, just below and just above its bound."""

from decimal import Decimal

import pytest

from margin.bonds import (
    convertible_offset_requirement,
    listed_debt_requirement,
    non_marginable_requirement,
    short_bond_requirement,
    treasury_rate,
    treasury_requirement,
)
from margin.errors import MarginError
from margin.rulebook import REFERENCE

D = Decimal


@pytest.mark.parametrize(
    ("bound", "below", "at"),
    [(1, 1, 2), (3, 2, 3), (5, 3, 4), (10, 4, 5), (20, 5, 6)],
)
def test_treasury_tier_begins_at_its_number_of_years(bound: int, below: int, at: int) -> None:
    years = [D(bound) - D("0.01"), D(bound), D(bound) + D("0.01")]
    percents = [treasury_rate(y, REFERENCE) * 100 for y in years]
    assert percents == [below, at, at]


def test_other_debt_takes_the_greater_of_value_and_principal() -> None:
    # 20 % of value meets 7 % of 10,000 principal at 3,500; 30 % meets 5 % at 1,666.67.
    values = (D(3499), D(3500), D(3501))
    listed = [listed_debt_requirement(v, D(10000), REFERENCE) for v in values]
    assert listed == [D(700), D(700), D("700.20")]
    short = [short_bond_requirement(v, D(10000), REFERENCE) for v in (D(1666), D(1667))]
    assert short == [D(500), D("500.10")]


def test_no_credit_on_stock_that_is_not_marginable() -> None:
    assert non_marginable_requirement(D("99.99"), REFERENCE) == D("99.99")
    assert convertible_offset_requirement(D(1000), REFERENCE) == 100


def test_negative_figures_are_refused() -> None:
    with pytest.raises(MarginError, match="years to maturity >= 0 expected, was -1"):
        treasury_rate(D(-1), REFERENCE)
    with pytest.raises(MarginError, match="value >= 0 expected, was -5"):
        treasury_requirement(D(-5), D(1), REFERENCE)
