"""Kinesis: a stream for each topic of the catalogue, with as many shards as it has partitions."""

import aws_cdk as cdk
from aws_cdk import aws_kinesis as kinesis
from constructs import Construct

from margin.channels import stream_name
from margin.topics import CATALOGUE, DAY_MS, Topic
from stacks.kinesis_channels import KinesisChannels
from stacks.network import Network
from stacks.settings import Settings
from stacks.transport import Channels, interface_endpoint

HOUR_MS = DAY_MS // 24
SHORTEST_HOURS, LONGEST_HOURS = 24, 365 * 24


class KinesisTransport(cdk.Stack):
    """Provisioned shards: on demand, a stream that idles costs more than its shards do."""

    def __init__(self, scope: Construct, name: str, settings: Settings, network: Network) -> None:
        super().__init__(scope, name, description="marginwatch: Kinesis streams")
        self.settings = settings
        self.channels: Channels = KinesisChannels(settings)
        for topic in CATALOGUE:
            self._stream(topic)
        # The workers of the streaming job are in subnets without a way out.
        interface_endpoint(self, "kinesis-streams", network.places)

    def _stream(self, topic: Topic) -> None:
        parts = topic.name.replace("-", ".").replace("_", ".").split(".")
        kinesis.CfnStream(
            self,
            "".join(part.title() for part in parts),
            name=stream_name(self.settings.prefix, topic.name),
            shard_count=topic.partitions,
            retention_period_hours=retention_hours(topic, self.settings.profile),
            # The key of AWS: it costs nothing, and who may use the stream may use it.
            stream_encryption=kinesis.CfnStream.StreamEncryptionProperty(
                encryption_type="KMS", key_id="alias/aws/kinesis"
            ),
        )


def retention_hours(topic: Topic, profile: str) -> int:
    """How long a stream keeps a record. It keeps nothing for ever, and compacts nothing.

    A class is over within the day that is free of charge. Later, whoever starts a job on an empty
    checkpoint has to send instruments, betas and accounts again once they are older than a year.
    """
    if profile == "class":
        return SHORTEST_HOURS
    if topic.retention_ms < 0:
        return LONGEST_HOURS
    return min(max(topic.retention_ms // HOUR_MS, SHORTEST_HOURS), LONGEST_HOURS)
