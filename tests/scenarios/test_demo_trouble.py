"""The demo when something is wrong: it says what, ends everything, and the next run works."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.command import Background, KeptDemo, kept, leftovers, marked_processes, run
from support.waiting import wait_until

from local.scenario import FOLDER

# Python ends itself with SIGINT where Ctrl-C came in the middle of certain imports, whatever the
# program does about it. A shell shows both as 130.
INTERRUPTED = (130, -signal.SIGINT)

# It takes two to four seconds on a quiet machine and must take less than ten; a busy one gets
# more, because a test is no place to measure.
END_S = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the runs that are killed: the next run has to cope with what they left."""
    return tmp_path_factory.mktemp("killed")


@contextmanager
def taken(*ports: int) -> Iterator[None]:
    """Listen on the ports that are free; those that are not are taken already."""
    held = []
    for port in ports:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError:
            pass
        held.append(listener)
    try:
        yield
    finally:
        for listener in held:
            listener.close()


def test_a_port_that_was_asked_for_and_is_taken_is_one_clear_line(tmp_path: Path) -> None:
    with taken(19392):
        done = run(tmp_path, "demo", "--kafka-port", "19392")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "19392" in done.stderr


@pytest.mark.parametrize("part", ["spark", "Kafka", "AWS emulator"])
def test_a_part_that_is_killed_ends_the_demo_and_leaves_nothing(part: str, folder: Path) -> None:
    demo = Background(folder, "demo", "--json")
    note = demo.note()
    os.kill(note["parts"][part], signal.SIGKILL)
    code = demo.wait(END_S)
    assert code == 3, demo.err.read_text()
    assert f"{part} was killed by signal 9" in demo.err.read_text()
    assert leftovers(note["run_id"]) == []


def test_interrupting_ends_everything(folder: Path) -> None:
    demo = Background(folder, "demo", "--json")
    note = demo.note()
    demo.interrupt()
    assert demo.wait(END_S) in INTERRUPTED, demo.err.read_text()
    assert leftovers(note["run_id"]) == []


def test_interrupting_while_it_starts_leaves_nothing(folder: Path) -> None:
    demo = Background(folder, "demo", "--json")
    wait_until(lambda: "fetching" in demo.err.read_text(), 60)
    demo.interrupt()
    assert demo.wait(END_S) in INTERRUPTED, demo.err.read_text()
    assert marked_processes(folder) == []


def test_killing_the_command_itself_ends_everything(folder: Path) -> None:
    demo = Background(folder, "demo", "--json")
    note = demo.note()
    demo.process.kill()
    wait_until(lambda: not leftovers(note["run_id"]), 15)
    assert run(folder, "status").returncode == 3


@dataclass(frozen=True, slots=True)
class Two:
    """A demo where others died, told something wrong; and one over Kinesis that is kept."""

    wrong: Background
    kinesis: KeptDemo


@pytest.fixture(scope="module")
def two(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """Both at once, while the usual ports are taken; the wrong one has ended."""
    text = (FOLDER / "nvda-selloff.toml").read_text()
    wrong = text.replace('price = "342.40", quantity = "48"', 'price = "342.40", quantity = "49"')
    assert wrong != text
    (folder / "wrong.toml").write_text(wrong)
    with taken(9092, 4566):
        told_wrong = Background(folder, "demo", "wrong.toml")
        try:
            with kept(tmp_path_factory.mktemp("kinesis"), "--transport", "kinesis") as kinesis:
                told_wrong.wait(120)
                yield Two(told_wrong, kinesis)
        finally:
            told_wrong.end()


def test_two_at_once_each_have_their_own_verdict(two: Two) -> None:
    said = two.wrong.out.read_text()
    assert two.wrong.wait(0) == 1, two.wrong.err.read_text()
    assert "verdict: fail" in said
    assert "expected LIQUIDATION of 49 shares at 342.40, found LIQUIDATION of 48" in said
    assert (two.kinesis.found["verdict"], two.kinesis.found["differences"]) == ("pass", [])


def test_two_at_once_go_where_there_is_room(two: Two) -> None:
    assert "port 9092 is taken" in two.wrong.err.read_text()
    for demo in (two.wrong, two.kinesis.process):
        assert "port 4566 is taken" in demo.err.read_text()


def test_over_kinesis_no_kafka_is_started(two: Two) -> None:
    assert two.kinesis.note["kafka"] == ""
    assert set(two.kinesis.note["parts"]) == {"desk", "bridge", "spark", "AWS emulator"}
    assert not (two.kinesis.folder / ".marginwatch" / "kafka").exists()


def test_the_commands_read_kinesis(two: Two) -> None:
    folder = two.kinesis.folder
    accounts = run(folder, "accounts", "list", "--json")
    assert accounts.returncode == 0, accounts.stderr
    shown = {row["account_id"]: row["excess"] for row in json.loads(accounts.stdout)["accounts"]}
    assert shown["ACC_DEMO_001"] == "32.32"
    calls = run(folder, "observe", "margin.calls.v1", "--from-beginning", "--jsonl", "--limit", "1")
    assert json.loads(calls.stdout)["topic"] == "margin.calls.v1"
    assert "Kinesis at http://127.0.0.1" in run(folder, "status").stdout


@pytest.mark.usefixtures("two")
def test_up_takes_up_where_the_last_run_ended(folder: Path) -> None:
    """The open case goes on under its next attempt; nothing that was decided is lost."""
    assert run(folder, "up", "--detach", timeout_s=120).returncode == 0
    try:
        wait_until(lambda: "-2  " in run(folder, "workflow", "list").stdout, 30)
        listed = run(folder, "workflow", "list").stdout.splitlines()
        resumed = [line for line in listed if line.startswith("ACC_STRESS_003")]
        assert ["FAILED" in resumed[0], "RUNNING" in resumed[1]] == [True, True]
        assert run(folder, "audit", "verify").returncode == 0
    finally:
        assert run(folder, "down").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("demo", "nosuch"), 2, "nvda-selloff"),
        (("demo", "--speed", "0"), 2, "expected a speed"),
        (("status",), 3, "marginwatch up"),
        (("accounts",), 3, "marginwatch up"),
        (("workflow", "list"), 3, "marginwatch up"),
        (("observe",), 3, "marginwatch up"),
        (("observe", "fils.v1"), 2, "fills.v1"),
        (("down",), 3, "marginwatch up"),
        (("audit", "verify"), 2, "heads.json"),
        (("dmo",), 2, "did you mean 'demo'?"),
    ],
)
def test_a_mistake_is_one_clear_line(
    arguments: tuple[str, ...], code: int, said: str, tmp_path: Path
) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
