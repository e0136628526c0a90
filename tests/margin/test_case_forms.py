"""Forms of worked cases that have no example in the folder of cases."""

from decimal import Decimal
from itertools import permutations

import pytest
from support import case_calls, case_house, case_ladder
from support.case_values import Object, Runner, Value, check

CONFIG: Object = {
    "warning_pct": Decimal("0.05"),
    "clear_warning_pct": Decimal("0.05"),
    "call_excess_below": Decimal(100),
    "clear_call_excess_at_least": Decimal(300),
    "stress_mode": "ladder",
    "restrict_after_s": Decimal(1800),
    "liquidate_after_s": Decimal(1800),
    "stress_confirm_s": Decimal(300),
    "min_gap_restrict_to_liquidate_s": Decimal(60),
}


def values(**named: Value | int) -> Object:
    return {
        name: Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
        for name, value in named.items()
    }


@pytest.mark.parametrize(
    ("runner", "inputs", "expected"),
    [
        (case_house.rbr, values(side="short", position_pct_of_gross=60), values(addon_pct=30)),
        (case_house.rbr, values(industry_pct=80), values(addon_pct=10)),
        (case_house.rbr, values(industry_pct=80, largest_position_pct=41), values(addon_pct=0)),
        (case_house.rbr, values(position_pct=20, ownership_pct=2, days_to_liquidate=3, base=40),
         values(requirement_pct=75)),
        (case_house.house_pm, {"house_margin_rate": Decimal("0.3"), "asset": "broad_index"},
         {"price_scan": Decimal("0.3"), "iv_scan": Decimal("0.75")}),
        (case_calls.enforcement, values(kind="maintenance_call"), values(due_business_days=3)),
        (case_calls.enforcement, values(kind="pm_minimum_equity_150k"),
         values(due_business_days=1)),
        (case_calls.enforcement, values(strikes_12m=3),
         values(consequence="strike + higher requirement 90 days")),
        (case_calls.enforcement, values(time_et="17:20", sma=-1), values(violation=True)),
        (case_calls.enforcement, values(time_et="17:21", sma=-1), values(violation=False)),
        (case_calls.enforcement, values(time_et="16:00", sma=0), values(violation=False)),
        (case_calls.deadline, values(kind="day_trade_call", date="2026-05-21"),
         values(due="2026-05-29")),
        (case_calls.deadline, values(kind="cash_call", date="2026-12-23", business_days=3),
         values(due="2026-12-29")),
        (case_calls.intraday, values(date="2027-10-20", firm_phased_in=False),
         values(regime="legacy_pdt_permitted_until_2027-10-20")),
        (case_calls.intraday, values(date="2026-06-04", firm_phased_in=True),
         values(regime="intraday_margin")),
        (case_calls.records, values(record="customer communication"), values(retain_years=3)),
    ],
)  # fmt: skip
def test_form_without_an_example(runner: Runner, inputs: Object, expected: Object) -> None:
    for order in list(permutations(inputs))[:6]:
        check(runner({name: inputs[name] for name in order}), expected, {})


def run(*excesses: int, config: Object = CONFIG) -> Object:
    events: list[Value] = [
        values(t_s=n, excess=excess, gross_mv=10000, worst_severe_excess=1)
        for n, excess in enumerate(excesses)
    ]
    return case_ladder.ladder({"config": config, "events": events})


def test_ladder_with_other_marks_of_a_call() -> None:
    found = run(500, 499, 100, 99, 50, 100, 299, 300, 499, 500)
    warned, called = "WARNING", "MARGIN_CALL"
    assert found["states"] == [
        *("ACTIVE", warned, warned, called, called, called, called, warned, warned, "ACTIVE")
    ]
    assert found["actions"] == [
        "WARNING_ISSUED",
        "MARGIN_CALL_ISSUED",
        "MARGIN_CALL_AMENDED",
        "MARGIN_CALL_SATISFIED",
    ]


def test_marks_of_zero_are_the_rule_itself() -> None:
    zero = CONFIG | values(call_excess_below=0, clear_call_excess_at_least=0)
    assert run(0, -1, 0, config=zero)["states"] == ["WARNING", "MARGIN_CALL", "WARNING"]
