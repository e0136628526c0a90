"""The command as a person runs it: in a folder, with its own output, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from support.waiting import wait_until

COMMAND = [sys.executable, "-m", "local.cli"]
ROOT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "140"}


def run(folder: Path, *arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """`marginwatch ARGUMENTS` in the folder, to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        stdin=subprocess.DEVNULL,
        check=False,
    )


class Background:
    """`marginwatch ARGUMENTS` started in the folder, its output in files beside it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.out, self.err = folder / "stdout.txt", folder / "stderr.txt"
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(
                [*COMMAND, *arguments],
                cwd=folder,
                env=environment(),
                stdout=out,
                stderr=err,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def wait_for_json(self, timeout_s: float) -> dict[str, Any]:
        """The one object on its standard output, once it is whole."""
        wait_until(lambda: self._parsed() is not None or self.ended, timeout_s)
        found = self._parsed()
        assert found is not None, f"no JSON; standard error was:\n{self.err.read_text()}"
        return found

    def _parsed(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(self.out.read_text())
        except ValueError:
            return None
        return found

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def note(self, timeout_s: float = 90) -> dict[str, Any]:
        """What it says of its running system, once it is up; not what an earlier run said."""
        wait_until(lambda: self._own_note() or self.ended, timeout_s)
        found = self._own_note()
        assert found, f"it never came up:\n{self.err.read_text()}"
        return found

    def _own_note(self) -> dict[str, Any]:
        path = self.folder / ".marginwatch" / "running.json"
        try:
            found: dict[str, Any] = json.loads(path.read_text())
        except FileNotFoundError:
            return {}
        return found if found["pid"] == self.process.pid else {}

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def wait(self, timeout_s: float) -> int:
        return self.process.wait(timeout_s)

    def end(self) -> None:
        """Whatever became of the test: it ends, and what it started with it."""
        if not self.ended:
            self.process.terminate()
            self.wait(30)


@dataclass(frozen=True, slots=True)
class KeptDemo:
    """A demo after its verdict, its system still up."""

    process: Background
    found: dict[str, Any]
    note: dict[str, Any]

    @property
    def folder(self) -> Path:
        return self.process.folder


@contextmanager
def kept(folder: Path, *options: str) -> Iterator[KeptDemo]:
    """`marginwatch demo --json --keep` in the folder; afterwards nothing of it is left."""
    process = Background(folder, "demo", "--json", "--keep", *options)
    try:
        found, note = process.wait_for_json(300), process.note()
        yield KeptDemo(process, found, note)
        assert run(folder, "down").returncode == 0
        process.wait(20)
        assert leftovers(note["run_id"]) == []
    finally:
        process.end()


def leftovers(run_id: str) -> list[str]:
    """The command lines of every process that carries the run's id."""
    return [line for line, mark, _ in _marked() if mark == run_id]


def marked_processes(folder: Path) -> list[str]:
    """The command lines of every process of a run that was started in the folder."""
    return [line for line, _, where in _marked() if where == str(folder)]


def _marked() -> Iterator[tuple[str, str, str]]:
    """Command line, run id and starting folder of every process of any run."""
    for process in psutil.process_iter():
        try:
            if mark := process.environ().get("MARGINWATCH_RUN"):
                yield " ".join(process.cmdline())[:120], mark, process.cwd()
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
