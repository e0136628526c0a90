"""Taking a student's stacks down: by the teardown of the stacks themselves, then looked after."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import WaiterError

from local.aws.account import Account
from local.errors import FindingError, TimedOutError

RUNNING = "RUNNING"
POLL_S = 10.0
LONGEST_S = 3 * 3600.0


def start(account: Account, student: str, now: Callable[[], float] = time.time) -> str:
    """Start the teardown; one that runs already is followed. FindingError where it is not there.

    The ARN of its execution.
    """
    arn = machine_arn(account, student)
    client = account.client("stepfunctions")
    running = client.list_executions(stateMachineArn=arn, statusFilter=RUNNING)["executions"]
    if running:
        return str(running[0]["executionArn"])
    name = f"by-hand-{int(now())}"
    return str(client.start_execution(stateMachineArn=arn, name=name)["executionArn"])


def machine_arn(account: Account, student: str) -> str:
    """The teardown's state machine, by its name."""
    name, client = f"marginwatch-{student}-teardown", account.client("stepfunctions")
    pages = client.get_paginator("list_state_machines").paginate()
    for page in pages:
        for machine in page["stateMachines"]:
            if machine["name"] == name:
                return str(machine["stateMachineArn"])
    raise FindingError(
        f"expected the state machine {name}, found none: nothing is deployed for {student}, or its "
        "teardown stack is gone; look with `marginwatch aws verify-clean`"
    )


def follow(
    account: Account,
    execution: str,
    say: Callable[[str], None],
    *,
    poll_s: float = POLL_S,
    longest_s: float = LONGEST_S,
) -> None:
    """Say each state that it enters, until it ends. FindingError where it did not end well."""
    client, told = account.client("stepfunctions"), 0
    deadline = time.monotonic() + longest_s
    while True:
        told = _tell(client, execution, told, say)
        found = client.describe_execution(executionArn=execution)
        if found["status"] != RUNNING:
            break
        if time.monotonic() > deadline:
            raise TimedOutError(f"the teardown has run for {longest_s:g} s; see {execution}")
        time.sleep(poll_s)
    _tell(client, execution, told, say)
    if found["status"] != "SUCCEEDED":
        why = f"{found.get('error', '')} {found.get('cause', '')}".strip()
        raise FindingError(
            f"the teardown ended {found['status']}: {why or 'no reason given'}; "
            "what is left costs money: `marginwatch aws verify-clean`"
        )


def _tell(client: Any, execution: str, told: int, say: Callable[[str], None]) -> int:
    """Names of states entered after event `told`; the last event's id."""
    pages = client.get_paginator("get_execution_history").paginate(executionArn=execution)
    for page in pages:
        for event in page["events"]:
            if event["id"] > told and "stateEnteredEventDetails" in event:
                say(event["stateEnteredEventDetails"]["name"])
            told = max(told, event["id"])
    return told


def end(account: Account, student: str, *, poll_s: float = POLL_S) -> None:
    """Delete the teardown's own stack, which nothing needs once it has ended well.

    FindingError where CloudFormation cannot, with its own reason on the stack's page.
    """
    name, client = f"marginwatch-{student}-teardown", account.client("cloudformation")
    client.delete_stack(StackName=name)
    waiter = client.get_waiter("stack_delete_complete")
    try:
        waiter.wait(StackName=name, WaiterConfig={"Delay": poll_s, "MaxAttempts": 60})
    except WaiterError as error:
        raise FindingError(f"expected the stack {name} to go, found it there: {error}") from error
