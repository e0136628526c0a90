"""The control channels in Kinesis: calls, partial failures, and the order of each key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from functions.adapters import streams
from functions.adapters.control_stream import ControlStream
from functions.adapters.control_topic import ControlTopic
from functions.adapters.transport import sender_of
from functions.errors import PublishError
from functions.settings import SettingsError, read_settings
from margin.ordered_put import LARGEST_CALL, LARGEST_CALL_BYTES, TRIES, Entry, StillRefusedError
from margin.topics import AUDIT, MARGIN_CALLS

# Which records a call refuses, by its number from 0 on.
Refuses = Callable[[int, bytes], bool]


class Kinesis:
    """A stream that refuses some records of a call and takes the others, as Kinesis does."""

    def __init__(self, refuses: Refuses = lambda _call, _value: False) -> None:
        self.calls: list[tuple[str, list[tuple[str, bytes]]]] = []
        self.taken: list[tuple[str, bytes]] = []
        self._refuses = refuses

    def put_records(self, *, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803  as boto3 names them
        number = len(self.calls)
        self.calls.append((StreamName, [(r["PartitionKey"], r["Data"]) for r in Records]))
        return {"Records": [self._put(number, r["PartitionKey"], r["Data"]) for r in Records]}

    def _put(self, call: int, key: str, value: bytes) -> dict[str, str]:
        if self._refuses(call, value):
            return {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow"}
        self.taken.append((key, value))
        return {"ShardId": "shardId-000000000002", "SequenceNumber": str(len(self.taken))}


def no_wait(_tries: int) -> None:
    """The streams here do not get better by waiting."""


def entries(*pairs: tuple[str, bytes]) -> list[Entry]:
    return [Entry(key=key, value=value) for key, value in pairs]


def of_key(kinesis: Kinesis, key: str) -> list[bytes]:
    return [value for found, value in kinesis.taken if found == key]


def test_a_refused_record_goes_before_its_successors() -> None:
    kinesis = Kinesis(refuses=lambda call, value: call < 2 and value == b"1")
    given = entries(("A", b"1"), ("A", b"2"), ("B", b"3"), ("A", b"4"), ("B", b"5"))
    placed = streams.put(kinesis, "s", given, no_wait)
    assert of_key(kinesis, "A") == [b"1", b"2", b"4"]
    assert of_key(kinesis, "B") == [b"3", b"5"]
    assert len(placed) == len(given)
    assert {where.shard for where in placed} == {2}


def test_no_call_holds_two_records_of_a_key() -> None:
    kinesis = Kinesis()
    streams.put(kinesis, "s", entries(*[(f"K{i % 7}", b"%d" % i) for i in range(40)]), no_wait)
    for _, call in kinesis.calls:
        assert len({key for key, _ in call}) == len(call)


def test_a_call_stays_below_its_limits() -> None:
    kinesis = Kinesis()
    many = [(f"S{i}", b"x") for i in range(LARGEST_CALL + 1)]
    large = [(f"L{i}", b"x" * 1_000_000) for i in range(7)]
    streams.put(kinesis, "s", entries(*many, *large), no_wait)
    for _, call in kinesis.calls:
        assert len(call) <= LARGEST_CALL
        assert sum(len(key) + len(value) for key, value in call) <= LARGEST_CALL_BYTES
    assert sorted(kinesis.taken) == sorted(many + large)


def test_a_stream_that_goes_on_refusing_is_an_error_with_its_code() -> None:
    kinesis = Kinesis(refuses=lambda _call, value: value == b"1")
    with pytest.raises(StillRefusedError, match="ProvisionedThroughputExceeded"):
        streams.put(kinesis, "s", entries(("A", b"1"), ("A", b"2")), no_wait)
    assert len(kinesis.calls) == TRIES
    assert of_key(kinesis, "A") == []


def test_each_channel_goes_to_its_stream_in_the_order_given() -> None:
    kinesis = Kinesis()
    ControlStream("mw-demo", kinesis).send((AUDIT, "A", b"record"), (MARGIN_CALLS, "A", b"call"))
    assert [name for name, _ in kinesis.calls] == ["mw-demo-audit-v1", "mw-demo-margin-calls-v1"]
    assert kinesis.taken == [("A", b"record"), ("A", b"call")]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "PutRecords"), "NotFound"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), "EndpointConnection"),
    ],
)
def test_what_boto3_raises_is_a_publish_error(error: Exception, said: str) -> None:
    class Broken:
        def put_records(self, **_request: Any) -> None:
            raise error

    with pytest.raises(PublishError, match=said):
        ControlStream("mw", Broken()).send((AUDIT, "A", b"record"))


def test_the_environment_names_the_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    kinesis = read_settings({"TRANSPORT": "kinesis", "STREAM_PREFIX": "mw-demo"})
    assert isinstance(sender_of(kinesis), ControlStream)
    assert isinstance(sender_of(read_settings({"KAFKA_BOOTSTRAP": "b:9092"})), ControlTopic)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TRANSPORT": "pigeon"}, "TRANSPORT must be kafka or kinesis"),
        ({"TRANSPORT": "kinesis"}, "STREAM_PREFIX must be set"),
        ({"TRANSPORT": "kafka"}, "KAFKA_BOOTSTRAP must be set"),
    ],
)
def test_an_environment_that_cannot_be_used_is_refused(
    environment: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said):
        sender_of(read_settings(environment))
