"""Roles: exactly what the table of permissions says, and that is what the functions call."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.enforcement_world import ACCOUNT, BUCKET, TABLE, World

from functions import names
from functions.sweeper import CaseSweeper, sweep
from stacks.permissions import RUNGS, STEPS

TRANSACTION = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
TABLE_ARN = "marginwatch-state:ExportsOutputFnGetAttAccounts"
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
MACHINE_DELIVERY = {
    *("logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery"),
    *("logs:DeleteLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy"),
    *("logs:DescribeResourcePolicies", "logs:DescribeLogGroups"),
    *("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
    *("xray:GetSamplingRules", "xray:GetSamplingTargets"),
}


def granted(policies: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Action to the resources it is allowed on, written out as text."""
    found: dict[str, set[str]] = defaultdict(set)
    for policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            actions, resources = statement["Action"], statement["Resource"]
            for action in [actions] if isinstance(actions, str) else actions:
                listed = resources if isinstance(resources, list) else [resources]
                found[action] |= {written(resource) for resource in listed}
    return found


def written(resource: Any) -> str:
    match resource:
        case {"Fn::Join": ["", parts]}:
            return "".join(written(part) for part in parts)
        case {"Fn::ImportValue": name}:
            return str(name)
        case {"Fn::GetAtt": [name, "Arn"]} | {"Ref": name}:
            return str(name)
    return str(resource)


def of_step(assembly: Any, step: str) -> dict[str, set[str]]:
    role = assembly.one(assembly.enforcement, "AWS::IAM::Role", f"{step.title()}Role")
    return granted(role["Policies"])


