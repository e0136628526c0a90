"""The teardown machine from start to end, on the emulator: order, locks, what is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from support.account_proxy import Application
from support.teardown_room import Room, deployed
from support.whole_account import STUDENT, synthesize

from local.aws.account import Account
from local.aws.destroying import end
from local.aws.leftovers import look
from local.cost.prices import HOURS_A_MONTH

PREFIX = f"marginwatch-{STUDENT}"
JOB, APPLICATION = "00job1", "00app1"
AUDIT, CHECKPOINTS = f"{PREFIX}-state-audit", f"{PREFIX}-risk-checkpoints"
STACKS = ("observability", "enforcement", "risk", "transport", "state")


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize(tmp_path_factory.mktemp("assembly"))


@pytest.fixture
def room(tmp_path: Path, assembly: Path) -> Iterator[Room]:
    with deployed(tmp_path / "aws", assembly, {}) as made:
        _use(made)
        yield made


def _use(room: Room) -> None:
    """A job runs, and there are objects: old versions, delete markers, locked ones."""
    room.proxy.applications[APPLICATION] = Application(
        id=APPLICATION, name=f"{PREFIX}-stream", stack=f"{PREFIX}-risk", runs={JOB: "RUNNING"}
    )
    room.proxy.clusters[PREFIX] = f"{PREFIX}-transport"
    s3 = room.client("s3")
    s3.put_object(Bucket=CHECKPOINTS, Key="checkpoints/offsets/0", Body=b"0")
    for body in (b"one", b"two"):
        s3.put_object(Bucket=AUDIT, Key="audit/1.json", Body=body)
    s3.delete_object(Bucket=AUDIT, Key="audit/1.json")
    assert len(s3.list_object_versions(Bucket=AUDIT)["Versions"]) == 2


def test_everything_goes_in_order_and_the_operator_is_told(room: Room) -> None:
    before = dict.fromkeys(kind for kind, _ in room.left())
    assert {
        "MSK cluster",
        "EMR job run",
        "Kinesis stream",
        "event source mapping",
        "bucket",
    } <= set(before)

    ended = room.run()

    assert ended["status"] == "SUCCEEDED", (ended.get("error"), ended.get("cause"))
    assert json.loads(ended["output"]) == {"outcome": "clean", "rounds": 1, "problems": ""}
    changes = room.proxy.changes()
    (mapping,) = [one for one in changes if one[0] == "UpdateEventSourceMapping"]
    assert changes == [
        mapping,
        ("CancelJobRun", JOB),
        ("StopApplication", APPLICATION),
        ("DeleteStack", f"{PREFIX}-observability"),
        ("DeleteStack", f"{PREFIX}-enforcement"),
        ("DeleteObjects", CHECKPOINTS),
        ("DeleteBucket", CHECKPOINTS),
        ("DeleteStack", f"{PREFIX}-risk"),
        ("DeleteStack", f"{PREFIX}-transport"),
        ("DeleteObjects", AUDIT),
        ("DeleteBucket", AUDIT),
        ("DeleteStack", f"{PREFIX}-state"),
    ]
    assert room.left() == []
    (notice,) = room.notices()
    assert notice["subject"] == "marginwatch: nothing is left"
    assert notice["outcome"] == "clean"


def test_then_its_own_stack_goes_and_nothing_at_all_is_left(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    account = Account("us-east-1", room.proxy.endpoint)
    assert room.run()["status"] == "SUCCEEDED"
    left = look(account, STUDENT)
    assert round(left.usd_an_hour * HOURS_A_MONTH, 2) == Decimal("0.30")

    end(account, STUDENT, poll_s=0.1)

    assert look(account, STUDENT).clean


def test_what_no_stack_holds_is_found_and_ends_in_an_alarm(room: Room) -> None:
    room.client("kinesis").create_stream(StreamName=f"{PREFIX}-forgotten", ShardCount=2)

    ended = room.run()

    assert ended["status"] == "FAILED"
    assert ended["error"] == "TeardownIncomplete"
    assert "Kinesis stream marginwatch-ana-forgotten" in ended["cause"]
    assert room.left() == [("Kinesis stream", f"{PREFIX}-forgotten")]
    (notice,) = room.notices()
    assert notice["alarm"] == "TeardownIncomplete"
    assert notice["left"] == [f"Kinesis stream {PREFIX}-forgotten, found by its name"]


def test_a_phase_that_fails_keeps_none_of_the_others_from_saving_money(room: Room) -> None:
    room.proxy.refusals["lambda", "GetEventSourceMapping"] = "AccessDeniedException"

    ended = room.run()

    assert ended["status"] == "SUCCEEDED", (ended.get("error"), ended.get("cause"))
    assert "DisableMappings: " in json.loads(ended["output"])["problems"]
    assert [name for kind, name in room.proxy.changes() if kind == "DeleteStack"] == [
        f"{PREFIX}-{stack}" for stack in STACKS
    ]
    assert room.left() == []
