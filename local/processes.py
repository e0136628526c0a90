"""Child processes of the offline system: start, stop, measure, and never leave one behind.

Every child leads a session of its own and carries the run's id in its environment. A `Keeper`, one
small process, holds a pipe from the supervisor and clears up when the supervisor dies.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from local.errors import NotRunningError, TimedOutError

RUN_VARIABLE = "MARGINWATCH_RUN"
REPOSITORY = Path(__file__).resolve().parent.parent
KEEPER_GRACE_S = 4.0
POLL_S = 0.02

log = logging.getLogger("marginwatch.processes")


def new_run_id() -> str:
    return secrets.token_hex(8)


def child_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment, with the repository first on the children's import path.

    So `local`, `margin`, `functions` and `spark_jobs` import from any current directory, in
    Spark's Python workers too.
    """
    return os.environ | {"PYTHONPATH": import_path()} | dict(extra or {})


def import_path() -> str:
    known = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    return os.pathsep.join(dict.fromkeys([str(REPOSITORY), *known]))


def python_module(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module of this repository on this interpreter."""
    return [sys.executable, "-m", module, *arguments]


class StopRequest:
    """A wish to end, from a signal or from another thread. A plain flag: safe in a handler."""

    def __init__(self) -> None:
        self.requested = False

    def on_signals(self) -> StopRequest:
        """SIGTERM and Ctrl-C set it."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.set())
        return self

    def set(self) -> None:
        self.requested = True

    def wait(self, seconds: float) -> bool:
        """Sleep, but not past the request. True once it was made."""
        deadline = time.monotonic() + seconds
        while not self.requested and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, POLL_S))
        return self.requested


class Child:
    """A process that leads its own session, its output in a log file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log_file: Path,
        *,
        run_id: str | None = None,
        environment: Mapping[str, str] | None = None,
        stdin_pipe: bool = False,
    ) -> None:
        """`environment` replaces the usual one (see child_environment) where given."""
        self.name, self.log_file = name, log_file
        full = dict(child_environment() if environment is None else environment)
        if run := run_id or os.environ.get(RUN_VARIABLE):
            full[RUN_VARIABLE] = run
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=full,
                stdin=subprocess.PIPE if stdin_pipe else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative where a signal ended it."""
        return self._process.poll()

    @property
    def running(self) -> bool:
        return self.exit_code is None

    @property
    def stdin(self) -> IO[bytes] | None:
        return self._process.stdin

    def wait(self, timeout_s: float) -> bool:
        """True once it has ended, False where it still runs after the time."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait_until_ready(
        self, ready: Callable[[], bool], timeout_s: float, poll_s: float = POLL_S
    ) -> None:
        """Return once `ready()`.

        Raises NotRunningError where the process ends first and TimedOutError where time runs out;
        both name the log and its last lines.
        """
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.running:
                raise NotRunningError(
                    f"{self.name} ended with {self.exit_code}; {self.last_words()}"
                )
            if time.monotonic() > deadline:
                raise TimedOutError(
                    f"{self.name} was not ready within {timeout_s:g} s; {self.last_words()}"
                )
            time.sleep(poll_s)

    def last_words(self, lines: int = 3) -> str:
        """The end of its log on one line, with the log's path."""
        text = self.log_file.read_text(encoding="utf-8", errors="replace")
        tail = " | ".join(line.strip() for line in text.splitlines()[-lines:] if line.strip())
        return f"see {self.log_file}" + (f": {tail}" if tail else "")

    def stop(self, grace_s: float = 5.0) -> float:
        """SIGTERM, then SIGKILL to whatever is left of its session. The seconds it took."""
        began = time.monotonic()
        if self.running:
            self._process.terminate()
            if not self.wait(grace_s):
                log.warning("%s did not end within %g s and is killed", self.name, grace_s)
        self.kill()
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL to the whole session, the leader included."""
        kill_group(self.pid)
        self._process.wait()
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()


def kill_group(group: int, signal_number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a process group; nothing where it is gone already."""
    # macOS answers EPERM for a group of which only zombies are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal_number)


def is_alive(pid: int) -> bool:
    """False for a process that has ended, also where nobody has collected it yet."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def family(pids: Iterable[int]) -> list[psutil.Process]:
    """The processes and all their descendants, each once."""
    found: dict[int, psutil.Process] = {}
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(pid)
            for process in [parent, *parent.children(recursive=True)]:
                found[process.pid] = process
    return list(found.values())


def resident_bytes(pids: Iterable[int]) -> int:
    """Resident memory of the processes and all their descendants. Shared pages count each time."""
    total = 0
    for process in family(pids):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += int(process.memory_info().rss)
    return total


def processes_of_run(run_id: str) -> list[psutil.Process]:
    """Every process of this user whose environment carries the run's id."""
    found = []
    for process in psutil.process_iter():
        # Other users' processes and those that end meanwhile are not ours to look into.
        with contextlib.suppress(psutil.AccessDenied, psutil.NoSuchProcess):
            if process.environ().get(RUN_VARIABLE) == run_id:
                found.append(process)
    return found


class Keeper:
    """The one process that outlives a supervisor that is killed, and clears up after it.

    It does nothing while the supervisor lives. When the pipe from the supervisor ends it sends
    SIGTERM to every watched group, waits a little, and kills them and whatever else carries the
    run's id. A clean stop says so first, and then it only sweeps what carries the id.
    """

    def __init__(self, run_id: str, log_file: Path) -> None:
        command = python_module("local.keeper", run_id, str(os.getpid()))
        self._child = Child("keeper", command, log_file, run_id=run_id, stdin_pipe=True)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.running

    def watch(self, child_or_pid: Child | int, *, terminate: bool = True) -> None:
        """Clear this process group up when the supervisor dies.

        `terminate=False` for one that saves and ends by itself at the end of its standard input:
        it gets the same time, but no SIGTERM in between.
        """
        pid = child_or_pid if isinstance(child_or_pid, int) else child_or_pid.pid
        self._say(f"{'watch' if terminate else 'watch-quietly'} {pid}")

    def forget(self, child_or_pid: Child | int) -> None:
        """No longer clear this group up: it was stopped, its id may be another's soon."""
        pid = child_or_pid if isinstance(child_or_pid, int) else child_or_pid.pid
        self._say(f"forget {pid}")

    def close(self) -> None:
        """After a clean stop: one last sweep, then the keeper is gone too."""
        self._say("done")
        if self._child.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._child.stdin.close()
        self._child.wait(KEEPER_GRACE_S + 6)
        self._child.kill()

    def _say(self, line: str) -> None:
        if self._child.stdin is None or not self._child.running:
            raise NotRunningError(f"the keeper has ended; {self._child.last_words()}")
        self._child.stdin.write(f"{line}\n".encode())
        self._child.stdin.flush()
