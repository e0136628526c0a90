import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from kafka import KafkaAdminClient
from support.kafka_room import KafkaRoom
from support.looking import alive, listening_addresses
from support.started import first_line, started
from support.waiting import wait_until

from local.broker import KafkaBroker, topic_request
from local.errors import NotRunningError
from local.ports import free_port
from local.processes import resident_bytes
from margin.topics import BETAS, CATALOGUE, FILLS, WEEK_MS, topic


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker that tests may stop, in a folder whose name has a space."""
    port = free_port()
    broker = KafkaBroker(tmp_path_factory.mktemp("own") / "a b", port, free_port({port}))
    broker.start()
    yield broker
    broker.stop()


def test_broker_listens_on_loopback_only_and_stays_small(own: KafkaBroker) -> None:
    assert listening_addresses(own.pid) == {"127.0.0.1"}
    assert resident_bytes([own.pid]) < 350_000_000


def test_every_topic_of_the_catalogue_is_made_with_its_partitions(kafka: KafkaRoom) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka.servers)
    found = {t["name"]: len(t["partitions"]) for t in admin.describe_topics()}
    admin.close()
    assert {t.name: t.partitions for t in CATALOGUE}.items() <= found.items()


def test_compacted_topics_are_kept_by_key_and_others_by_time() -> None:
    assert topic_request(topic(BETAS))["configs"] == {"cleanup.policy": "compact"}
    assert topic_request(topic(FILLS))["configs"] == {"retention.ms": str(WEEK_MS)}


def test_messages_and_topics_outlive_a_stop_and_a_kill(own: KafkaBroker) -> None:
    own.create_topics()
    room = KafkaRoom(own)
    room.produce(FILLS, b"one", b"two")
    room.close()
    for end in (own.stop, own.kill):
        end()
        own.start()
        own.create_topics()  # a second time, with all there already
        assert [r.value for r in KafkaRoom(own).read(FILLS)] == [b"one", b"two"]


def test_a_broker_whose_port_is_taken_ends_and_its_log_says_why(
    kafka: KafkaRoom, tmp_path: Path
) -> None:
    taken = int(kafka.servers.rsplit(":")[-1])
    second = KafkaBroker(tmp_path, free_port(), taken)
    with pytest.raises(NotRunningError, match=r"Kafka ended with 1; see .*kafka\.log"):
        second.start()
    assert "Address already in use" in second.log_file.read_text()
    assert not second.running


def test_foreground_broker_ends_with_its_java_at_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local.broker", str(tmp_path), "--port", str(free_port())]
    with started(command, cwd=tmp_path) as process:
        assert first_line(process).startswith("Kafka on 127.0.0.1:")
        java = [child.pid for child in psutil.Process(process.pid).children()]
        process.terminate()
        assert process.wait(10) == 0
    assert java
    wait_until(lambda: not any(map(alive, java)), 5)
