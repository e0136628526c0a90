"""Which function may do what: one entry a function, exact actions on exact resources."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aws_cdk import aws_iam as iam

AUDIT_OBJECTS = "audit/*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """IAM action names without their service prefix, grouped by the resource they are for."""

    table: tuple[str, ...] = ()
    stream: tuple[str, ...] = ()
    audit: tuple[str, ...] = ()
    machine: tuple[str, ...] = ()
    execution: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """ARNs of what the functions use."""

    table: str
    stream: str
    audit: str
    machine: str
    executions: str


# A DynamoDB transaction has no action of its own: IAM asks for the action of each item in it.
RUNG = Permissions(
    table=("ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"),
)
STEPS: Mapping[str, Permissions] = MappingProxyType(
    {
        "router": Permissions(
            table=("GetItem", "PutItem", "Query", "UpdateItem"),
            machine=("SendTaskSuccess", "StartExecution"),
        ),
        "evaluate": RUNG,
        "warn": RUNG,
        "call": RUNG,
        "restrict": RUNG,
        "liquidate": RUNG,
        "close": RUNG,
        "publisher": Permissions(
            table=("DeleteItem",),
            stream=("DescribeStream", "GetRecords", "GetShardIterator"),
            audit=("PutObject",),
        ),
        "sweeper": Permissions(
            table=("DeleteItem", "Query", "UpdateItem"),
            audit=("PutObject",),
            machine=("StartExecution",),
            execution=("DescribeExecution",),
        ),
    }
)
RUNGS = tuple(step for step, permissions in STEPS.items() if permissions is RUNG)


def statements(permissions: Permissions, resources: Resources) -> Iterator[iam.PolicyStatement]:
    """One statement a resource, only for what is named."""
    for service, actions, resource in (
        ("dynamodb", permissions.table, resources.table),
        ("dynamodb", permissions.stream, resources.stream),
        # Lambda lists the streams of the table before it reads one.
        ("dynamodb", ("ListStreams",) if permissions.stream else (), f"{resources.table}/stream/*"),
        ("s3", permissions.audit, f"{resources.audit}/{AUDIT_OBJECTS}"),
        ("states", permissions.machine, resources.machine),
        ("states", permissions.execution, resources.executions),
    ):
        if actions:
            yield iam.PolicyStatement(
                actions=[f"{service}:{action}" for action in actions], resources=[resource]
            )
