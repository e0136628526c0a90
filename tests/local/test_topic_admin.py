"""The topic administrator against a real broker: what is missing is made, nothing is taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from kafka import KafkaAdminClient
from support.kafka_room import KafkaRoom

from functions import topic_admin
from functions.adapters.kafka_topics import KafkaTopics
from functions.errors import TopicError
from functions.topic_admin import CLEANUP, RETENTION, apply_catalogue
from local.ports import free_port
from margin.topics import CATALOGUE, DAY_MS, KEPT, Topic

BY_TIME = Topic(name="admin.by-time.v1", key="any", partitions=2, retention_ms=DAY_MS)
COMPACTED = Topic(
    name="admin.compacted.v1", key="any", partitions=1, retention_ms=KEPT, compacted=True
)


class Counted:
    """The real administrator, with its requests noted and no pause between them."""

    def __init__(self, servers: str) -> None:
        self.requests: list[str] = []
        self.pauses = 0
        self.topics = KafkaTopics(servers, "none", pause=self._pause, make=self._make)

    def _pause(self) -> None:
        self.pauses += 1

    def _make(self, **options: Any) -> Any:
        admin = KafkaAdminClient(**options)
        for name in ("create_topics", "create_partitions", "alter_configs"):
            setattr(admin, name, self._noted(name, getattr(admin, name)))
        return admin

    def _noted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any, **options: Any) -> Any:
            self.requests.append(name)
            return call(*arguments, **options)

        return noted


@pytest.fixture
def admin(kafka: KafkaRoom) -> Iterator[Counted]:
    counted = Counted(kafka.servers)
    yield counted
    counted.topics.close()


@pytest.fixture
def fresh(request: pytest.FixtureRequest) -> tuple[Topic, Topic]:
    """Two topics that this test alone knows."""
    end = request.node.name.replace("_", "-").replace("test-", "")[:40]
    return replace(BY_TIME, name=f"admin.{end}.v1"), replace(COMPACTED, name=f"admin.{end}.v2")


def test_missing_topics_are_made_in_one_request(admin: Counted, fresh: tuple[Topic, Topic]) -> None:
    done = apply_catalogue(admin.topics, fresh)
    assert done == {"created": sorted(topic.name for topic in fresh), "grown": [], "set": []}
    assert admin.requests == ["create_topics"]
    by_time, compacted = fresh
    partitions = admin.topics.partitions()
    assert [partitions[topic.name] for topic in fresh] == [2, 1]
    found = admin.topics.configs([by_time.name, compacted.name], (CLEANUP, RETENTION))
    assert found[by_time.name] == {CLEANUP: "delete", RETENTION: str(DAY_MS)}
    assert found[compacted.name][CLEANUP] == "compact"


def test_a_second_pass_changes_nothing(admin: Counted, fresh: tuple[Topic, Topic]) -> None:
    apply_catalogue(admin.topics, fresh)
    admin.requests.clear()
    assert apply_catalogue(admin.topics, fresh) == {"created": [], "grown": [], "set": []}
    assert admin.requests == []


def test_what_the_local_broker_made_is_what_the_catalogue_says(admin: Counted) -> None:
    """One catalogue, two makers: neither finds anything to do after the other."""
    assert apply_catalogue(admin.topics, CATALOGUE) == {"created": [], "grown": [], "set": []}


def test_more_partitions_and_another_retention_are_given(
    admin: Counted, fresh: tuple[Topic, Topic]
) -> None:
    apply_catalogue(admin.topics, fresh)
    by_time, compacted = fresh
    larger = replace(by_time, partitions=3, retention_ms=2 * DAY_MS)
    done = apply_catalogue(admin.topics, (larger, compacted))
    assert done == {"created": [], "grown": [by_time.name], "set": [by_time.name]}
    assert admin.topics.partitions()[by_time.name] == 3
    assert admin.topics.configs([by_time.name], (RETENTION,))[by_time.name] == {
        RETENTION: str(2 * DAY_MS)
    }
    assert apply_catalogue(admin.topics, (larger, compacted))["set"] == []


def test_fewer_partitions_are_refused(admin: Counted, fresh: tuple[Topic, Topic]) -> None:
    apply_catalogue(admin.topics, fresh)
    smaller = replace(fresh[0], partitions=1)
    with pytest.raises(TopicError, match="should have 1 partitions but has 2"):
        apply_catalogue(admin.topics, (smaller,))


def test_another_way_to_keep_records_is_refused(admin: Counted, fresh: tuple[Topic, Topic]) -> None:
    apply_catalogue(admin.topics, fresh)
    with pytest.raises(TopicError, match=r"should have cleanup\.policy compact but has delete"):
        apply_catalogue(admin.topics, (replace(fresh[0], compacted=True),))


def test_a_topic_that_another_pass_has_just_made_is_no_error(
    admin: Counted, fresh: tuple[Topic, Topic]
) -> None:
    request = {fresh[0].name: topic_admin.request(fresh[0])}
    admin.topics.create(request)
    admin.topics.create(request)
    assert admin.topics.partitions()[fresh[0].name] == 2


def test_a_topic_that_left_the_catalogue_stays(admin: Counted, fresh: tuple[Topic, Topic]) -> None:
    apply_catalogue(admin.topics, fresh)
    apply_catalogue(admin.topics, fresh[:1])
    assert fresh[1].name in admin.topics.partitions()


def test_requests_are_paced(admin: Counted, fresh: tuple[Topic, Topic]) -> None:
    """MSK Serverless takes two a second; the first may go at once."""
    apply_catalogue(admin.topics, fresh)  # list, create
    assert admin.pauses == 1
    apply_catalogue(admin.topics, fresh)  # list, describe
    assert admin.pauses == 3


def test_no_broker_is_one_clear_error() -> None:
    with pytest.raises(TopicError, match=r"^Kafka: "):
        KafkaTopics(f"127.0.0.1:{free_port()}", "none", make=_impatient)


def _impatient(**options: Any) -> Any:
    return KafkaAdminClient(**options | {"bootstrap_timeout_ms": 500})


def test_deletion_asks_the_cluster_nothing() -> None:
    """Its cluster goes too, perhaps before it."""
    event = {"RequestType": "Delete", "PhysicalResourceId": "topics"}
    assert topic_admin.handler(event, None) == {"PhysicalResourceId": "topics"}


def test_creation_signs_in_by_iam_and_lets_go(
    kafka: KafkaRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the provider calls it; only the way to sign in differs on a broker without accounts."""
    asked: list[tuple[str, str]] = []

    def without_accounts(bootstrap: str, auth: str) -> KafkaTopics:
        asked.append((bootstrap, auth))
        return KafkaTopics(bootstrap, "none", pause=lambda: None)

    monkeypatch.setattr(topic_admin, "KafkaTopics", without_accounts)
    properties = {"Bootstrap": kafka.servers, "Catalogue": "digest"}
    event = {"RequestType": "Create", "ResourceProperties": properties}
    assert topic_admin.handler(event, None) == {"PhysicalResourceId": "topics"}
    assert asked == [(kafka.servers, "iam")]
