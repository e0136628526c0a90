"""Rounding and text of amounts."""

from decimal import Decimal

import pytest

from margin.money import decimal_text, half_up, usd_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("0.0051", "0.01", id="> half"),
        pytest.param("0.005", "0.01", id="= half"),
        pytest.param("0.0049", "0.00", id="< half"),
        pytest.param("-0.005", "-0.01", id="= half, negative"),
        pytest.param("-0.0049", "0.00", id="< half, negative"),
    ],
)
def test_halves_go_away_from_zero(value: str, expected: str) -> None:
    assert half_up(Decimal(value), 2) == Decimal(expected)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("356.8", "356.80"),
        ("21288.512", "21288.512"),
        ("1E+3", "1000.00"),
        ("-0.00004", "0.00"),
        ("-5720", "-5720.00"),
        ("0.00005", "0.0001"),
    ],
)
def test_usd_text_has_two_to_four_decimals(amount: str, expected: str) -> None:
    assert usd_text(Decimal(amount)) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [("500", "500"), ("0.50", "0.5"), ("-0.0", "0"), ("1E+2", "100"), ("-1.20", "-1.2")],
)
def test_decimal_text_is_the_shortest_exact_text(number: str, expected: str) -> None:
    assert decimal_text(Decimal(number)) == expected
