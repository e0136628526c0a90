"""What each function is given: one entry a function, exact actions, exact resources."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from aws_cdk import aws_iam as iam

from margin.topics import AUDIT, CONTROLS, INPUTS

AUDIT_OBJECTS = "audit/*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """IAM action names without their service prefix, by resource, and environment variables."""

    variables: tuple[str, ...] = ("TABLE_NAME",)
    table: tuple[str, ...] = ()
    stream: tuple[str, ...] = ()
    audit: tuple[str, ...] = ()
    machine: tuple[str, ...] = ()
    execution: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    # Channels that it sends to; one that sends is given the variables of the transport too.
    produces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """ARNs of what the functions use; `key` is empty where AWS's own keys are used."""

    table: str
    stream: str
    audit: str
    machine: str
    executions: str
    notices: str
    key: str = ""


# Whoever reads or writes under a key of one's own needs the key as well.
KEY_ACTIONS = ("Decrypt", "GenerateDataKey")
# GetObject only to tell a record that is stored already from another one under its key.
AUDIT_ACTIONS = ("GetObject", "PutObject")
# A DynamoDB transaction has no action of its own: IAM asks for the action of each item in it.
RUNG = Permissions(
    variables=("TABLE_NAME", "LADDER_SPEED"),
    table=("ConditionCheckItem", "GetItem", "PutItem", "UpdateItem"),
)
STEPS: Mapping[str, Permissions] = MappingProxyType(
    {
        "router": Permissions(
            variables=("TABLE_NAME", "LADDER_SPEED", "STATE_MACHINE_ARN"),
            table=("GetItem", "PutItem", "UpdateItem"),
            machine=("SendTaskSuccess", "StartExecution"),
        ),
        "evaluate": RUNG,
        "warn": RUNG,
        "call": RUNG,
        "restrict": RUNG,
        "liquidate": RUNG,
        "close": replace(RUNG, table=(*RUNG.table, "DeleteItem")),
        "publisher": Permissions(
            variables=("TABLE_NAME", "AUDIT_BUCKET"),
            table=("DeleteItem", "Query"),
            stream=("DescribeStream", "GetRecords", "GetShardIterator"),
            audit=AUDIT_ACTIONS,
            produces=(*CONTROLS, AUDIT),
        ),
        "sweeper": Permissions(
            variables=("TABLE_NAME", "NOTICES_TOPIC_ARN", "STATE_MACHINE_ARN"),
            table=("Query", "UpdateItem"),
            machine=("StartExecution",),
            execution=("DescribeExecution",),
            notices=("Publish",),
        ),
        # The brokers have no public address: a class feeds its market through this one.
        "feeder": Permissions(variables=(), produces=INPUTS),
    }
)
# The states of the machine that are functions.
RUNGS = ("evaluate", "warn", "call", "restrict", "liquidate", "close")


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
        ("sns", permissions.notices, resources.notices),
        ("kms", KEY_ACTIONS if resources.key and permissions.table else (), resources.key),
    ):
        if actions:
            yield iam.PolicyStatement(
                actions=[f"{service}:{action}" for action in actions], resources=[resource]
            )
