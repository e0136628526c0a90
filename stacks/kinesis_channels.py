"""Streams of Kinesis, one a topic of the catalogue. They have names, so nothing is looked up."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from margin.channels import stream_name
from stacks.function import StepFunction
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

WRITE = (
    *("kinesis:DescribeStreamSummary", "kinesis:ListShards"),
    *("kinesis:PutRecord", "kinesis:PutRecords"),
)
READ = (
    *("kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:GetRecords"),
    *("kinesis:GetShardIterator", "kinesis:ListShards"),
)


class KinesisChannels(Channels):
    """Reached over the public API by functions, by an endpoint from the isolated subnets."""

    def environment(self, scope: Construct) -> Mapping[str, str]:
        return {"TRANSPORT": "kinesis", "STREAM_PREFIX": self.settings.prefix}

    def grant_produce(self, role: iam.Role, channel: str) -> None:
        allow(role, WRITE, self._arn(role, channel))

    def grant_consume(self, role: iam.Role, channel: str) -> None:
        allow(role, READ, self._arn(role, channel))

    def attach_consumer(
        self, consumer: StepFunction, channel: str, failures: sqs.IQueue
    ) -> lambda_.CfnEventSourceMapping:
        self.grant_consume(consumer.role, channel)
        allow(consumer.role, ("sqs:SendMessage",), failures.queue_arn)
        return lambda_.CfnEventSourceMapping(
            cdk.Stack.of(consumer),
            "Assessments",
            function_name=consumer.function.function_name,
            event_source_arn=self._arn(consumer, channel),
            starting_position=FIRST_RECORD,
            batch_size=BATCH_RECORDS,
            filter_criteria=only_enforced("data"),
            maximum_retry_attempts=RETRIES,
            maximum_record_age_in_seconds=OLDEST_S,
            bisect_batch_on_function_error=True,
            function_response_types=["ReportBatchItemFailures"],
            destination_config=to_queue(failures.queue_arn),
        )

    @property
    def parks_failures(self) -> bool:
        return False

    def place_producer(self, producer: StepFunction) -> None:
        """Outside the network: from inside, the endpoints of S3 and DynamoDB are not enough."""

    def spark_options(self) -> Sequence[str]:
        return ("--transport", "kinesis", "--stream-prefix", self.settings.prefix)

    def _arn(self, scope: Construct, channel: str) -> str:
        return cdk.Stack.of(scope).format_arn(
            service="kinesis",
            resource="stream",
            resource_name=stream_name(self.settings.prefix, channel),
        )
