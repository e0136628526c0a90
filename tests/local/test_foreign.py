"""What somebody else runs is used as our own: the embedded parts stand in for the foreign ones."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from support.command import Background, leftovers
from support.kafka_room import KafkaRoom
from support.waiting import wait_until

from local.emulator import Emulator
from local.errors import FindingError, MissingPrerequisiteError, TimedOutError
from local.foreign import COMPOSE_FILE, DOCKER, Compose, ForeignAws, ForeignKafka, has_compose
from local.ports import free_port
from margin.topics import (
    ACCOUNTS,
    BETAS,
    CASH,
    CATALOGUE,
    FILLS,
    INSTRUMENTS,
    MARGIN_CALLS,
    PRICES,
)


def test_foreign_brokers_get_their_topics_once(kafka: KafkaRoom) -> None:
    brokers = ForeignKafka(kafka.servers)
    brokers.start(5)
    brokers.create_topics()
    brokers.create_topics()
    brokers.stop()
    admin = KafkaAdminClient(bootstrap_servers=kafka.servers)
    try:
        assert {topic.name for topic in CATALOGUE} <= set(admin.list_topics())
    finally:
        admin.close()


def test_a_foreign_emulator_is_known_by_its_account(emulator: Emulator) -> None:
    aws = ForeignAws(emulator.endpoint)
    aws.start(5)
    aws.client("s3").create_bucket(Bucket="seen-from-outside")
    assert aws.stop() == 0
    names = [b["Name"] for b in emulator.client("s3").list_buckets()["Buckets"]]
    assert "seen-from-outside" in names


def test_the_system_runs_on_parts_that_are_not_its_own(
    kafka: KafkaRoom, emulator: Emulator, tmp_path: Path
) -> None:
    """An account in deficiency is called; at the end the foreign parts run on."""
    asked = ("--target", "foreign", "--kafka", kafka.servers, "--aws", emulator.endpoint)
    system = Background(tmp_path, "up", *asked)
    try:
        note = system.note(150)
        assert (note["kafka"], note["aws"]) == (kafka.servers, emulator.endpoint)
        assert set(note["parts"]) == {"desk", "bridge", "spark"}
        for topic, key, body in deficient_account():
            kafka.produce(topic, body, key=key.encode())
        wait_until(lambda: ("ACC_FOREIGN_1", "MARGIN_CALL_ISSUED") in told(kafka), 60)
        system.interrupt()
        assert system.wait(30) == 0
    finally:
        system.end()
    assert leftovers(note["run_id"]) == []
    ForeignKafka(kafka.servers).start(0)
    ForeignAws(emulator.endpoint).start(0)


Body = dict[str, str | int]


def told(kafka: KafkaRoom) -> list[tuple[str, str]]:
    bodies = [json.loads(record.value) for record in kafka.read(MARGIN_CALLS)]
    return [(body["account_id"], body["action"]) for body in bodies]


def deficient_account() -> Iterator[tuple[str, str, bytes]]:
    """500 NVDA bought at 400 with 83,000 of the customer's own, then 342.40."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    account: Body = {"account_id": "ACC_FOREIGN_1"}
    symbol: Body = {"symbol": "NVDA", "sequence": 1}
    fill: Body = {"fill_id": "e5", "quantity": "500", "price": "400", "fee": "0"}
    cash: Body = {"amount": "83000", "kind": "deposit"}
    bodies: tuple[tuple[str, str, Body], ...] = (
        (INSTRUMENTS, "instrument", {**symbol, "kind": "stock"}),
        (BETAS, "beta", {**symbol, "beta": "1.8"}),
        (ACCOUNTS, "account", {**account, "account_type": "margin"}),
        (CASH, "cash", {**account, **cash}),
        (FILLS, "fill", {**account, **symbol, **fill}),
        (PRICES, "price", {**symbol, "price": "342.40"}),
    )
    for number, (topic, kind, body) in enumerate(bodies, start=1):
        name = f"e{number}"
        envelope = {"type": kind, "schema": 1, "event_id": name, "correlation_id": name, "at": at}
        key = str(body.get("account_id", body.get("symbol")))
        yield topic, key, json.dumps({**envelope, **body}).encode()


def test_what_does_not_answer_is_named() -> None:
    port = free_port()
    with pytest.raises(TimedOutError, match=f"Kafka at 127.0.0.1:{port} did not answer"):
        ForeignKafka(f"127.0.0.1:{port}").start(0)
    with pytest.raises(TimedOutError, match=f"AWS at http://127.0.0.1:{port}"):
        ForeignAws(f"http://127.0.0.1:{port}").start(0)


def test_another_account_than_the_emulated_one_is_refused(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.foreign.ACCOUNT", "111122223333")
    with pytest.raises(FindingError, match="expected an emulator"):
        ForeignAws(emulator.endpoint).start(5)


def test_without_docker_one_line_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        MissingPrerequisiteError, match="found no working `docker compose`"
    ) as found:
        Compose(tmp_path / "compose.log").up()
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(("code", "fails"), [(0, False), (7, True)])
def test_compose_is_asked_for_and_its_failure_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, fails: bool
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@"\ncase "$*" in *version) exit 0;; esac\nexit {code}\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    log = tmp_path / "logs" / "compose.log"
    if fails:
        with pytest.raises(FindingError, match=f"ended with {code}; see {re.escape(str(log))}"):
            Compose(log).up()
    else:
        Compose(log).up()
        Compose(log).down()
    first = log.read_text().splitlines()[0]
    assert first == f"compose --file {COMPOSE_FILE} up --detach --wait"


def test_images_are_pinned_and_ports_stay_on_this_machine() -> None:
    text = COMPOSE_FILE.read_text()
    images = re.findall(r"image: (\S+)", text)
    assert images == ["redpandadata/redpanda:v24.3.5", "localstack/localstack:4.14.0"]
    published = re.findall(r'ports: \["([^"]+)"\]', text)
    assert [port.rpartition(":")[0] for port in published] == [
        DOCKER.kafka,
        DOCKER.aws.removeprefix("http://"),
    ]
    assert f"inside://{DOCKER.kafka_of_functions}" in text


@pytest.mark.skipif(not has_compose(), reason="needs Docker's compose plugin")
def test_docker_accepts_the_compose_file() -> None:
    command = ["docker", "compose", "--file", str(COMPOSE_FILE), "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert set(json.loads(done.stdout)["services"]) == {"redpanda", "localstack"}
