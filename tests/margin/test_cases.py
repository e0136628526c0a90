"""Every worked case of a folder (GOLDEN_CASES, default tests/cases) against the kernel."""

from collections.abc import Iterator

import pytest
from support import (
    case_calls,
    case_house,
    case_ladder,
    case_liquidation,
    case_options,
    case_portfolio_margin,
    case_pricing,
    case_reference,
    case_regt,
)
from support.case_demo import demo_expected, demo_found, demo_rows
from support.case_values import (
    CENT,
    Object,
    Rules,
    Runner,
    case_files,
    check,
    items,
    load,
    obj,
    text,
)

RULES: Rules = case_regt.RULES | case_ladder.RULES | case_liquidation.RULES | case_reference.RULES
RUNNERS: dict[str, Runner] = {
    **case_calls.RUNNERS,
    **case_house.RUNNERS,
    "regt_option_strategy": case_options.run,
    "portfolio_margin_tims": case_portfolio_margin.run,
    "pricing_european": case_pricing.run_european,
    "pricing_american": case_pricing.run_american,
}


def cases() -> Iterator[tuple[str, Object]]:
    for path in case_files():
        for case in map(obj, items(load(path).get("cases", []))):
            yield text(case["id"]), case


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in cases()])
def test_worked_case_gives_the_expected_figures(case: Object) -> None:
    inputs, methodology = obj(case["inputs"]), text(case["methodology"])
    runner = RUNNERS.get(methodology) or RULES.get((methodology, frozenset(inputs)))
    assert runner is not None, f"no rule for {methodology} of {sorted(inputs)}"
    check(runner(inputs), obj(case["expected"]), obj(case["tolerance"]))


@pytest.mark.parametrize(
    ("content", "account", "row"),
    [pytest.param(content, account, row, id=name) for name, content, account, row in demo_rows()],
)
def test_demo_row_is_what_the_rules_find(content: Object, account: Object, row: Object) -> None:
    expected = demo_expected(row)
    assert expected, f"figures expected in {sorted(row)}"
    tolerance = obj(account.get("tolerance", {"abs": CENT}))
    check(demo_found(content, account, row), expected, tolerance)
