"""One record of either transport: decoded to the same value, failed in its transport's words."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from support.enforcement_world import World

from functions.inbound import InboundRecord, answer
from functions.router import respond
from margin.channels import SourcePosition, Transport
from margin.errors import EventError

EVENTS = Path(__file__).parents[1] / "events"
SEQUENCE = 49590338271490256608559692538361571095921575989136588898


def recorded(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return event


def records_of(event: dict[str, Any]) -> list[InboundRecord]:
    found: list[InboundRecord] = []
    assert answer(event, None, found.append) == {"batchItemFailures": []}
    return found


def kinesis_event(*values: bytes) -> dict[str, Any]:
    """The recorded event with these values, one sequence number after the other."""
    event = recorded("kinesis_margin_calc.json")
    pattern = event["Records"][0]
    event["Records"] = [
        pattern
        | {
            "eventID": f"shardId-000000000001:{SEQUENCE + i}",
            "kinesis": pattern["kinesis"]
            | {"sequenceNumber": str(SEQUENCE + i), "data": base64.b64encode(value).decode()},
        }
        for i, value in enumerate(values)
    ]
    return event


def test_both_recorded_events_hold_the_same_record() -> None:
    (kafka,) = records_of(recorded("msk_margin_calc.json"))
    (kinesis,) = records_of(recorded("kinesis_margin_calc.json"))
    assert (kafka.key, kafka.value) == (kinesis.key, kinesis.value)
    assert kafka.key == "ACC_DEMO_001"
    assert kafka.position == SourcePosition(
        transport=Transport.KAFKA, channel="margin.calc.v1", partition=0, offset=0
    )
    assert kinesis.position == SourcePosition(
        transport=Transport.KINESIS, channel="margin.calc.v1", partition=1, offset=SEQUENCE
    )


def test_a_recorded_kinesis_event_opens_a_case(world: World) -> None:
    event = recorded("kinesis_margin_calc.json")
    assert respond(event, None, world.router) == {"batchItemFailures": []}
    assert world.executions.started == [("ACC_DEMO_001-1", 1)]


def test_what_failed_on_kinesis_is_told_by_sequence_number(world: World) -> None:
    good = world.assessed("400")
    event = kinesis_event(good, b"not json", good)
    assert respond(event, None, world.router) == {
        "batchItemFailures": [{"itemIdentifier": str(SEQUENCE + 1)}]
    }


def test_what_failed_on_kafka_is_told_by_partition_and_offset(world: World) -> None:
    event = recorded("msk_margin_calc.json")
    (found,) = event["records"]["margin.calc.v1-0"]
    bad = found | {"offset": 1, "value": base64.b64encode(b"not json").decode()}
    event["records"]["margin.calc.v1-0"].append(bad)
    assert respond(event, None, world.router) == {
        "batchItemFailures": [{"itemIdentifier": {"partition": "margin.calc.v1-0", "offset": 1}}]
    }


def test_a_kafka_record_may_have_neither_key_nor_value() -> None:
    event = recorded("msk_margin_calc.json")
    (record,) = event["records"]["margin.calc.v1-0"]
    del record["key"], record["value"]
    (found,) = records_of(event)
    assert (found.key, found.value) == (None, b"")


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ({"Records": [{"eventSource": "aws:sqs"}]}, "aws:sqs"),
        ({"eventSource": "aws:mq"}, "aws:mq"),
        ({}, "no source"),
    ],
)
def test_an_event_of_something_else_is_refused(event: dict[str, Any], found: str) -> None:
    with pytest.raises(EventError, match=f"was {found}"):
        answer(event, None, lambda _record: None)
