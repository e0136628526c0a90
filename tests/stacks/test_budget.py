"""The budget is one student's, and somebody is told before it is spent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from stacks.application import add_stacks, new_app
from stacks.budget import Budget
from stacks.settings import Settings


def budget(limit_usd: int = 25, email: str = "desk@example.org") -> dict[str, Any]:
    stack = cdk.Stack(cdk.App(), "Any")
    Budget(stack, "Budget", Settings(student="ana"), limit_usd=limit_usd, email=email)
    (found,) = Template.from_stack(stack).find_resources("AWS::Budgets::Budget").values()
    properties: dict[str, Any] = found["Properties"]
    return properties


def test_it_counts_what_carries_the_students_tag() -> None:
    found = budget()["Budget"]
    assert found["CostFilters"] == {"TagKeyValue": ["user:Student$ana"]}
    assert found["BudgetLimit"] == {"Amount": 25, "Unit": "USD"}
    assert (found["BudgetType"], found["TimeUnit"]) == ("COST", "MONTHLY")


def test_it_tells_at_four_fifths_and_on_a_forecast() -> None:
    told = budget()["NotificationsWithSubscribers"]
    assert [
        (one["Notification"]["NotificationType"], one["Notification"]["Threshold"]) for one in told
    ] == [("ACTUAL", 80), ("FORECASTED", 100)]
    for one in told:
        assert one["Subscribers"] == [{"Address": "desk@example.org", "SubscriptionType": "EMAIL"}]


@pytest.mark.parametrize(("limit_usd", "email"), [(0, "desk@example.org"), (25, "desk")])
def test_a_limit_of_nothing_or_no_address_is_refused(limit_usd: int, email: str) -> None:
    with pytest.raises(ValueError, match="a limit above 0 USD and an e-mail address expected"):
        budget(limit_usd, email)


@pytest.mark.parametrize("email", ["", "desk@example.org"])
def test_an_address_brings_the_budget_into_the_stack_that_stays(email: str, tmp_path: Path) -> None:
    app = new_app(tmp_path, check_templates=False)
    add_stacks(app, Settings(student="ana", email=email, budget_usd=40))
    app.synth()
    template = json.loads((tmp_path / "marginwatch-ana-teardown.template.json").read_text())
    found = [r for r in template["Resources"].values() if r["Type"] == "AWS::Budgets::Budget"]
    assert len(found) == bool(email)
