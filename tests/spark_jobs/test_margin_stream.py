"""The job itself on Spark, over a real Kafka broker and over Kinesis streams.

Figures out, bad records aside, killed and restarted: the same test over both.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.lines_room import drained
from support.stream_records import START_MS, beta, cash, demo_account, fill, price, record
from support.waiting import wait_until

from local.broker import KafkaBroker
from local.emulator import Emulator
from local.lines import KafkaLine, KinesisLine, Line
from local.ports import free_port
from local.processes import REPOSITORY
from local.streams import create_streams
from margin.channels import Transport
from margin.events import InputEvent
from margin.topics import BETAS, DEAD_LETTER, FILLS, MARGIN_CALC, PRICES, STRESS_TIMS
from margin.wire_assessment import AssessmentEvent, parse_assessment
from spark_jobs.margin_stream import READY

ACCOUNT = "ACC_DEMO_001"
PATIENCE_S = 120
STOP_S = 10
# rules section 10: price of NVDA, excess and worst severe stressed excess
PATH = (
    ("392.80", "10660", "-17621.60"),
    ("385.60", "8320", "-19443.20"),
    ("356.80", "-1040", "-26729.60"),
)


@dataclass
class Stream:
    """A transport that stays up and a job that is started and killed."""

    line: Line
    folder: Path
    jobs: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"job-{len(self.jobs)}.log").open("wb")
        command = [
            *(sys.executable, "-m", "local.spark", *self.line.arguments()),
            *("--checkpoint", str(self.folder / "checkpoint"), *options),
        ]
        job = subprocess.Popen(
            command, cwd=REPOSITORY, stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        self.jobs.append(job)
        return job

    def log(self) -> str:
        return (self.folder / f"job-{len(self.jobs) - 1}.log").read_text(errors="replace")

    def send(self, *events: InputEvent) -> None:
        for one in map(record, events):
            assert one.key is not None
            self.produce(one.topic, one.key, one.value or b"")

    def produce(self, name: str, key: bytes | None, value: bytes) -> None:
        """Kinesis knows no record without a key."""
        if key is None and self.line.transport == Transport.KINESIS:
            key = b"nobody"
        producer = self.line.producer()
        producer.send(name, key=key, value=value).get(10)
        producer.close()

    def read(self, name: str) -> list[Any]:
        consumer = self.line.consumer([name])
        try:
            return [found for records in drained(consumer) for found in records]
        finally:
            consumer.close()

    def ends(self, *names: str) -> dict[str, int]:
        """The next offset of every place of these channels that holds something."""
        found: dict[str, int] = {}
        for one in (one for name in names for one in self.read(name)):
            place = f"{one.topic}-{one.partition}"
            found[place] = max(found.get(place, 0), one.offset + 1)
        return found

    def assessments(self) -> list[AssessmentEvent]:
        """All that was said of the account, in the order of versions."""
        own = (r.value for r in self.read(MARGIN_CALC) if r.key == ACCOUNT.encode())
        return sorted(map(parse_assessment, own), key=lambda event: event.version)

    def wait_for_price(self, usd: str) -> AssessmentEvent:
        def said() -> AssessmentEvent | None:
            newest = self.assessments()[-1:]
            at_price = (e for e in newest if e.positions and str(e.positions[0].price_usd) == usd)
            return next(at_price, None)

        wait_until(lambda: said() or self.jobs[-1].poll() is not None, PATIENCE_S, every=0.2)
        event = said()
        assert event is not None, self.log()[-3000:]
        return event


@contextlib.contextmanager
def running_line(transport: Transport, folder: Path) -> Iterator[Line]:
    port = free_port()
    if transport == Transport.KINESIS:
        with Emulator(folder, port) as emulator:
            create_streams(emulator.endpoint, "mw")
            yield KinesisLine(emulator.endpoint, "mw")
        return
    broker = KafkaBroker(folder, port, free_port({port}))
    with broker:
        broker.create_topics()
        yield KafkaLine(broker.bootstrap_servers)


@pytest.fixture(scope="module", params=list(Transport))
def stream(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stream]:
    with running_line(request.param, tmp_path_factory.mktemp("line")) as line:
        running = Stream(line, tmp_path_factory.mktemp("stream"))
        yield running
        for job in running.jobs:
            if job.poll() is None:
                os.killpg(job.pid, signal.SIGKILL)
                job.wait()


def test_a_day_with_bad_records_a_crash_and_a_restart(stream: Stream) -> None:
    stream.send(*demo_account())
    stream.produce(FILLS, None, b"not json")
    stream.produce(PRICES, b"NVDA", b'{"type":"price"}')
    stream.start()
    first = stream.wait_for_price("400")
    assert READY in stream.log()
    assert (first.band, first.previous_band, first.enforce) == ("STRESS", None, True)
    assert str(first.figures_usd["excess"]) == "13000.00"

    for step, (usd, excess, worst) in enumerate(PATH, start=1):
        stream.send(price("NVDA", usd, START_MS + step))
        event = stream.wait_for_price(f"{usd.rstrip('0')}")
        assert event.figures_usd["excess"] == Decimal(excess)
        assert event.figures_usd["worst_severe_excess"] == Decimal(worst)
    dead = [json.loads(r.value) for r in stream.read(DEAD_LETTER)]
    assert sorted((one["source"], one["raw"]) for one in dead) == [
        ("fills.v1", "bm90IGpzb24="),
        ("prices.v1", "eyJ0eXBlIjoicHJpY2UifQ=="),
    ]
    places = {
        (r.topic, r.partition, r.offset) for name in (FILLS, PRICES) for r in stream.read(name)
    }
    assert {(one["source"], one["partition"], int(one["offset"])) for one in dead} <= places

    os.killpg(stream.jobs[-1].pid, signal.SIGKILL)
    stream.jobs[-1].wait()
    said_before = stream.assessments()[-1]
    # While it is down: the fill again, money in and out again, and the last price of the fall.
    stream.send(
        fill("f1", ACCOUNT, "NVDA", "500", "400"),
        cash("c1", ACCOUNT, "100000"),
        beta("NVDA", "1.8"),
        price("NVDA", "342.40", START_MS + 9),
    )
    job = stream.start()
    last = stream.wait_for_price("342.4")
    # -117,000 + 500 x 342.40 = 54,200; less 35 % of 171,200
    assert last.figures_usd["cash"] == Decimal(-117000)
    assert last.figures_usd["excess"] == Decimal(-5720)
    assert last.version > said_before.version
    assert stream.ends(PRICES, BETAS).items() <= dict(last.inputs).items()
    assert last.previous_band == "DEFICIENCY"
    views = [json.loads(r.value) for r in stream.read(STRESS_TIMS)]
    assert {"points", "worst"} <= set(views[-1]["class_groups"][0])
    assert len({r.value for r in stream.read(DEAD_LETTER)}) == 2
    by_version: dict[int, set[bytes]] = {}
    for found in stream.read(MARGIN_CALC):
        by_version.setdefault(parse_assessment(found.value).version, set()).add(found.value)
    assert all(len(texts) == 1 for texts in by_version.values())

    job.send_signal(signal.SIGTERM)
    assert job.wait(STOP_S) == 0


def test_another_number_of_shards_is_refused_in_one_line(stream: Stream) -> None:
    job = stream.start("--shards", "3")
    assert job.wait(PATIENCE_S) == 2
    (line,) = [line for line in stream.log().splitlines() if "--shards" in line]
    assert line.endswith("with 2 shards, --shards is 3: start with --shards 2 or a new checkpoint")
