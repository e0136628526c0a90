import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.looking import alive
from support.waiting import wait_until

from local.errors import NotRunningError, TimedOutError
from local.processes import (
    REPOSITORY,
    RUN_VARIABLE,
    Child,
    StopRequest,
    family,
    new_run_id,
    processes_of_run,
    resident_bytes,
)

# Prints its grandchild's id, then waits; deaf to SIGTERM where it is told so.
PARENT = """
import signal, subprocess, sys, time
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def python(source: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", source, *arguments]


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "child.log"


@pytest.fixture
def children() -> Iterator[list[Child]]:
    """Whatever is put in here is killed after the test."""
    started: list[Child] = []
    yield started
    for child in started:
        child.kill()


def printed(log_file: Path) -> int:
    wait_until(lambda: log_file.exists() and log_file.read_text().endswith("\n"))
    return int(log_file.read_text().splitlines()[-1])


@pytest.mark.parametrize("deaf", [False, True], ids=["ends at SIGTERM", "is deaf to SIGTERM"])
def test_stop_leaves_nothing_of_the_session(
    children: list[Child], log_file: Path, deaf: bool
) -> None:
    child = Child("x", python(PARENT, *["deaf"] * deaf), log_file)
    children.append(child)
    grandchild = printed(log_file)
    took_s = child.stop(grace_s=0.4)
    wait_until(lambda: not alive(grandchild))
    assert not child.running
    assert child.exit_code == (-signal.SIGKILL if deaf else -signal.SIGTERM)
    assert (took_s >= 0.4) == deaf


def test_child_leads_its_own_session_and_carries_the_run_id(
    children: list[Child], log_file: Path
) -> None:
    run_id = new_run_id()
    child = Child("x", python(PARENT), log_file, run_id=run_id)
    children.append(child)
    grandchild = printed(log_file)
    assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid
    assert {p.pid for p in processes_of_run(run_id)} == {child.pid, grandchild}
    assert {p.pid for p in family([child.pid])} == {child.pid, grandchild}
    assert resident_bytes([child.pid]) > resident_bytes([grandchild]) > 1_000_000


def test_child_imports_the_rooms_from_any_current_directory(
    tmp_path: Path, log_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = "import local, margin, functions, spark_jobs; print(margin.__path__[0])"
    child = Child("x", python(source), log_file)
    assert child.wait(20)
    assert log_file.read_text().strip() == str(REPOSITORY / "margin")


def test_a_minimal_environment_keeps_the_run_id(log_file: Path) -> None:
    source = f"import os; print(sorted(os.environ), os.environ['{RUN_VARIABLE}'])"
    child = Child("x", python(source), log_file, run_id="r1", environment={"LC_ALL": "C"})
    assert child.wait(20)
    assert log_file.read_text().strip() == f"['LC_ALL', '{RUN_VARIABLE}'] r1"


def test_a_child_that_ends_before_it_is_ready_is_an_error_with_its_last_words(
    log_file: Path,
) -> None:
    child = Child("the part", python("import sys; sys.exit('no disk left')"), log_file)
    with pytest.raises(NotRunningError, match=r"the part ended with 1; see .*log: no disk left"):
        child.wait_until_ready(lambda: False, 20)


def test_a_child_that_is_never_ready_is_an_error(children: list[Child], log_file: Path) -> None:
    children.append(Child("the part", python(PARENT), log_file))
    with pytest.raises(TimedOutError, match=r"the part was not ready within 0\.1 s"):
        children[0].wait_until_ready(lambda: False, 0.1)


def test_a_wait_ends_at_the_stop_request() -> None:
    stop = StopRequest()
    assert not stop.wait(0.01)
    stop.set()
    assert stop.wait(60)
