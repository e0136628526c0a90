"""One broker and one emulator for all tests of this folder, each on ports of its own."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator

import pytest
from support.kafka_room import KafkaRoom

from local.broker import KafkaBroker
from local.emulator import Emulator
from local.ports import free_port

ROLE = "arn:aws:iam::000000000000:role/any"


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaRoom]:
    port = free_port()
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka"), port, free_port({port}))
    broker.start()
    broker.create_topics()
    room = KafkaRoom(broker)
    yield room
    room.close()
    broker.stop()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("aws"), free_port()) as running:
        yield running


@pytest.fixture(scope="session")
def make_zip() -> Callable[[str], bytes]:
    """make_zip(source): the code of a Lambda function with `handler` in index.py."""

    def make(source: str) -> bytes:
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            archive.writestr("index.py", source)
        return body.getvalue()

    return make


@pytest.fixture(scope="session")
def make_function(
    emulator: Emulator, make_zip: Callable[[str], bytes]
) -> Callable[[str, str], None]:
    """make_function(name, source): such a function on the shared emulator."""

    def make(name: str, source: str) -> None:
        emulator.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="index.handler",
            Timeout=30,
            Role=ROLE,
            Code={"ZipFile": make_zip(source)},
        )

    return make
