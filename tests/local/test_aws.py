"""`marginwatch aws` against an emulated account: what it runs, says, finds and prices."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result
from support.account_proxy import AccountProxy
from support.whole_account import WholeAccount

from local.aws import deploying, jobs
from local.aws.account import Account
from local.aws.deploying import Choice
from local.cli import cli
from local.emr_package import Package
from local.errors import FindingError, LocalError, MissingPrerequisiteError
from local.player import opening_messages, step_messages
from local.ports import free_port
from local.scenario import find, load

STUDENT = "bea"
AT = datetime(2026, 11, 26, 14, 0, 30, tzinfo=UTC)
ROLE = "arn:aws:iam::000000000000:role/any"
CONTROLLER = """
def handler(event, context):
    if event["action"] == "stop":
        raise ValueError("no run to stop")
    return {"asked": event}
"""

# A teardown that has nothing to take down, under the name of the real one.
TEARDOWN = {
    "Resources": {
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "StateMachineName": f"marginwatch-{STUDENT}-teardown",
                "RoleArn": ROLE,
                "DefinitionString": json.dumps(
                    {
                        "StartAt": "Begin",
                        "States": {
                            "Begin": {"Type": "Pass", "Next": "Verified"},
                            "Verified": {"Type": "Succeed"},
                        },
                    }
                ),
            },
        }
    }
}


@dataclass(frozen=True, slots=True)
class Place:
    proxy: AccountProxy
    account: Account

    def run(self, *arguments: str) -> Result:
        where = ("--student", STUDENT, "--region", "us-east-1", "--endpoint-url")
        return CliRunner().invoke(cli, ["aws", *arguments, *where, self.proxy.endpoint])

    def publish(self, **values: str) -> None:
        for name, value in values.items():
            address = f"/marginwatch/{STUDENT}/{name.replace('_', '-')}"
            self.account.client("ssm").put_parameter(
                Name=address, Value=value, Type="String", Overwrite=True
            )


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeAccount]:
    with WholeAccount(tmp_path_factory.mktemp("aws"), free_port()) as emulator:
        yield emulator


@pytest.fixture
def place(emulated: WholeAccount, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with AccountProxy(emulated.endpoint) as proxy:
        yield Place(proxy, Account("us-east-1", proxy.endpoint))


def test_a_clean_account_is_said_to_be_clean(place: Place) -> None:
    done = place.run("verify-clean")
    assert (done.exit_code, done.stdout) == (0, "nothing is left\n"), done.exception


def test_a_planted_leftover_is_named_and_priced_and_ends_in_1(place: Place) -> None:
    place.proxy.clusters[f"marginwatch-{STUDENT}"] = f"marginwatch-{STUDENT}-transport"
    place.proxy.clusters["marginwatch-beatrix"] = "marginwatch-beatrix-transport"
    done = place.run("verify-clean")
    assert isinstance(done.exception, FindingError)
    assert done.exception.exit_code == 1
    assert "1 left at $0.7500 an hour" in str(done.exception)
    (line,) = done.stdout.splitlines()
    assert "$   0.7500/h" in line
    assert f"marginwatch-{STUDENT}  (by name)" in line
    found = json.loads(place.run("leftovers", "--json").stdout)
    assert (found["clean"], found["usd_an_hour"]) == (False, "0.75")


def test_a_listing_that_is_refused_is_not_clean(place: Place) -> None:
    place.proxy.refusals["kinesis", "ListStreams"] = "AccessDeniedException"
    done = place.run("verify-clean")
    assert isinstance(done.exception, FindingError)
    assert "1 listings unread" in str(done.exception)
    assert "nothing is left" not in done.stdout


def test_without_credentials_one_line_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    error = (
        CliRunner()
        .invoke(cli, ["aws", "verify-clean", "--student", STUDENT, "--region", "us-east-1"])
        .exception
    )
    assert isinstance(error, MissingPrerequisiteError)
    assert "expected AWS credentials" in str(error)
    assert "aws sso login" in str(error)
    assert "\n" not in str(error)


def test_doctor_says_what_an_account_lacks(place: Place) -> None:
    arguments = ["aws", "doctor", "--region", "us-east-1", "--endpoint-url", place.proxy.endpoint]
    done = CliRunner().invoke(cli, [*arguments, "--json"])
    assert isinstance(done.exception, MissingPrerequisiteError)
    found = {check["name"]: check for check in json.loads(done.stdout)}
    assert found["credentials"]["ok"] is True
    assert found["bootstrap"]["ok"] is False
    assert "bootstrap" in found["bootstrap"]["advice"]
    place.account.client("ssm").put_parameter(
        Name="/cdk-bootstrap/hnb659fds/version", Value="28", Type="String"
    )
    again = CliRunner().invoke(cli, arguments)
    place.account.client("ssm").delete_parameter(Name="/cdk-bootstrap/hnb659fds/version")
    assert "ok  bootstrap              version 28" in again.stdout


def test_deploy_says_its_price_and_end_before_anything_is_made() -> None:
    done = CliRunner().invoke(cli, ["aws", "deploy", "--student", STUDENT, "--dry-run"])
    price, why, end, first, rest = done.stdout.splitlines()
    assert "a month left idle" in price
    assert int(price.partition("and $")[2].partition(" ")[0]) > 500
    assert "whatever flows" in why
    assert "in 4 hours" in end
    assert f" marginwatch-{STUDENT}-teardown " in first
    assert first.count("marginwatch-") == 1
    assert rest.count("marginwatch-") == len(deploying.STACKS) - 1


def test_an_address_brings_a_budget() -> None:
    asked = ["aws", "deploy", "--student", STUDENT, "--dry-run"]
    plain = CliRunner().invoke(cli, asked).stdout
    told = CliRunner().invoke(cli, [*asked, "--email", "a@b.edu", "--budget-usd", "40"]).stdout
    assert "email" not in plain
    assert told.count("-c email=a@b.edu -c budget_usd=40") == 2


def test_the_cdk_is_asked_for_exactly_this(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen"
    npx = tmp_path / "npx"
    npx.write_text(f'#!/bin/sh\necho "$AWS_REGION $@" >> {seen}\n')
    npx.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    choice = Choice(student=STUDENT, transport="kinesis", ttl_hours=2)
    expires_at = deploying.expiry(choice, AT)
    for command in deploying.deploy_commands(choice, expires_at):
        deploying.run(command, "eu-west-1")
    context = (
        f"-c student={STUDENT} -c profile=class -c transport=kinesis -c esm_mode=on-demand "
        "-c ttl_hours=2 -c expires_at=2026-11-26T16:00:00Z"
    )
    names = [f"marginwatch-{STUDENT}-{name}" for name in deploying.STACKS[1:]]
    assert seen.read_text().splitlines() == [
        f"eu-west-1 --yes aws-cdk@2.1148.1 deploy marginwatch-{STUDENT}-teardown "
        f"--require-approval never {context}",
        f"eu-west-1 --yes aws-cdk@2.1148.1 deploy {' '.join(names)} "
        f"--require-approval never {context}",
    ]


def test_a_cdk_that_fails_or_is_not_there_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = deploying.hotswap_command(Choice(student=STUDENT), AT)
    assert command[3:7] == [
        "deploy", f"marginwatch-{STUDENT}-enforcement", "--hotswap", "--exclusively",
    ]  # fmt: skip
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPrerequisiteError, match="install Node 22"):
        deploying.run(command, None)
    npx = tmp_path / "npx"
    npx.write_text("#!/bin/sh\nexit 7\n")
    npx.chmod(0o755)
    with pytest.raises(FindingError, match="`cdk deploy` ended with 7"):
        deploying.run(command, None)


def test_outputs_are_what_the_stacks_published(place: Place) -> None:
    assert isinstance(place.run("outputs").exception, FindingError)
    place.publish(table_name="accounts", artifact_bucket="b")
    found = json.loads(place.run("outputs").stdout)
    assert found == {"artifact-bucket": "b", "table-name": "accounts"}
    for name in found:
        place.account.client("ssm").delete_parameter(Name=f"/marginwatch/{STUDENT}/{name}")


def test_the_job_is_asked_through_its_controller(place: Place) -> None:
    assert "deploy first" in str(place.run("job", "status").exception)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", CONTROLLER)
    place.account.client("lambda").create_function(
        FunctionName="controller-of-bea", Runtime="python3.13", Handler="index.handler",
        Role=ROLE, Code={"ZipFile": code.getvalue()},
    )  # fmt: skip
    place.publish(job_controller="controller-of-bea")
    assert json.loads(place.run("job", "status").stdout) == {"asked": {"action": "status"}}
    assert "no run to stop" in str(place.run("job", "stop").exception)


def test_a_package_is_uploaded_once_and_its_job_started(place: Place, tmp_path: Path) -> None:
    files = {"margin_stream.py": b"main()", "jars/a.jar": b"jar"}
    for name, body in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
    package = Package(
        folder=tmp_path, version="v1", jars=("a.jar",),
        sizes={name: len(body) for name, body in files.items()},
    )  # fmt: skip
    place.account.client("s3").create_bucket(Bucket="artifacts-of-bea")
    place.publish(
        artifact_bucket="artifacts-of-bea",
        checkpoint_bucket="checkpoints-of-bea",
        kafka_bootstrap="b-1:9098",
    )
    assert jobs.upload(place.account, STUDENT, package) == "s3://artifacts-of-bea/packages/v1"
    before = len(place.proxy.calls)
    jobs.upload(place.account, STUDENT, package)
    assert [c for c in place.proxy.calls[before:] if "Put" in c[1]] == []
    started = jobs.start(place.account, Choice(student=STUDENT), package)["asked"]["job"]
    submit = started["jobDriver"]["sparkSubmit"]
    assert submit["entryPoint"] == "s3://artifacts-of-bea/packages/v1/margin_stream.py"
    assert submit["entryPointArguments"][:6] == [
        "--transport", "kafka", "--servers", "b-1:9098", "--auth", "iam",
    ]  # fmt: skip
    assert started["executionTimeoutMinutes"] == 240


FEEDER = """
import boto3, json
def handler(event, context):
    table = boto3.client("dynamodb")
    for number, m in enumerate(event["messages"]):
        table.put_item(TableName="fed-to-bea", Item={
            "pk": {"S": m["channel"] + context.aws_request_id}, "sk": {"S": f"{number:04}"},
            "value": {"S": m["value"]}})
    return {"fed": len(event["messages"])}
