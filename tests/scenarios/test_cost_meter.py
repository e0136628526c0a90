"""The meter counts what a real run left behind, and another way of counting agrees."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from support.command import run

from local.scenario import find, load


def shown(kept_demo: Any, *arguments: str) -> dict[str, Any]:
    done = run(kept_demo.folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_meter_agrees_with_the_verdict_and_the_histories(kept_demo: Any) -> None:
    measured = shown(kept_demo, "cost", "meter")["measured"]
    assert measured["audit_objects"] == kept_demo.found["audit"]["records"] > 0
    cases = shown(kept_demo, "workflow", "list")["executions"]
    steps = [
        step
        for case in cases
        for step in shown(kept_demo, "workflow", "show", case["execution"])["steps"]
    ]
    assert measured["transitions"] == len(steps) > 0
    # A step of the scenario is a batch at least, and each rung is an invocation.
    assert measured["batches"] >= len(load(find("nvda-selloff")).steps)
    assert measured["invocations"] >= measured["audit_objects"]
    assert measured["bytes_in"] > measured["bytes_out"] > 0


def test_what_was_measured_is_priced_line_by_line(kept_demo: Any) -> None:
    bill = shown(kept_demo, "cost", "meter")["bill"]
    total = sum(Decimal(line["usd"]) for line in bill["lines"])
    assert total == Decimal(bill["usd_by_use"]) + Decimal(bill["usd_by_time"])
    # Minutes of a demo: cents. A cluster that was counted twice would show.
    assert Decimal(0) < total < Decimal(1)