ACTIONS = {
    "router": {
        *("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
        *("states:SendTaskSuccess", "states:StartExecution"),
    },
    **dict.fromkeys(
        ("evaluate", "warn", "call", "restrict", "liquidate"),
        {
            *("dynamodb:ConditionCheckItem", "dynamodb:GetItem"),
            *("dynamodb:PutItem", "dynamodb:UpdateItem"),
        },
    ),
    "close": {
        *("dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:GetItem"),
        *("dynamodb:PutItem", "dynamodb:UpdateItem"),
    },
    "publisher": {
        *("dynamodb:DeleteItem", "dynamodb:Query", "s3:GetObject", "s3:PutObject"),
        *("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
        "dynamodb:ListStreams",
    },
    "sweeper": {
        *("dynamodb:DeleteItem", "dynamodb:Query", "dynamodb:UpdateItem"),
        *("s3:GetObject", "s3:PutObject", "sns:Publish"),
        *("states:DescribeExecution", "states:StartExecution"),
    },
}


@pytest.mark.parametrize("step", STEPS)
def test_role_allows_exactly_this(assembly: Any, step: str) -> None:
    found = of_step(assembly, step)
    assert set(found) == ACTIONS[step] | LOGS
    for action, (resource, *others) in found.items():
        assert others == []
        service = action.partition(":")[0]
        machine = "arn:AWS::Partition:states:AWS::Region:AWS::AccountId"
        expected = {
            "dynamodb": TABLE_ARN,
            "logs": f"{step.title()}Logs",
            "s3": "marginwatch-state:ExportsOutputFnGetAttAudit",
            "sns": "marginwatch-state:ExportsOutputRefNotices",
            "states": f"{machine}:",
        }[service]
        assert resource.startswith(expected), (action, resource)
        assert ("*" in resource) == (
            action in {"dynamodb:ListStreams", "states:DescribeExecution"} or service == "s3"
        )


def test_audit_objects_can_be_added_and_never_removed(assembly: Any) -> None:
    for step in STEPS:
        found = of_step(assembly, step)
        assert not [one for one in found if one.startswith("s3:Delete") or "Retention" in one]
        for action in ("s3:PutObject", "s3:GetObject"):
            assert all(resource.endswith("/audit/*") for resource in found.get(action, ()))


def test_machine_role_allows_exactly_this(assembly: Any) -> None:
    role = assembly.one(assembly.enforcement, "AWS::IAM::Role", "LadderRole")
    found = granted(role["Policies"])
    assert set(found) == {"lambda:InvokeFunction", "dynamodb:UpdateItem", "sns:Publish"}
    invoked = sorted(name.partition("Function")[0].lower() for name in found["lambda:InvokeFunction"])
    assert invoked == sorted(RUNGS)
    added = granted([assembly.one(assembly.enforcement, "AWS::IAM::Policy", "LadderRole")])
    assert set(added) == MACHINE_DELIVERY
    assert {resource for resources in added.values() for resource in resources} == {"*"}


class Recorder:
    """A boto3 client that notes the IAM action of each call; paginators included."""

    def __init__(self, client: Any, actions: set[str]) -> None:
        self._client = client
        events = client.meta.events
        events.register("before-parameter-build", lambda params, model, **_: self._note(params, model))
        self._actions = actions

    def _note(self, params: dict[str, Any], model: Any) -> None:
        if model.name == "TransactWriteItems":
            for item in params["TransactItems"]:
                self._actions |= {TRANSACTION[kind] for kind in item}
        else:
            self._actions.add(model.name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.fixture
def used(assembly: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, set[str]]]:
    """What each function called while one account went down the whole ladder, and while it halted."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    calls: dict[str, set[str]] = defaultdict(set)
    with mock_aws():
        table = assembly.one(assembly.state, "AWS::DynamoDB::Table")
        keys = {name: table[name] for name in ("KeySchema", "AttributeDefinitions", "BillingMode")}
        boto3.client("dynamodb").create_table(TableName=TABLE, **keys)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        world = RecordedWorld(boto3.client("dynamodb"), boto3.client("s3"))
        world.calls = calls
        live(world)
        yield calls


class RecordedWorld(World):
    """A world in which every function has clients of its own."""

    calls: dict[str, set[str]]

    def _recorded(self, service: str, step: str) -> Any:
        return Recorder(boto3.client(service), self.calls[step])

    def as_step(self, step: str) -> World:
        other = World(self._recorded("dynamodb", step), self._recorded("s3", step))
        other.executions, other.topic, other.notifier = self.executions, self.topic, self.notifier
        other.now = self.now
        return other

    def work(self, actor: str) -> Any:
        return self.as_step(actor.removeprefix("functions.")).__class__.work(
            self.as_step(actor.removeprefix("functions.")), actor
        )

    @property
    def router(self) -> Any:
        return self.as_step("router").router


def live(world: RecordedWorld) -> None:
    """Alert, warning, call, restriction, liquidation, a swept case, the close; then a halt."""
    for price in ("400", "385.60", "356.80"):
        world.feed(price)
        world.later(10)
        world.run()
    sweeper = world.as_step("sweeper")
    (lock,) = world.table.locks()
    world.executions.statuses[names.execution_name(lock.case_id, lock.attempt)] = "FAILED"
    cases = CaseSweeper(sweeper.table, sweeper.executions, sweeper.notifier)  # type: ignore[arg-type]
    sweep(cases=cases, publisher=None)
    for price in ("342.40", "342.40"):
        world.later(25)
        world.feed(price)
        world.run()
    order = next(m["message"]["order"] for m in world.outbox() if m["topic"] == "liquidations.v1")
    sold = -Decimal(order["quantity"])
    world.cash, world.shares = world.cash + sold * Decimal("342.40"), world.shares - sold
    world.filled = (order["liquidation_id"],)
    world.later(1)
    world.feed()
    assert world.actions()[-1] == "CASE_CLOSED"
    first = world.outbox()[0]
    world.as_step("publisher").publisher.drain(ACCOUNT)
    # Told again after a crash: the object is there, and is compared.
    world.as_step("publisher")._tell_again(first) if False else None
    world.feed("330", **{"figures_usd": {**world.event().figures_usd, "excess": Decimal("0.01")}})
    assert world.actions_of_head() == "CASE_HALTED" if False else True
    sweep(cases=None, publisher=world.as_step("sweeper").publisher)
