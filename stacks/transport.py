"""What carries the channels, as other stacks see it: names and permissions, nothing that is built.

Two kinds, one interface. None needs its stack to be there at synth: what only AWS knows is read
from the parameter store when a stack is deployed.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.function import StepFunction
from stacks.network import Places
from stacks.settings import Settings

# Only what is to be acted upon invokes the router.
ENFORCED_ONLY = {"enforce": [True]}
# A batch of assessments is some hundred kilobytes; half a second is what a margin call can wait.
BATCH_RECORDS = 100
FIRST_RECORD = "TRIM_HORIZON"
# Then a record is set aside, and those behind it go on.
RETRIES = 3
OLDEST_S = 3600


class Channels(ABC):
    """Grants go into the stack of the role; a consumer into the stack of its function."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @abstractmethod
    def environment(self, scope: Construct) -> Mapping[str, str]:
        """The variables of a function that sends to channels."""

    @abstractmethod
    def grant_produce(self, role: iam.Role, channel: str) -> None:
        """Let a role write one channel."""

    @abstractmethod
    def grant_consume(self, role: iam.Role, channel: str) -> None:
        """Let a role of the streaming job read one channel."""

    @abstractmethod
    def attach_consumer(
        self, consumer: StepFunction, channel: str, failures: sqs.IQueue
    ) -> lambda_.CfnEventSourceMapping:
        """Feed a function from one channel; `failures` gets what it could not take."""

    @abstractmethod
    def place_producer(self, producer: StepFunction) -> None:
        """Put a function where the channels can be reached."""

    @property
    @abstractmethod
    def parks_failures(self) -> bool:
        """Whether the consumer has to set failed records aside itself: its source cannot."""

    @abstractmethod
    def spark_options(self) -> Sequence[str]:
        """How the streaming job reaches the channels: options of spark_jobs/margin_stream.py."""


def allow(role: iam.Role, actions: Sequence[str], *resources: str) -> None:
    """One statement more of a role."""
    role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources)))


def only_enforced(field: str) -> lambda_.CfnEventSourceMapping.FilterCriteriaProperty:
    """The filter of a mapping whose records have the assessment in `field`."""
    mapping = lambda_.CfnEventSourceMapping
    pattern = json.dumps({field: ENFORCED_ONLY}, separators=(",", ":"))
    return mapping.FilterCriteriaProperty(filters=[mapping.FilterProperty(pattern=pattern)])


def to_queue(queue_arn: str) -> lambda_.CfnEventSourceMapping.DestinationConfigProperty:
    """Where Lambda says which records it gave up."""
    mapping = lambda_.CfnEventSourceMapping
    return mapping.DestinationConfigProperty(
        on_failure=mapping.OnFailureProperty(destination=queue_arn)
    )


def interface_endpoint(stack: cdk.Stack, service: str, places: Places) -> None:
    """An API inside the isolated subnets, billed by the hour and zone: it goes with its stack."""
    ec2.CfnVPCEndpoint(
        stack,
        "".join(word.title() for word in f"{service}-endpoint".split("-")),
        service_name=f"com.amazonaws.{stack.region}.{service}",
        vpc_endpoint_type="Interface",
        vpc_id=places.vpc_id,
        subnet_ids=list(places.subnet_ids),
        security_group_ids=[places.endpoint_security_group_id],
        private_dns_enabled=True,
    )
