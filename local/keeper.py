"""What the keeper process does: `python -m local.keeper RUN_ID SUPERVISOR_PID`, told by its stdin.

Lines: `watch PID`, `watch-quietly PID`, `forget PID`, `done`. At the end of stdin it clears up.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Iterable

import psutil

from local.processes import KEEPER_GRACE_S, kill_group, processes_of_run

log = logging.getLogger("marginwatch.keeper")


def main(run_id: str, supervisor_pid: int) -> None:
    # Ctrl-C in a terminal and the end of it are the supervisor's business; our word is the pipe.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    log.info("watching over run %s", run_id)
    watched = listen(sys.stdin)
    if watched:
        log.warning("the supervisor is gone: ending %d process groups", len(watched))
        end_groups(watched)
    sweep(run_id, spare={os.getpid(), supervisor_pid})


def listen(lines: Iterable[str]) -> dict[int, bool]:
    """Group -> whether it is asked with SIGTERM first, as known when the lines end."""
    watched: dict[int, bool] = {}
    for line in lines:
        match line.split():
            case ["watch" | "watch-quietly" as verb, pid]:
                watched[int(pid)] = verb == "watch"
            case ["forget", pid]:
                watched.pop(int(pid), None)
            case ["done"]:
                watched.clear()
            case _:
                log.error("expected watch, watch-quietly, forget or done, got %r", line)
    return watched


def end_groups(watched: dict[int, bool]) -> None:
    for group, terminate in watched.items():
        if terminate:
            kill_group(group, signal.SIGTERM)
    deadline = time.monotonic() + KEEPER_GRACE_S
    while any(map(group_lives, watched)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for group in watched:
        kill_group(group)


def group_lives(group: int) -> bool:
    """True while the group has a process that is more than a zombie nobody collected."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


def sweep(run_id: str, spare: set[int]) -> None:
    """Kill what carries the run's id; again until none is left, as one may be starting another."""
    for _ in range(20):
        left = [found for found in processes_of_run(run_id) if found.pid not in spare]
        if not left:
            return
        for process in left:
            log.warning("killing %d, left over from run %s", process.pid, run_id)
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=0.5)
    log.error("processes of run %s are still alive", run_id)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    main(sys.argv[1], int(sys.argv[2]))
