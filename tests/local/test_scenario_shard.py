"""The demo's events through one shard of the stream, without Kafka: the figures it expects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from support.played import HEDGED, PM, SCENARIO
from support.stream_records import bodies, run

from local.player import Message, opening_messages, step_messages
from local.verdict import figures_of
from spark_jobs.shard import Shard

NOW_MS = 1_795_000_000_000


def batches() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(time, records) of every step, the first with the reference data; offsets by topic."""
    offsets: Counter[str] = Counter()
    for number, step in enumerate(SCENARIO.steps, start=1):
        opening = opening_messages(SCENARIO, NOW_MS) if number == 1 else []
        sent = [*opening, *step_messages(step, number, NOW_MS + number * 60_000)]
        yield step.at, [_row(message, offsets) for message in sent]


def _row(message: Message, offsets: Counter[str]) -> dict[str, Any]:
    offsets[message.topic] += 1
    return {
        "topic": message.topic,
        "partition": 0,
        "offset": offsets[message.topic] - 1,
        "logged_ms": NOW_MS,
        "key": message.key.encode(),
        "value": message.value,
        "mine": True,
    }


@pytest.fixture(scope="module")
def played_through() -> dict[str, dict[str, dict[str, Any]]]:
    """By time, the newest assessment of each account."""
    shard, newest = Shard(), dict[str, dict[str, Any]]()
    found = {}
    for at, rows in batches():
        newest |= bodies(run(shard, rows))
        found[at] = dict(newest)
    return found


@pytest.mark.parametrize("account_id", [HEDGED, PM])
def test_the_stream_says_what_the_scenario_expects_to_the_cent(
    played_through: dict[str, dict[str, dict[str, Any]]], account_id: str
) -> None:
    expected = next(a for a in SCENARIO.accounts if a.account_id == account_id).figures
    assert expected
    for figures in expected:
        seen = played_through[figures.at][account_id]
        assert figures_of(seen) == figures.usd, figures.at


def test_no_account_with_options_is_ever_short_of_a_figure_or_flagged(
    played_through: dict[str, dict[str, dict[str, Any]]],
) -> None:
    for at, newest in played_through.items():
        if at >= "09:00":
            assert {newest[a]["band"] for a in (HEDGED, PM)} == {"OK"}, at
            assert not any(newest[a]["flags"] for a in (HEDGED, PM)), at
