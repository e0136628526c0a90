"""Topics of Amazon MSK Serverless: IAM only, on port 9098, from inside the network."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.acknowledged import acknowledge_resource
from stacks.function import StepFunction
from stacks.network import Places
from stacks.published import published
from stacks.transport import (
    BATCH_RECORDS,
    FIRST_RECORD,
    OLDEST_S,
    RETRIES,
    Channels,
    allow,
    only_enforced,
    to_queue,
)

BOOTSTRAP, CLUSTER = "kafka-bootstrap", "kafka-cluster-arn"
TOPICS, GROUPS = "kafka-topics-arn", "kafka-groups-arn"
# Spark gives each of its queries a group of its own name.
SPARK_GROUPS = "spark-kafka-source-*"
POLLERS = 1


class KafkaChannels(Channels):
    """What only the cluster knows, its brokers and its id, comes from the parameter store."""

    def environment(self, scope: Construct) -> Mapping[str, str]:
        return {
            "TRANSPORT": "kafka",
            "KAFKA_BOOTSTRAP": published(scope, self.settings, BOOTSTRAP),
            "KAFKA_AUTH": _auth(scope),
        }

    def grant_produce(self, role: iam.Role, channel: str) -> None:
        # The client numbers its records, so that one that is sent twice is kept once.
        self._allow_cluster(role, "Connect", "DescribeCluster", "WriteDataIdempotently")
        self._allow_topic(role, channel, "DescribeTopic", "WriteData")

    def grant_consume(self, role: iam.Role, channel: str) -> None:
        self._allow_read(role, channel, SPARK_GROUPS)
        acknowledge_resource(
            role,
            f"<KafkaGroupsArn>/{SPARK_GROUPS}",
            "Spark gives each of its queries a consumer group of its own name.",
        )

    def attach_consumer(
        self, consumer: StepFunction, channel: str, failures: sqs.IQueue
    ) -> lambda_.CfnEventSourceMapping:
        mapping = lambda_.CfnEventSourceMapping
        cluster, role = published(consumer, self.settings, CLUSTER), consumer.role
        group = f"{self.settings.prefix}-router"
        self._allow_read(role, channel, group)
        allow(
            role,
            ("kafka:DescribeCluster", "kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers"),
            cluster,
        )
        allow(role, ("sqs:SendMessage",), failures.queue_arn)
        consumer.allow_interfaces()
        made = mapping(
            cdk.Stack.of(consumer),
            "Assessments",
            function_name=consumer.function.function_name,
            event_source_arn=cluster,
            topics=[channel],
            starting_position=FIRST_RECORD,
            batch_size=BATCH_RECORDS,
            amazon_managed_kafka_event_source_config=(
                mapping.AmazonManagedKafkaEventSourceConfigProperty(consumer_group_id=group)
            ),
            filter_criteria=only_enforced("value"),
        )
        if self.settings.esm_mode == "provisioned":
            self._provision(made, failures)
        return made

    @property
    def parks_failures(self) -> bool:
        return self.settings.esm_mode == "on-demand"

    def _provision(self, made: lambda_.CfnEventSourceMapping, failures: sqs.IQueue) -> None:
        """Pollers of its own; only with them are there retries, halving and single failures.

        On demand a batch that fails is tried again until its records expire, and what a function
        says of single records is not heard: the router sets such records aside itself.
        """
        made.provisioned_poller_config = (
            lambda_.CfnEventSourceMapping.ProvisionedPollerConfigProperty(
                minimum_pollers=POLLERS,
                maximum_pollers=POLLERS,
                poller_group_name=self.settings.prefix,
            )
        )
        made.maximum_retry_attempts = RETRIES
        made.maximum_record_age_in_seconds = OLDEST_S
        made.bisect_batch_on_function_error = True
        made.function_response_types = ["ReportBatchItemFailures"]
        made.destination_config = to_queue(failures.queue_arn)

    def place_producer(self, producer: StepFunction) -> None:
        producer.place(Places(self.settings))

    def spark_options(self) -> Sequence[str]:
        """The brokers are read from the parameter store by who starts the job."""
        return ("--transport", "kafka", "--auth", "iam")

    def _allow_read(self, role: iam.Role, channel: str, group: str) -> None:
        self._allow_cluster(role, "Connect", "DescribeCluster")
        self._allow_topic(role, channel, "DescribeTopic", "ReadData")
        groups = published(role, self.settings, GROUPS)
        allow(role, _kafka("AlterGroup", "DescribeGroup"), f"{groups}/{group}")

    def _allow_cluster(self, role: iam.Role, *actions: str) -> None:
        allow(role, _kafka(*actions), published(role, self.settings, CLUSTER))

    def _allow_topic(self, role: iam.Role, channel: str, *actions: str) -> None:
        topics = published(role, self.settings, TOPICS)
        allow(role, _kafka(*actions), f"{topics}/{channel}")


def _kafka(*actions: str) -> list[str]:
    return [f"kafka-cluster:{action}" for action in actions]


def _auth(scope: Construct) -> str:
    """iam on AWS. A local broker knows no accounts: an offline deploy says none."""
    stack = cdk.Stack.of(scope)
    found = stack.node.try_find_child("KafkaAuth") or cdk.CfnParameter(
        stack,
        "KafkaAuth",
        default="iam",
        allowed_values=["none", "iam"],
        description="iam on Amazon MSK, none on a local broker",
    )
    assert isinstance(found, cdk.CfnParameter)
    return found.value_as_string
