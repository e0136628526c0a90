"""A process for the length of a test, with everything it started."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from local.processes import child_environment, family


@contextlib.contextmanager
def started(
    command: Sequence[str], cwd: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Runs from `cwd` with its output as one text stream; ends with all its children."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=child_environment(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        for left in reversed(family([process.pid])):
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()
