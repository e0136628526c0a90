"""What the router could not take: its place is kept, and the partition goes on."""

import json
from typing import Any

import boto3
import pytest
from moto import mock_aws

from functions.adapters.unrouted_queue import UnroutedQueue
from functions.unrouted import set_aside

FAILED = {
    "batchItemFailures": [
        {"itemIdentifier": {"partition": "margin.calc.v1-0", "offset": 7}},
        {"itemIdentifier": {"partition": "margin.calc.v1-2", "offset": 3}},
    ]
}


class Queue:
    def __init__(self, takes: int = 10) -> None:
        self.places: list[Any] = []
        self._takes = takes

    def put(self, place: dict[str, Any]) -> None:
        if len(self.places) == self._takes:
            raise ConnectionError("the queue does not answer")
        self.places.append(place)


def test_every_failed_record_is_kept_and_none_is_reported() -> None:
    queue = Queue()
    assert set_aside(FAILED, queue) == {"batchItemFailures": []}
    assert queue.places == [
        {"failed": {"partition": "margin.calc.v1-0", "offset": 7}},
        {"failed": {"partition": "margin.calc.v1-2", "offset": 3}},
    ]


def test_without_failures_nothing_is_sent() -> None:
    queue = Queue()
    assert set_aside({"batchItemFailures": []}, queue) == {"batchItemFailures": []}
    assert queue.places == []


def test_what_the_queue_does_not_take_fails_the_batch() -> None:
    with pytest.raises(ConnectionError):
        set_aside(FAILED, Queue(takes=1))


def test_the_queue_holds_the_place_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        sqs = boto3.client("sqs")
        url = sqs.create_queue(QueueName="unrouted")["QueueUrl"]
        set_aside(FAILED, UnroutedQueue(url, sqs))
        (first, second) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert {json.loads(one["Body"])["failed"]["offset"] for one in (first, second)} == {3, 7}
