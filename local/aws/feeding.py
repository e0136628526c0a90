"""A scenario played into a student's channels, through the feeder inside the network."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence

from functions.adapters.accounts_table import AccountsTable
from functions.feeder import MOST_MESSAGES
from local.aws.account import Account
from local.player import Message, opening_messages, step_messages
from local.scenario import Scenario

# A request to Lambda may have 6 MB; a step is far below, and a call must end within seconds.
A_CALL = MOST_MESSAGES // 2


def send(account: Account, student: str, messages: Sequence[Message]) -> int:
    """Feed messages in order; how many were sent. FindingError where the feeder failed."""
    function, sent = f"marginwatch-{student}-feeder", 0
    for part in _parts(messages):
        body = [
            {"channel": m.topic, "key": m.key, "value": m.value.decode(errors="replace")}
            for m in part
        ]
        answer = account.invoke(function, json.dumps({"messages": body}).encode())
        sent += int(answer["fed"])
    return sent


def seed(account: Account, student: str, scenario: Scenario, now_ms: int) -> int:
    """Reference data of a scenario: instruments, betas and accounts; how many events."""
    return send(account, student, opening_messages(scenario, now_ms))


def play(
    account: Account,
    student: str,
    scenario: Scenario,
    say: Callable[[str], None],
    *,
    pause_s: float,
) -> int:
    """Seed, then each step with a pause behind it; how many events were sent."""
    sent = seed(account, student, scenario, _now_ms())
    say(f"reference data: {sent} events")
    for number, step in enumerate(scenario.steps, start=1):
        messages = step_messages(step, number, _now_ms())
        sent += send(account, student, messages)
        say(f"{step.at} {len(messages)} events")
        time.sleep(pause_s)
    return sent


def standing(account: Account, student: str, scenario: Scenario) -> list[dict[str, str]]:
    """Where each account of a scenario stands by the table: band, newest excess, last action."""
    table = AccountsTable(account.parameter(student, TABLE), account.client("dynamodb"))
    return [_row(table, one.account_id) for one in scenario.accounts]


TABLE = "accounts-table"


def _row(table: AccountsTable, account_id: str) -> dict[str, str]:
    state, ladder = table.state(account_id), table.ladder(account_id)
    excess = state.event.figures_usd.get("excess") if state else None
    return {
        "account": account_id,
        "band": str(state.event.band) if state else "not enforced",
        "excess": "-" if excess is None else f"{excess:.2f}",
        "last_action": str(ladder.last_action or "-"),
    }


def _parts(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    for first in range(0, len(messages), A_CALL):
        yield messages[first : first + A_CALL]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
