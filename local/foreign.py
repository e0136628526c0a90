"""Kafka and AWS that somebody else runs: reached and used, never started or stopped.

They stand where the embedded broker and emulator stand, so the system above is the same one.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import EndpointConnectionError
from localstack_client.session import Session

from local.broker import create_topics
from local.emulator import ACCOUNT
from local.errors import FindingError, MissingPrerequisiteError, TimedOutError, UsageError
from local.processes import Child
from margin.channels import Transport

COMPOSE_FILE = Path(__file__).with_name("compose.yaml")
COMPOSE_START_S = 300.0
POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where they are. Functions may have to reach the brokers by another name than this machine."""

    kafka: str
    aws: str
    kafka_of_functions: str


# What compose.yaml publishes, and the broker's name inside its network.
DOCKER = Endpoints(
    kafka="127.0.0.1:19092", aws="http://127.0.0.1:4566", kafka_of_functions="redpanda:9092"
)


class ForeignKafka:
    """Brokers at an address. `child` is None: no process of ours."""

    child: Child | None = None

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers

    def start(self, timeout_s: float = 60) -> None:
        """Return once they accept connections; TimedOutError names them."""
        host, _, port = self.bootstrap_servers.split(",")[0].rpartition(":")
        _until(lambda: _connects(host, int(port)), timeout_s, f"Kafka at {self.bootstrap_servers}")

    def create_topics(self) -> None:
        create_topics(self.bootstrap_servers)

    def stop(self, grace_s: float = 0) -> None:
        """Nothing: they are not ours to end."""


class ForeignAws:
    """An emulator at an address. `child` is None: no process of ours."""

    child: Child | None = None

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def start(self, timeout_s: float = 60) -> None:
        """Return once it says who it is; TimedOutError names it, FindingError the real AWS."""
        _until(self._answers, timeout_s, f"AWS at {self.endpoint}")

    def stop(self) -> float:
        """Nothing: it is not ours to end."""
        return 0.0

    def client(self, service: str) -> Any:
        """A client of LocalStack, or of what speaks as it does."""
        return Session(localstack_host=self.endpoint.partition("://")[2]).client(service)

    def _answers(self) -> bool:
        try:
            found = self.client("sts").get_caller_identity()["Account"]
        except EndpointConnectionError:
            return False
        if found != ACCOUNT:
            raise FindingError(
                f"expected an emulator at {self.endpoint}, found AWS account {found}; "
                "use `marginwatch aws deploy` for a real account"
            )
        return True


class Compose:
    """The containers of compose.yaml: started and ended with the Docker of this machine."""

    def __init__(self, log_file: Path, file: Path = COMPOSE_FILE) -> None:
        self._log_file, self._file = log_file, file

    def up(self) -> None:
        """Return once they are healthy. MissingPrerequisiteError without Docker."""
        self._run("up", "--detach", "--wait")

    def down(self) -> None:
        self._run("down", "--volumes")

    def _run(self, *arguments: str) -> None:
        if not has_compose():
            raise MissingPrerequisiteError(
                "expected Docker with its compose plugin for --target docker, found no working "
                "`docker compose`; install it, or leave --target out: the embedded system needs "
                "none"
            )
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        command = ["docker", "compose", "--file", str(self._file), *arguments]
        with self._log_file.open("ab") as output:
            done = subprocess.run(
                command, stdout=output, stderr=output, timeout=COMPOSE_START_S, check=False
            )
        if done.returncode != 0:
            raise FindingError(
                f"`docker compose {arguments[0]}` ended with {done.returncode}; "
                f"see {self._log_file}"
            )


def at_target(
    target: str, kafka: str | None, aws: str | None, transport: Transport = Transport.KAFKA
) -> Endpoints | None:
    """Where the parts of a target are; None for our own. UsageError for options that do not fit."""
    if target == "foreign":
        if transport == Transport.KINESIS:
            kafka = kafka or ""  # no brokers are needed
        if kafka is None or aws is None:
            raise UsageError("expected --kafka and --aws with --target foreign, found not both")
        return Endpoints(kafka=kafka, aws=aws, kafka_of_functions=kafka)
    if kafka is not None or aws is not None:
        raise UsageError(
            f"expected --kafka and --aws only with --target foreign, found target {target}"
        )
    return DOCKER if target == "docker" else None


@contextmanager
def containers(target: str, log_file: Path) -> Iterator[None]:
    """What a target needs beside our own processes, while it runs: containers for `docker`."""
    if target != "docker":
        yield
        return
    compose = Compose(log_file)
    compose.up()
    try:
        yield
    finally:
        compose.down()


def has_compose() -> bool:
    """Whether this machine's Docker client knows `docker compose`."""
    if shutil.which("docker") is None:
        return False
    done = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return done.returncode == 0


def _until(holds: Callable[[], bool], timeout_s: float, what: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimedOutError(f"{what} did not answer within {timeout_s:g} s; is it running?")
        time.sleep(POLL_S)


def _connects(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 0.5).close()
    except OSError:
        return False
    return True
