"""Roles: exactly what the table of permissions says, and that is what the functions call."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.enforcement_world import ACCOUNT, BUCKET, TABLE, World

from functions import names
from functions.adapters.accounts_table import AccountsTable
from functions.adapters.audit_trail import AuditTrail
from functions.case import CaseWork
from functions.publisher import Publisher
from functions.router import Router
from functions.sweeper import CaseSweeper
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


RUNG = frozenset(
    f"dynamodb:{name}" for name in ("ConditionCheckItem", "GetItem", "PutItem", "UpdateItem")
)
ACTIONS = {
    "router": {
        *("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
        *("states:SendTaskSuccess", "states:StartExecution"),
    },
    **dict.fromkeys(("evaluate", "warn", "call", "restrict", "liquidate"), RUNG),
    "close": RUNG | {"dynamodb:DeleteItem"},
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
    invoked = sorted(
        name.partition("Function")[0].lower() for name in found["lambda:InvokeFunction"]
    )
    assert invoked == sorted(RUNGS)
    added = granted([assembly.one(assembly.enforcement, "AWS::IAM::Policy", "LadderRole")])
    assert set(added) == MACHINE_DELIVERY
    assert {resource for resources in added.values() for resource in resources} == {"*"}


@dataclass
class RecordedWorld(World):
    """A world in which every function has clients of its own, that note what it calls."""

    calls: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def client_of(self, step: str, service: str) -> Any:
        def note(params: dict[str, Any], model: Any, **_: Any) -> None:
            transaction = {
                TRANSACTION[kind] for item in params.get("TransactItems", ()) for kind in item
            }
            self.calls[step] |= transaction or {model.name}

        client = boto3.client(service)
        client.meta.events.register("before-parameter-build", note)
        return client

    def table_of(self, step: str) -> AccountsTable:
        return AccountsTable(TABLE, self.client_of(step, "dynamodb"))

    def publisher_of(self, step: str) -> Publisher:
        trail = AuditTrail(BUCKET, self.client_of(step, "s3"))
        return Publisher(self.table_of(step), trail, self.topic)  # type: ignore[arg-type]

    def work(self, actor: str) -> CaseWork:
        table = self.table_of(actor.removeprefix("functions."))
        return CaseWork(table=table, actor=actor, clock=self.clock)

    @property
    def router(self) -> Router:
        table = self.table_of("router")
        return Router(table, self.executions, Decimal(1), self.clock)  # type: ignore[arg-type]


@pytest.fixture
def world(assembly: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedWorld]:
    """The table of the template and a bucket, in memory."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    template = assembly.one(assembly.state, "AWS::DynamoDB::Table")
    shape = {key: template[key] for key in ("KeySchema", "AttributeDefinitions", "BillingMode")}
    with mock_aws():
        dynamodb, s3 = boto3.client("dynamodb"), boto3.client("s3")
        dynamodb.create_table(TableName=TABLE, **shape)
        s3.create_bucket(Bucket=BUCKET)
        yield RecordedWorld(dynamodb, s3)


def whole_ladder(world: RecordedWorld) -> None:
    """Alert, warning, call, restriction, a resumed case, liquidation, cure and close."""
    for price in ("400", "385.60", "356.80", "356.80"):
        world.feed(price)
        world.later(10)
    (lock,) = world.table.locks()
    world.executions.statuses[names.execution_name(lock.case_id, lock.attempt)] = "FAILED"
    sweeper = CaseSweeper(world.table_of("sweeper"), world.executions, world.notifier)  # type: ignore[arg-type]
    assert sweeper.sweep() == 1
    for minutes in (25, 1):
        world.later(minutes)
        world.feed("342.40")
    order = world.last_message()["order"]
    sold_shares = -Decimal(order["quantity"])
    world.cash += sold_shares * Decimal("342.40")
    world.shares -= sold_shares
    world.filled = (order["liquidation_id"],)
    world.feed()
    assert world.actions()[-1] == "CASE_CLOSED"


def halted_case(world: RecordedWorld) -> None:
    world.feed("330")
    figures = world.event().figures_usd
    world.feed(figures_usd={**figures, "excess": figures["excess"] + 1})


def publish_with_an_outage(world: RecordedWorld, step: str) -> None:
    """The record is stored, Kafka fails; the second time it is compared, and told."""
    publisher = world.publisher_of(step)
    world.topic.failures = 1
    assert publisher.sweep()[1] == (ACCOUNT,)
    assert publisher.drain_all([ACCOUNT])[1] == ()


def test_functions_call_what_their_roles_allow_and_nothing_else(world: RecordedWorld) -> None:
    whole_ladder(world)
    publish_with_an_outage(world, "publisher")
    halted_case(world)
    publish_with_an_outage(world, "sweeper")
    for step, permissions in STEPS.items():
        allowed = {*permissions.table, *permissions.audit}
        assert world.calls[step] <= allowed, step
        # A rung halts its case with the same write as Evaluate, which is the one seen here.
        seen = world.calls[step] | (world.calls["evaluate"] if step in RUNGS else set())
        assert allowed <= seen, step
