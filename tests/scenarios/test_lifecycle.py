"""Our own State and Enforcement from the first deploy to an empty account, on the emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.teardown_room import EXPIRES_AT, Room, deployed
from support.whole_account import STUDENT, settings

from local.deploy import deploy
from stacks.application import add_offline_stacks, new_app
from stacks.teardown import Teardown

PREFIX = f"marginwatch-{STUDENT}"
# Nothing feeds the router here: what is deployed is what counts.
UNFED = {"FeedRouter": "false"}
ROW = {"pk": {"S": "ACCT#1"}, "sk": {"S": "STATE"}}


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assembly")
    app, chosen = new_app(folder, check_templates=False), settings()
    Teardown(app, f"{PREFIX}-teardown", chosen)
    add_offline_stacks(app, chosen)
    app.synth()
    return folder


@pytest.fixture
def room(tmp_path: Path, assembly: Path) -> Iterator[Room]:
    with deployed(tmp_path / "aws", assembly, UNFED) as made:
        yield made


def use(room: Room) -> None:
    """A row, a locked record, and a log line."""
    table, bucket = room.outputs["TableName"], room.outputs["AuditBucket"]
    room.client("dynamodb").put_item(TableName=table, Item=ROW)
    room.client("s3").put_object(Bucket=bucket, Key="audit/1.json", Body=b"{}")
    room.client("lambda").invoke(FunctionName=room.outputs["SweeperName"], Payload=b"{}")


def speed_of(room: Room) -> str:
    found = room.client("lambda").get_function_configuration(
        FunctionName=room.outputs["RouterName"]
    )
    speed: str = found["Environment"]["Variables"]["LADDER_SPEED"]
    return speed


def test_deploy_update_destroy_leaves_nothing(room: Room, assembly: Path) -> None:
    use(room)
    kinds = {kind for kind, _ in room.left()}
    assert {"table", "bucket", "Lambda function", "state machine", "SNS topic", "stack"} <= kinds

    changed = {"ExpiresAt": EXPIRES_AT, "LadderSpeed": "60", **UNFED}
    deploy(room.emulator.endpoint, assembly, changed)
    assert speed_of(room) == "60"
    table = room.outputs["TableName"]
    assert room.client("dynamodb").get_item(TableName=table, Key=ROW)["Item"] == ROW

    room.send_calls_through()  # the update has set the functions back
    ended = room.run()
    assert ended["status"] == "SUCCEEDED", (ended.get("error"), ended.get("cause"))
    assert json.loads(ended["output"])["problems"] == ""
    assert room.left() == []
    gone = [name for operation, name in room.proxy.changes() if operation == "DeleteStack"]
    assert gone == [f"{PREFIX}-enforcement", f"{PREFIX}-state"]


def test_a_planted_leftover_is_found_and_alarmed(room: Room) -> None:
    bucket = f"{PREFIX}-notebook"
    room.client("s3").create_bucket(Bucket=bucket)
    assert room.run()["error"] == "TeardownIncomplete"
    assert room.left() == [("bucket", bucket)]
    (notice,) = room.notices()
    assert notice["left"] == [f"bucket {bucket}, found by its name"]
