"""Every kind of call has its clock, in business days of the exchange."""

from dataclasses import replace
from datetime import date

import pytest

from margin.deadlines import Call, business_days, due_date, payment_due
from margin.rulebook import REFERENCE, Entry

MONDAY = date(2026, 3, 2)


def test_every_kind_of_call_has_its_number_of_days() -> None:
    found = {call.value: business_days(call, REFERENCE) for call in Call}
    assert found == {
        "reg_t_call": 3,
        "maintenance_call": 3,
        "finra_maintenance_outer_limit": 15,
        "cash_call": 3,
        "day_trade_call": 5,
        "pm_house_call": 2,
        "pm_minimum_equity_150k": 1,
        "portfolio_margin_deficiency": 3,
        "leverage_exposure": 2,
    }


def test_due_date_is_that_many_business_days_after_the_call() -> None:
    assert due_date(Call.PM_MINIMUM_EQUITY_150K, date(2026, 11, 25), REFERENCE).day == 27
    assert due_date(Call.FINRA_MAINTENANCE_OUTER_LIMIT, MONDAY, REFERENCE) == date(2026, 3, 23)


def test_a_firm_sets_its_own_clock() -> None:
    stricter = replace(REFERENCE, due_maintenance_call=Entry(2, "business days", "house"))
    assert due_date(Call.MAINTENANCE_CALL, MONDAY, stricter) == date(2026, 3, 4)


@pytest.mark.parametrize(
    ("traded_on", "due"),
    [("2024-05-24", "2024-05-31"), ("2024-05-28", "2024-05-31"), ("2026-03-02", "2026-03-05")],
)
def test_payment_period_follows_the_settlement_cycle(traded_on: str, due: str) -> None:
    # Memorial Day, 27 May 2024, lies in the first period.
    assert payment_due(date.fromisoformat(traded_on)).isoformat() == due
