"""A cash account is frozen for selling what was not paid for."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from margin.cash_account import CashPurchase, Violation, frozen_until, is_frozen, violation
from margin.rulebook import REFERENCE

BOUGHT = date(2026, 3, 2)
RIDE = CashPurchase(bought_on=BOUGHT, cost_usd=Decimal(100), sold_on=date(2026, 3, 3))


@pytest.mark.parametrize(
    ("paid", "found"),
    [
        (None, Violation.FREE_RIDING),
        ("2026-03-02", None),
        ("2026-03-03", None),
        ("2026-03-05", None),
        ("2026-03-06", Violation.FREE_RIDING),
    ],
)
def test_sold_before_paid_is_excused_within_the_payment_period(
    paid: str | None, found: Violation | None
) -> None:
    paid_on = None if paid is None else date.fromisoformat(paid)
    assert violation(replace(RIDE, paid_on=paid_on)) is found


def test_unsettled_proceeds_are_a_good_faith_violation_without_a_freeze() -> None:
    sold = replace(RIDE, paid_on=BOUGHT, with_unsettled_proceeds=True)
    assert violation(sold) is Violation.GOOD_FAITH
    assert frozen_until(sold, REFERENCE) is None
    assert violation(replace(sold, sold_on=None)) is None


@pytest.mark.parametrize(
    ("day", "frozen"),
    [("2026-03-02", False), ("2026-03-03", True), ("2026-06-01", True), ("2026-06-02", False)],
)
def test_freeze_lasts_ninety_days_from_the_sale(day: str, frozen: bool) -> None:
    assert is_frozen([RIDE], date.fromisoformat(day), REFERENCE) is frozen
