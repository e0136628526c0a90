"""Roles: exactly what the table of permissions says, and that is what the functions call."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.enforcement_world import ACCOUNT, BUCKET, TABLE, World
from support.policies import Policy
from support.stack_variants import STACKS, Variant

from functions import names
from functions.adapters.accounts_table import AccountsTable
from functions.adapters.audit_trail import AuditTrail
from functions.case import CaseWork
from functions.publisher import Publisher
from functions.router import Router
from functions.sweeper import CaseSweeper
from margin.topics import AUDIT, CONTROLS, INPUTS
from stacks.permissions import RUNGS, STEPS
from stacks.settings import Settings

TRANSACTION = {
    "ConditionCheck": "ConditionCheckItem",
    "Delete": "DeleteItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
}
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
INTERFACES = {
    *("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"),
    *("ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets"),
    "ec2:DescribeVpcs",
}
MACHINE_DELIVERY = {
    *("logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery"),
    *("logs:DeleteLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy"),
    *("logs:DescribeResourcePolicies", "logs:DescribeLogGroups"),
    *("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
    *("xray:GetSamplingRules", "xray:GetSamplingTargets"),
}
HOME = "us-east-1:111122223333"
TABLE_ARN = f"arn:aws:dynamodb:{HOME}:table/accounts"
RUNG = frozenset(
    f"dynamodb:{name}" for name in ("ConditionCheckItem", "GetItem", "PutItem", "UpdateItem")
)
# Which of a step's actions are allowed on which resource; {p} is the student's prefix.
GRANTS: Mapping[str, Mapping[str, set[str] | frozenset[str]]] = {
    "router": {
        TABLE_ARN: {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
        f"arn:aws:states:{HOME}:stateMachine:{{p}}-enforcement": {
            *("states:SendTaskSuccess", "states:StartExecution"),
        },
        f"arn:aws:sqs:{HOME}:{{p}}-unrouted": {"sqs:SendMessage"},
    },
    **{step: {TABLE_ARN: RUNG} for step in ("evaluate", "warn", "call", "restrict", "liquidate")},
    "close": {TABLE_ARN: RUNG | {"dynamodb:DeleteItem"}},
    "publisher": {
        TABLE_ARN: {"dynamodb:DeleteItem", "dynamodb:Query"},
        f"{TABLE_ARN}/s/1": {
            *("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
        },
        f"{TABLE_ARN}/stream/*": {"dynamodb:ListStreams"},
        "arn:aws:s3:::audit/audit/*": {"s3:GetObject", "s3:PutObject"},
    },
    "sweeper": {
        TABLE_ARN: {"dynamodb:Query", "dynamodb:UpdateItem"},
        f"arn:aws:states:{HOME}:stateMachine:{{p}}-enforcement": {"states:StartExecution"},
        f"arn:aws:states:{HOME}:execution:{{p}}-enforcement:*": {"states:DescribeExecution"},
        f"arn:aws:sns:{HOME}:{{p}}-notices": {"sns:Publish"},
    },
    "feeder": {},
}
SENT = {"publisher": (*CONTROLS, AUDIT), "feeder": INPUTS}
READ_STREAM = {
    *("kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords"),
    *("kinesis:GetShardIterator", "kinesis:ListShards"),
}
WRITE_STREAM = {
    *("kinesis:DescribeStreamSummary", "kinesis:ListShards"),
    *("kinesis:PutRecord", "kinesis:PutRecords"),
}


def of_transport(step: str, settings: Settings) -> dict[str, set[str]]:
    """What a step may do on the transport, and what it costs it to get there."""
    if step != "router" and step not in SENT:
        return {}
    if settings.transport == "kinesis":
        stream = f"arn:aws:kinesis:{HOME}:stream/{settings.prefix}"
        if step == "router":
            return {f"{stream}-margin-calc-v1": READ_STREAM}
        return {f"{stream}-{topic.replace('.', '-')}": WRITE_STREAM for topic in SENT[step]}
    home = f"arn:aws:kafka:{HOME}:{{}}/{settings.prefix}/0a1b-2c-s1"
    cluster, topics = home.format("cluster"), home.format("topic")
    if step in SENT:
        write = {"kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"}
        return {
            cluster: {
                *("kafka-cluster:Connect", "kafka-cluster:DescribeCluster"),
                "kafka-cluster:WriteDataIdempotently",
            },
            **{f"{topics}/{topic}": write for topic in SENT[step]},
            "*": INTERFACES,
        }
    return {
        cluster: {
            *("kafka-cluster:Connect", "kafka-cluster:DescribeCluster"),
            *("kafka:DescribeCluster", "kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers"),
        },
        f"{topics}/margin.calc.v1": {"kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"},
        f"{home.format('group')}/{settings.prefix}-router": {
            *("kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"),
        },
        "*": INTERFACES,
    }


def granted(policy: Policy) -> dict[str, set[str]]:
    """Resource to the actions that are allowed on it."""
    found: dict[str, set[str]] = defaultdict(set)
    for statement in policy.statements:
        if statement.allows:
            assert not statement.conditions
            for resource in statement.resources:
                found[resource] |= set(statement.actions)
    return dict(found)


@pytest.mark.parametrize("step", STEPS)
def test_role_allows_exactly_this(variant: Variant, step: str) -> None:
    settings = variant.settings
    group = f"arn:aws:logs:{HOME}:log-group:/aws/lambda/{settings.prefix}-{step}:*"
    expected: dict[str, set[str]] = {group: LOGS} | of_transport(step, settings)
    for resource, actions in GRANTS[step].items():
        expected[resource.format(p=settings.prefix)] = set(actions)
    if settings.customer_key and step != "feeder":
        expected[f"arn:aws:kms:{HOME}:key/state"] = {"kms:Decrypt", "kms:GenerateDataKey"}
    assert granted(variant.enforcement.role(f"{step.title()}Role")) == expected


@pytest.mark.parametrize("step", ["router", *SENT])
def test_code_may_not_use_what_lambda_needs_for_its_interfaces(
    assembly: Variant, step: str
) -> None:
    role = assembly.enforcement.role(f"{step.title()}Role")
    code = {"lambda:SourceFunctionArn": f"arn:aws:lambda:{HOME}:function:marginwatch-ka-class-on-"}
    for action in INTERFACES:
        assert role.allows(action, "*")
        assert not role.allows(action, "*", {key: one + step for key, one in code.items()})


def test_no_role_may_everything(variant: Variant) -> None:
    """No `*` for an action anywhere, and none for a resource but where AWS takes no other."""
    for stack in STACKS:
        written = getattr(variant, stack)
        for name in written.of_type("AWS::IAM::Role"):
            for statement in written.role(name).statements:
                assert not [one for one in statement.actions if "*" in one]
                if statement.allows and "*" in statement.resources:
                    services = {one.partition(":")[0] for one in statement.actions}
                    assert services <= {"ec2", "logs", "xray"} or stack == "teardown"


def test_audit_objects_can_be_added_and_never_removed(variant: Variant) -> None:
    for step in STEPS:
        role = variant.enforcement.role(f"{step.title()}Role")
        writes = step == "publisher"
        assert role.allows("s3:PutObject", "arn:aws:s3:::audit/audit/v1/A/1.json") is writes
        assert not role.allows("s3:PutObject", "arn:aws:s3:::audit/elsewhere")
        assert not [one for one in role.actions if one.startswith("s3:Delete") or "Reten" in one]


def test_machine_role_allows_exactly_this(variant: Variant) -> None:
    settings = variant.settings
    expected = {
        **{
            f"arn:aws:lambda:{HOME}:function:{settings.prefix}-{step}": {"lambda:InvokeFunction"}
            for step in RUNGS
        },
        TABLE_ARN: {"dynamodb:UpdateItem"},
        f"arn:aws:sns:{HOME}:{settings.prefix}-notices": {"sns:Publish"},
        "*": MACHINE_DELIVERY,
    }
    if settings.customer_key:
        expected[f"arn:aws:kms:{HOME}:key/state"] = {"kms:Decrypt", "kms:GenerateDataKey"}
    assert granted(variant.enforcement.role("LadderRole")) == expected


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
def world(assembly: Variant, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedWorld]:
    """The table of the template and a bucket, in memory."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    template = assembly.state.one("AWS::DynamoDB::Table")
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
    for step, permissions in STEPS.items():
        allowed = {*permissions.table, *permissions.audit}
        assert world.calls[step] <= allowed, step
        # A rung halts its case with the same write as Evaluate, which is the one seen here.
        seen = world.calls[step] | (world.calls["evaluate"] if step in RUNGS else set())
        assert allowed <= seen, step
