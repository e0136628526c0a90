"""Every worked case of an option strategy, and the forms that the cases have no example of."""

from decimal import Decimal

import pytest
from support import case_options
from support.case_values import CASES, Object, check, items, load, obj, text

D = Decimal


def test_every_strategy_of_the_worked_cases_gives_the_expected_figures() -> None:
    content = load(CASES / "options_strategy.json")
    found = 0
    for item in items(content["cases"]):
        case = obj(item)
        if text(case["methodology"]) != "regt_option_strategy":
            continue
        check(case_options.run(obj(case["inputs"])), obj(case["expected"]), obj(case["tolerance"]))
        found += 1
    assert found


OPTION: Object = {"K": D(105), "price": D(2)}
OTHER: Object = {"K": D(95), "price": D(3)}
LEG_FIRST: Object = {"underlying": D(100), "long": OTHER, "short": OPTION}


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"strategy": "put"} | LEG_FIRST, {"requirement_gross": D(2500)}),
        ({"strategy": "put", "index": True} | LEG_FIRST, {"requirement_gross": D(2000)}),
        (
            {
                "strategy": "short_put",
                "underlying": D(100),
                "K": D(95),
                "contracts": D(2),
                "price": D(3),
            },
            {"net_initial_requirement": D(3000)},
        ),
        (
            {
                "strategy": "short_put_index",
                "underlying": D(100),
                "K": D(95),
                "contracts": D(2),
                "price": D(3),
            },
            {"net_initial_requirement": D(2000)},
        ),
        (
            {"strategy": "protective_call", "underlying": D(100), "shares": D(100)}
            | {"call_strike": D(105), "put_strike": None},
            {"maintenance_requirement": D(1550)},
        ),
        (
            {"strategy": "protective_call", "underlying": D(100), "shares": D(100)}
            | {"call_strike": D(150), "put_strike": None},
            {"maintenance_requirement": D(3000)},
        ),
        (
            {"strategy": "conversion", "underlying": D(100), "shares": D(200)}
            | {"call_strike": D(95), "put_strike": D(95)},
            {"maintenance_requirement": D(2900)},
        ),
        (
            {"strategy": "long_vertical_put", "contracts": D(1), "long": OPTION, "short": OTHER},
            {"net_initial_requirement": D(-100)},
        ),
        (
            {
                "strategy": "short_strangle",
                "underlying": D(100),
                "contracts": D(1),
                "call": OPTION,
                "put": OTHER,
            },
            {"net_initial_requirement": D(1500)},
        ),
        (
            {
                "strategy": "short_box",
                "strikes": [D(300), D(320)],
                "contracts": D(1),
                "cost_to_close": D(25),
            },
            {"requirement_min": D(2550)},
        ),
        (
            {
                "strategy": "covered_put",
                "underlying": D(100),
                "shares": D(100),
                "put": OPTION,
            },
            {"net_initial_requirement": D(5300)},
        ),
    ],
)
def test_form_without_an_example_follows_its_rule(inputs: Object, expected: Object) -> None:
    check(case_options.run(inputs), expected, {})
