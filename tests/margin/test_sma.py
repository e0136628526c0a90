"""SMA is a high-water line: only transactions lower it, and it never replaces maintenance."""

from dataclasses import replace
from datetime import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin.errors import MarginError
from margin.rulebook import REFERENCE, Entry
from margin.sma import (
    SmaDay,
    is_usable,
    is_violation_at,
    max_withdrawal,
    sma_after,
    sma_history,
    standing_credit,
)

D = Decimal


def test_published_days_of_one_account() -> None:
    days = [
        SmaDay(cash_change_usd=D(10000), equity_usd=D(10000), reg_t_usd=D(0)),
        SmaDay(trades_reg_t_usd=D(10000), equity_usd=D(10000), reg_t_usd=D(10000)),
        SmaDay(equity_usd=D(12500), reg_t_usd=D(11250)),
        SmaDay(trades_reg_t_usd=D(-11250), equity_usd=D(12500), reg_t_usd=D(0)),
        SmaDay(trades_reg_t_usd=D(15000), equity_usd=D(12500), reg_t_usd=D(15000)),
    ]
    assert sma_history(D(0), days) == (D(10000), D(0), D(1250), D(12500), D(-2500))


@given(st.lists(st.integers(0, 200_000), min_size=1), st.integers(0, 50_000))
def test_prices_alone_never_lower_it(values: list[int], debit: int) -> None:
    days = [SmaDay(equity_usd=D(v - debit), reg_t_usd=D(v) / 2) for v in values]
    line = (D(0), *sma_history(D(0), days))
    assert list(line) == sorted(line)
    assert line[-1] == max(D(0), max(D(v) / 2 - debit for v in values))


def test_withdrawal_takes_it_down_by_its_amount() -> None:
    after = sma_after(
        D(17000), SmaDay(cash_change_usd=D(-17000), equity_usd=D(117000), reg_t_usd=D(117000))
    )
    assert after == 0


@pytest.mark.parametrize(
    ("at", "violation"),
    [("15:49:59", False), ("15:50:00", True), ("17:20:59", True), ("17:21:00", False)],
)
def test_broker_looks_in_a_window_with_both_ends(at: str, violation: bool) -> None:
    assert is_violation_at(time.fromisoformat(at), D("-0.01"), REFERENCE) is violation
    assert not is_violation_at(time.fromisoformat(at), D(0), REFERENCE)


def test_window_is_configuration() -> None:
    older = replace(REFERENCE, sma_check_to=Entry("16:15", "time ET", "older text"))
    assert not is_violation_at(time(16, 16), D(-1), older)
    broken = replace(REFERENCE, sma_check_to=Entry("noon", "time ET", "none"))
    with pytest.raises(MarginError, match="HH:MM expected, was 'noon'"):
        is_violation_at(time(16, 0), D(-1), broken)


def test_withdrawal_is_limited_by_the_smaller_of_both() -> None:
    assert max_withdrawal(D(17000), D(16999)) == 16999
    assert max_withdrawal(D(17000), D(17001)) == 17000
    assert max_withdrawal(D(-1), D(5)) == 0


@pytest.mark.parametrize("equity", [D("49999.99"), D(50000), D("50000.01")])
def test_credit_begins_above_the_margin(equity: Decimal) -> None:
    credit = standing_credit(equity, D(50000))
    assert credit == (D("0.01") if equity > 50000 else 0)
    assert is_usable(equity - 50000) is (equity >= 50000)
