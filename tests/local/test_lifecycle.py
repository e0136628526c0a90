"""Our own stacks, made, changed and taken down on the emulator: nothing of them is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.account_proxy import AccountProxy
from support.waiting import wait_until
from support.whole_account import WholeAccount

from functions.adapters.reaper import Reaper
from local.assembly import synthesize
from local.aws.account import Account
from local.cli import cli
from local.deploy import deploy
from local.errors import FindingError
from local.ports import free_port

STUDENT = "demo"
GIVEN = {"KafkaBootstrap": "127.0.0.1:9092", "KafkaAuth": "none", "FeedRouter": "false"}
STACKS = ("enforcement", "state")


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AccountProxy]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with (
        WholeAccount(tmp_path / "aws", free_port()) as emulator,
        AccountProxy(emulator.endpoint) as made,
    ):
        yield made


def verify(proxy: AccountProxy, *more: str) -> Result:
    where = ("--student", STUDENT, "--region", "us-east-1", "--endpoint-url", proxy.endpoint)
    return CliRunner().invoke(cli, ["aws", "verify-clean", *where, *more])


def test_stacks_are_made_changed_and_taken_down_and_nothing_is_left(
    proxy: AccountProxy, tmp_path: Path
) -> None:
    assert verify(proxy).exit_code == 0
    assembly = synthesize(tmp_path / "assembly", tmp_path / "synth.log", "lifecycle")
    outputs = deploy(proxy.target, assembly, GIVEN | {"LadderSpeed": "1"})
    account = Account("us-east-1", proxy.endpoint)
    found = json.loads(verify(proxy, "--json").stdout)
    kinds = {one["kind"] for one in found["leftovers"]}
    assert {"stack", "table", "bucket", "Lambda function", "state machine"} <= kinds

    changed = deploy(proxy.target, assembly, GIVEN | {"LadderSpeed": "60"})
    assert changed["TableName"] == outputs["TableName"]
    router = account.client("lambda").get_function_configuration(FunctionName=outputs["RouterName"])
    assert router["Environment"]["Variables"]["LADDER_SPEED"] == "60"

    account.client("s3").put_object(
        Bucket=outputs["AuditBucket"], Key="audit/v1/A/0000000001.json", Body=b"{}"
    )
    reaper = Reaper(account.client)
    names = [f"marginwatch-{STUDENT}-{name}" for name in STACKS]
    for name in names:
        wait_until(lambda name=name: reaper.remove_buckets(name) == [], 60)  # type: ignore[misc]
        wait_until(lambda name=name: reaper.delete_stack(name) == [], 60)  # type: ignore[misc]
    done = verify(proxy)
    assert (done.exit_code, done.stdout) == (0, "nothing is left\n")

    proxy.clusters[f"marginwatch-{STUDENT}"] = ""
    planted = verify(proxy)
    assert isinstance(planted.exception, FindingError)
    assert planted.exception.exit_code == 1
    assert "$   0.7500/h  MSK cluster" in planted.stdout