"""


def test_a_scenario_is_fed_in_order_and_each_account_is_told_of(place: Place) -> None:
    assert isinstance(place.run("seed-data").exception, Exception)
    client = place.account.client
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", FEEDER)
    for name in ("fed-to-bea", "accounts-of-bea"):
        client("dynamodb").create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
        )  # fmt: skip
    client("lambda").create_function(
        FunctionName=f"marginwatch-{STUDENT}-feeder", Runtime="python3.13",
        Handler="index.handler", Role=ROLE, Code={"ZipFile": code.getvalue()}, Timeout=60,
    )  # fmt: skip
    place.publish(accounts_table="accounts-of-bea")
    scenario = load(find("nvda-selloff"))
    seeded = place.run("seed-data")
    assert seeded.stdout == f"{len(opening_messages(scenario, 0))} events\n", seeded.exception
    played = place.run("demo", "--pause-s", "0")
    assert played.exception is None, played.exception
    assert len(played.stderr.splitlines()) == len(scenario.steps) + 1
    assert played.stdout.count("not enforced") == len(scenario.accounts)
    fed = client("dynamodb").scan(TableName="fed-to-bea", Select="COUNT")["Count"]
    steps = sum(len(step_messages(s, n, 0)) for n, s in enumerate(scenario.steps, start=1))
    assert fed == 2 * len(opening_messages(scenario, 0)) + steps
    client("lambda").delete_function(FunctionName=f"marginwatch-{STUDENT}-feeder")
    # A function's own log group outlives it, and would be found.
    client("logs").delete_log_group(logGroupName=f"/aws/lambda/marginwatch-{STUDENT}-feeder")
    client("ssm").delete_parameter(Name=f"/marginwatch/{STUDENT}/accounts-table")


def test_destroy_follows_the_teardown_and_looks_afterwards(place: Place) -> None:
    assert "nothing is deployed" in str(place.run("destroy", "--yes").exception)
    cloudformation = place.account.client("cloudformation")
    stack = f"marginwatch-{STUDENT}-teardown"
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps(TEARDOWN))
    done = place.run("destroy", "--yes", "--poll-s", "0.1")
    assert done.exception is None, done.exception
    assert done.stderr.splitlines() == ["Begin", "Verified"]
    assert done.stdout == "nothing is left\n"
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName=stack)


@pytest.mark.parametrize("name", ["deploy", "destroy"])
def test_nothing_is_done_without_a_yes(
    place: Place, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Callable[..., Any]:
        raise AssertionError("not to be called")

    monkeypatch.setattr("local.aws.deploying.run", refuse)
    monkeypatch.setattr("local.aws.destroying.start", refuse)
    done = place.run(name)
    assert done.exit_code == 1
    assert not isinstance(done.exception, LocalError | AssertionError)
