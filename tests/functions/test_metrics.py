"""What the alarms look at is really sent, with no account in it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.enforcement_world import ACCOUNT, MINUTE_MS, World

from functions.metrics import GRACE_MS, gauge, is_past_deadline
from functions.publisher import publish
from functions.stored import NO_DEADLINE, Lock
from functions.sweeper import CaseSweeper

NOW = 1_795_615_200_000
LOCK = Lock(account_id="A", case_id="A-1", opened_at_ms=NOW)


def sent(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Every figure that was written since the last look."""
    lines = capsys.readouterr().out.splitlines()
    return [json.loads(line) for line in lines if '"_aws"' in line]


def values(found: list[dict[str, Any]]) -> dict[str, list[float]]:
    names = [one["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"] for one in found]
    return {name: one[name] for name, one in zip(names, found, strict=True)}


def sweep(world: World) -> None:
    CaseSweeper(world.table, world.executions, world.notifier, world.clock).sweep()  # type: ignore[arg-type]


def to_the_call(world: World) -> None:
    for price in ("400", "385.60", "356.80"):
        world.later(10)
        world.feed(price)


def test_service_is_the_function_and_the_only_dimension(
    capsys: pytest.CaptureFixture[str],
) -> None:
    gauge("CasesHalted", 2, {"AWS_LAMBDA_FUNCTION_NAME": "marginwatch-ana-sweeper"})
    (found,) = sent(capsys)
    (metric,) = found["_aws"]["CloudWatchMetrics"]
    assert (metric["Namespace"], metric["Dimensions"]) == ("marginwatch", [["service"]])
    assert found["service"] == "marginwatch-ana-sweeper"
    assert found["CasesHalted"] == [2]


@pytest.mark.parametrize(
    ("late_ms", "expected"),
    [
        pytest.param(GRACE_MS - 1, False, id="a minute less 1 ms"),
        pytest.param(GRACE_MS, False, id="a minute"),
        pytest.param(GRACE_MS + 1, True, id="a minute and 1 ms"),
    ],
)
def test_a_case_is_past_its_deadline_after_a_minute(late_ms: int, expected: bool) -> None:
    lock = replace(LOCK, waits_for=str(NOW - late_ms))
    assert is_past_deadline(lock, NOW) is expected
    assert is_past_deadline(replace(lock, halted=True), NOW) is False


@pytest.mark.parametrize("waits_for", [None, NO_DEADLINE])
def test_a_case_without_a_deadline_is_never_past_it(waits_for: str | None) -> None:
    assert is_past_deadline(replace(LOCK, waits_for=waits_for), NOW) is False


def test_a_sweep_tells_of_a_deadline_that_nobody_kept(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    to_the_call(world)
    sweep(world)
    assert values(sent(capsys)) == {"CasesHalted": [0], "CasesPastDeadline": [0]}
    world.now += 30 * MINUTE_MS  # the machine should have restricted by now
    sweep(world)
    found = sent(capsys)
    assert values(found) == {"CasesHalted": [0], "CasesPastDeadline": [1]}
    assert ACCOUNT not in json.dumps(found)


def test_a_sweep_tells_of_a_halted_case(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.feed("330")
    figures = world.event().figures_usd
    world.feed(figures_usd={**figures, "excess": figures["excess"] + 1})
    sweep(world)
    assert values(sent(capsys)) == {"CasesHalted": [1], "CasesPastDeadline": [0]}


def test_the_publishers_sweep_tells_how_many_accounts_are_left(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.feed("400")
    world.topic.failures = 1
    assert publish({}, world.publisher)["accounts_left"] == 1
    assert values(sent(capsys)) == {"OutboxLeft": [1]}
    publish({}, world.publisher)
    assert values(sent(capsys)) == {"OutboxLeft": [0]}
