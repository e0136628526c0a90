"""The publisher: audit first, Kafka next, and nothing leaves the outbox before both."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.audit_trail import problem_of
from support.enforcement_world import ACCOUNT, BUCKET, World, stream_event

from functions.adapters.audit_trail import AuditTrail
from functions.errors import AuditConflictError
from functions.publisher import publish
from margin.canonical import parse_json_object

EVENTS = Path(__file__).parents[1] / "events"


class Failing:
    """A client of which one call fails a number of times, with the error AWS would give."""

    def __init__(self, client: Any, method: str, times: int, code: str = "InternalError") -> None:
        self._client, self._method, self._times, self._code = client, method, times, code

    def __getattr__(self, name: str) -> Any:
        if name == self._method and self._times:
            self._times -= 1
            return self._fail
        return getattr(self._client, name)

    def _fail(self, **_request: Any) -> None:
        raise ClientError({"Error": {"Code": self._code, "Message": ""}}, self._method)


def stored(world: World) -> list[dict[str, Any]]:
    """The audit objects of the account, in order of their keys."""
    found = world.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"audit/v1/{ACCOUNT}/")
    bodies = (world.s3.get_object(Bucket=BUCKET, Key=o["Key"]) for o in found.get("Contents", ()))
    return [parse_json_object(body["Body"].read()) for body in bodies]


def sent(world: World) -> list[tuple[str, str]]:
    """Topic and action of every message in Kafka."""
    return [(topic, json.loads(value)["action"]) for topic, _, value in world.topic.sent]


def decided(world: World) -> None:
    for price in ("400", "385.60"):
        world.feed(price)


def test_every_decision_is_told_in_order(world: World) -> None:
    decided(world)
    assert world.publish() == {"batchItemFailures": []}
    assert sent(world) == [
        ("audit.v1", "STRESS_ALERT"),
        ("margin.calls.v1", "STRESS_ALERT"),
        ("audit.v1", "WARNING_ISSUED"),
        ("margin.calls.v1", "WARNING_ISSUED"),
    ]
    assert world.outbox() == []


def test_what_is_in_the_bucket_is_the_chain(world: World) -> None:
    decided(world)
    world.publish()
    records = stored(world)
    assert [record["sequence"] for record in records] == [1, 2]
    assert problem_of(records, world.table.head(ACCOUNT), ACCOUNT) is None


def test_a_recorded_stream_event_is_understood(world: World) -> None:
    decided(world)
    event = json.loads((EVENTS / "dynamodb_outbox.json").read_text())
    assert publish(event, world.publisher) == {"batchItemFailures": []}
    assert world.outbox() == []


def test_a_row_delivered_twice_is_told_once(world: World) -> None:
    decided(world)
    event = stream_event(*world.table.outbox_of(ACCOUNT))
    publish(event, world.publisher)
    publish(event, world.publisher)
    assert len(world.topic.sent) == 4


def test_a_row_that_was_lost_is_told_before_the_next(world: World) -> None:
    decided(world)
    last_only = stream_event(list(world.table.outbox_of(ACCOUNT))[-1])
    publish(last_only, world.publisher)
    assert [action for _, action in sent(world)][::2] == ["STRESS_ALERT", "WARNING_ISSUED"]


def test_rows_of_other_items_are_ignored(world: World) -> None:
    row = {"Keys": {"pk": {"S": "ACCT#A"}, "sk": {"S": "STATE"}}, "SequenceNumber": "1"}
    event = {"Records": [{"eventName": "INSERT", "dynamodb": row}]}
    assert publish(event, world.publisher) == {"batchItemFailures": []}


def test_without_s3_nobody_is_told(world: World) -> None:
    decided(world)
    s3, world.s3 = world.s3, Failing(world.s3, "put_object", 1)
    assert world.publish() == {"batchItemFailures": [{"itemIdentifier": "1000"}]}
    assert (world.topic.sent, len(world.outbox())) == ([], 2)
    world.s3 = s3
    assert world.publish() == {"batchItemFailures": []}
    assert (len(world.topic.sent), len(stored(world))) == (4, 2)


def test_without_kafka_the_item_stays_and_the_audit_object_is_not_written_again(
    world: World,
) -> None:
    decided(world)
    world.topic.failures = 1
    assert world.publish() == {"batchItemFailures": [{"itemIdentifier": "1000"}]}
    assert (len(stored(world)), len(world.outbox())) == (1, 2)
    assert world.publish() == {"batchItemFailures": []}
    assert (len(stored(world)), len(world.outbox())) == (2, 0)
    assert len(world.topic.sent) == 4


def test_an_item_that_could_not_be_removed_is_told_again_and_then_removed(world: World) -> None:
    decided(world)
    dynamodb, world.dynamodb = world.dynamodb, Failing(world.dynamodb, "delete_item", 1)
    assert world.publish() == {"batchItemFailures": [{"itemIdentifier": "1000"}]}
    world.dynamodb = dynamodb
    assert world.publish() == {"batchItemFailures": []}
    assert [action for _, action in sent(world)][::2] == [
        "STRESS_ALERT",
        "STRESS_ALERT",
        "WARNING_ISSUED",
    ]
    assert (len(stored(world)), world.outbox()) == (2, [])


def test_a_sweep_tells_what_the_stream_lost(world: World) -> None:
    decided(world)
    assert publish({}, world.publisher) == {"told": 2, "accounts_left": 0}
    assert world.outbox() == []


def test_a_sweep_counts_what_it_could_not_tell(world: World) -> None:
    decided(world)
    world.topic.failures = 1
    assert publish({}, world.publisher) == {"told": 0, "accounts_left": 1}


def test_an_audit_object_is_never_replaced(world: World) -> None:
    trail = AuditTrail(BUCKET, world.s3)
    trail.write("audit/v1/A/0000000001.json", b"{}")
    trail.write("audit/v1/A/0000000001.json", b"{}")
    with pytest.raises(AuditConflictError):
        trail.write("audit/v1/A/0000000001.json", b'{"forged":1}')
    found = world.s3.get_object(Bucket=BUCKET, Key="audit/v1/A/0000000001.json")
    assert found["Body"].read() == b"{}"


def test_an_account_that_is_stuck_does_not_stop_the_others(world: World) -> None:
    decided(world)
    key = f"audit/v1/{ACCOUNT}/0000000001.json"
    world.s3.put_object(Bucket=BUCKET, Key=key, Body=b"planted")
    told, left = world.publisher.drain_all([ACCOUNT, "another"])
    assert (told, left) == (0, (ACCOUNT,))
    assert world.topic.sent == []


def test_while_kafka_is_down_one_account_is_tried_and_all_are_reported(world: World) -> None:
    decided(world)
    world.topic.failures = 1
    assert world.publisher.drain_all([ACCOUNT, "another"]) == (0, (ACCOUNT, "another"))
