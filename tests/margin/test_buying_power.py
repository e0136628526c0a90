"""Only a transaction makes a Regulation T call, for what it adds; three ways meet it."""

from datetime import date
from decimal import Decimal

import pytest

from margin.buying_power import amount_to_liquidate, buying_power, reg_t_call, ways_to_meet
from margin.errors import MarginError
from margin.rulebook import REFERENCE

D = Decimal
DAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("before", "after", "amount"),
    [("0", "0", None), ("0", "0.01", None), ("0", "-0.01", "0.01"), ("-4000", "-4000", None),
     ("-4000", "-1000", None), ("-4000", "-9000", "5000"), ("3000", "-2000", "2000")],
)  # fmt: skip
def test_call_is_for_what_a_transaction_adds(before: str, after: str, amount: str | None) -> None:
    call = reg_t_call(D(before), D(after), DAY)
    assert (None if call is None else str(call.amount_usd)) == amount


def test_fall_in_price_alone_makes_no_call() -> None:
    # 1,000 shares bought at 50 with half, now at 40: a sale is a transaction that adds nothing.
    equity, value = D(15000), D(40000)
    restricted = equity - value / 2
    after_sale = equity - D(20000) / 2
    assert restricted < 0
    assert reg_t_call(restricted, after_sale, DAY) is None


@pytest.mark.parametrize(
    ("call", "freed"), [("999.99", "0"), ("1000", "0"), ("1000.01", "1000.01")]
)
def test_small_call_needs_no_liquidation(call: str, freed: str) -> None:
    assert amount_to_liquidate(D(call), D(4000), REFERENCE) == D(freed)


def test_liquidation_frees_the_lesser_of_call_and_deficiency() -> None:
    assert amount_to_liquidate(D(5000), D(4000), REFERENCE) == 4000
    assert amount_to_liquidate(D(5000), D(-1), REFERENCE) == 0


def test_sale_frees_half_of_its_proceeds() -> None:
    ways = ways_to_meet(D(5000), D(300), REFERENCE)
    assert ways.shares_to_sell * 300 / 2 >= 5000 > (ways.shares_to_sell - 1) * 300 / 2
    assert ways.securities_usd == 2 * ways.cash_usd
    with pytest.raises(MarginError, match="price > 0 expected, was 0"):
        ways_to_meet(D(5000), D(0), REFERENCE)


def test_buying_power_is_twice_the_sma() -> None:
    assert buying_power(D("0.01"), REFERENCE) == D("0.02")
    assert buying_power(D("-0.01"), REFERENCE) == 0
