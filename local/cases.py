"""Cases of the ladder: the locks of those that are open, and what their executions did."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from functions import names
from local import items
from local.emulator import aws_client
from local.state import Running


def open_cases(running: Running) -> list[dict[str, str]]:
    """The lock of every open case: account_id, case_id, attempt, changes, opened_at."""
    dynamodb = aws_client(running.aws, "dynamodb")
    table = running.outputs["TableName"]
    locks = [
        item
        for shard in range(names.SHARDS)
        for item in items.query(dynamodb, table, names.locks_key(shard))
    ]
    return [lock | {"account_id": lock["sk"]} for lock in locks]


def executions(running: Running) -> list[dict[str, Any]]:
    """Every execution of the state machine, oldest first: name, status, start and stop."""
    states = aws_client(running.aws, "stepfunctions")
    pages = states.get_paginator("list_executions").paginate(
        stateMachineArn=running.outputs["StateMachineArn"]
    )
    found = [
        {
            "execution": e["name"],
            "arn": e["executionArn"],
            "status": e["status"],
            "started_at": _text(e["startDate"]),
            "stopped_at": _text(e.get("stopDate")),
        }
        for page in pages
        for e in page["executions"]
    ]
    return sorted(found, key=lambda e: (e["started_at"], e["execution"]))


def steps(running: Running, arn: str) -> list[dict[str, Any]]:
    """The states an execution went through: name, entered, left, milliseconds, input's outcome."""
    states = aws_client(running.aws, "stepfunctions")
    pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
    events = [e for page in pages for e in page["events"]]
    found: list[dict[str, Any]] = []
    for event in events:
        if "stateEnteredEventDetails" in event:
            found.append(
                {
                    "state": event["stateEnteredEventDetails"]["name"],
                    "entered_at": event["timestamp"],
                    "left_at": None,
                    "error": None,
                    "output": None,
                }
            )
        elif "stateExitedEventDetails" in event and found:
            details = event["stateExitedEventDetails"]
            for step in reversed(found):
                if step["state"] == details["name"] and step["left_at"] is None:
                    step["left_at"], step["output"] = event["timestamp"], details.get("output")
                    break
        elif found and event["type"] in ("TaskFailed", "TaskTimedOut", "LambdaFunctionFailed"):
            found[-1]["error"] = _error(event)
    return [_step(step) for step in found]


def _error(event: dict[str, Any]) -> str | None:
    for name, details in event.items():
        if name.endswith("EventDetails"):
            return str(details.get("error"))
    return None


def _step(step: dict[str, Any]) -> dict[str, Any]:
    entered, left = step["entered_at"], step["left_at"]
    lasted = None if left is None else round((left - entered).total_seconds() * 1000)
    times = {"entered_at": _text(entered), "left_at": _text(left), "lasted_ms": lasted}
    return step | times | {"why": _why(step)}


def _why(step: dict[str, Any]) -> str:
    """What the state found or did, in its own words; its error where it failed."""
    if step["error"] is not None:
        return str(step["error"])
    output = json.loads(step["output"] or "{}")
    if not isinstance(output, dict):
        return ""
    return str(output.get("why") or output.get("acted") or "")


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")
