"""The folder `.marginwatch/`: where each part keeps its data, and the note of what is running."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from local.errors import NotRunningError
from local.processes import is_alive

if TYPE_CHECKING:
    from local.lines import Line

NAME = ".marginwatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a running system tells the other commands: no secrets, only where things are.

    `kafka` is empty where Kinesis streams carry the channels, `stream_prefix` where Kafka does.
    """

    pid: int
    pid_started: float
    run_id: str
    started_at: str
    kafka: str
    aws: str
    outputs: dict[str, str]
    parts: dict[str, int]
    stream_prefix: str = ""

    @property
    def line(self) -> Line:
        """What carries its channels."""
        from local.lines import KafkaLine, KinesisLine

        if self.stream_prefix:
            return KinesisLine(self.aws, self.stream_prefix)
        return KafkaLine(self.kafka)


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Paths of one system. Everything it writes is below `root`."""

    root: Path

    @classmethod
    def here(cls) -> StateFolder:
        return cls(Path.cwd() / NAME)

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def audit(self) -> Path:
        return self.root / "audit"

    @property
    def assembly(self) -> Path:
        return self.root / "assembly"

    @property
    def note(self) -> Path:
        return self.root / "running.json"

    def part(self, name: str) -> Path:
        return self.root / name

    def forget(self) -> None:
        """Remove what an earlier run left; the synthesized assembly is kept, it is only a cache."""
        for name in ("kafka", "spark", "aws", "logs", "audit"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        self.note.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one system a folder. Raises NotRunningError where another one is up."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                raise NotRunningError(
                    f"expected no other system in {self.root}, found one running "
                    f"(pid {file.read().strip() or 'unknown'}); end it with `marginwatch down`"
                ) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def write_note(self, running: Running) -> None:
        temporary = self.note.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(running), indent=1))
        temporary.replace(self.note)

    def running(self) -> Running:
        """The system that runs in this folder. Raises NotRunningError where there is none."""
        try:
            running = Running(**json.loads(self.note.read_text()))
        except FileNotFoundError:
            raise self._not_running() from None
        if not _is_the_same(running.pid, running.pid_started):
            raise self._not_running()
        return running

    def _not_running(self) -> NotRunningError:
        return NotRunningError(
            f"expected a running system in {self.root}, found none; "
            "start one with `marginwatch up` or `marginwatch demo --keep`"
        )


def _is_the_same(pid: int, started: float) -> bool:
    """Whether the process still runs; its number may have gone to another one since."""
    try:
        return is_alive(pid) and bool(abs(psutil.Process(pid).create_time() - started) < 1)
    except psutil.NoSuchProcess:
        return False
