import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.looking import alive
from support.started import first_line, started
from support.waiting import wait_until

from local.keeper import listen
from local.processes import Child, Keeper, new_run_id, processes_of_run

# A supervisor: a child that dies at SIGTERM, one that is deaf to it, one that goes by itself, and
# one in a session of its own that nobody watches, as Spark's Python workers are.
SUPERVISOR = """
import subprocess, sys, time
from pathlib import Path
from local.processes import Child, Keeper
folder, run_id = Path(sys.argv[1]), sys.argv[2]
keeper = Keeper(run_id, folder / "keeper.log")
sleep = "import time; time.sleep(60)"
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
stray = (
    "import subprocess, sys\\n"
    f"subprocess.run([sys.executable, '-c', {sleep!r}], start_new_session=True)"
)
quiet = (
    "import signal, sys\\n"
    "signal.signal(signal.SIGTERM, lambda *_: print('asked', flush=True))\\n"
    "sys.stdin.read()\\nprint('saved', flush=True)"
)
children = []
for name, source in {"polite": sleep, "deaf": deaf, "stray": stray, "quiet": quiet}.items():
    child = Child(name, [sys.executable, "-c", source], folder / f"{name}.log", run_id=run_id,
                  stdin_pipe=name == "quiet")
    keeper.watch(child, terminate=name != "quiet")
    children.append(child)
print(keeper.pid, flush=True)
time.sleep(60)
"""


def test_keeper_ends_everything_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    run_id = new_run_id()
    with started([sys.executable, "-c", SUPERVISOR, str(tmp_path), run_id], tmp_path) as process:
        keeper = int(first_line(process))
        # four children, the stray's own child, the keeper
        wait_until(lambda: len(processes_of_run(run_id)) == 6)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(5)
        wait_until(lambda: not processes_of_run(run_id), timeout=12)
        wait_until(lambda: not alive(keeper))
    assert (tmp_path / "quiet.log").read_text() == "saved\n"
    assert (
        "the supervisor is gone: ending 4 process groups" in (tmp_path / "keeper.log").read_text()
    )


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Child]:
    source = "import time; time.sleep(60)"
    child = Child("x", [sys.executable, "-c", source], tmp_path / "x.log")
    yield child
    child.kill()


def test_a_clean_close_leaves_what_is_watched_and_ends_what_is_left_of_the_run(
    tmp_path: Path, sleeper: Child
) -> None:
    run_id = new_run_id()
    keeper = Keeper(run_id, tmp_path / "keeper.log")
    keeper.watch(sleeper)
    source = "import time; time.sleep(60)"
    left = Child("left", [sys.executable, "-c", source], tmp_path / "y.log", run_id=run_id)
    keeper.close()
    assert not keeper.running
    assert sleeper.running
    assert left.wait(5)
    assert left.exit_code == -signal.SIGKILL


def test_keeper_ignores_ctrl_c_and_sigterm(tmp_path: Path) -> None:
    keeper = Keeper(new_run_id(), tmp_path / "keeper.log")
    log_file = tmp_path / "keeper.log"
    wait_until(lambda: "watching over run" in log_file.read_text())
    os.kill(keeper.pid, signal.SIGINT)
    os.kill(keeper.pid, signal.SIGTERM)
    keeper.watch(os.getpid())  # still listening
    assert keeper.running
    keeper.close()


def test_keeper_knows_what_it_was_told_last() -> None:
    assert listen(["watch 5\n", "watch-quietly 6\n", "watch 7\n", "forget 5\n"]) == {
        6: False,
        7: True,
    }
    assert listen(["watch 5\n", "done\n"]) == {}
