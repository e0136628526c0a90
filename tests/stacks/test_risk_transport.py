"""What the streaming job may do on the real transports: each topic or stream, one way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.policies import ACCOUNT_NUMBER, REGION, Policy
from support.risk_stack import OfStudent, synthesize

from margin.channels import stream_name
from margin.topics import CATALOGUE, INPUTS
from stacks.kafka_channels import KafkaChannels
from stacks.kinesis_channels import KinesisChannels
from stacks.risk import OUTPUTS
from stacks.settings import Settings

HERE = f"{REGION}:{ACCOUNT_NUMBER}"
# What the transport's stack writes into the parameter store.
CLUSTER = f"arn:aws:kafka:{HERE}:cluster/marginwatch-ada/0a1b-2c-s1"
TOPICS = f"arn:aws:kafka:{HERE}:topic/marginwatch-ada/0a1b-2c-s1"
GROUPS = f"arn:aws:kafka:{HERE}:group/marginwatch-ada/0a1b-2c-s1"
GIVEN = {"KafkaClusterArn": CLUSTER, "KafkaTopicsArn": TOPICS, "KafkaGroupsArn": GROUPS}


def topic_arn(channel: str) -> str:
    return f"{TOPICS}/{channel}"


def stream_arn(channel: str) -> str:
    return f"arn:aws:kinesis:{HERE}:stream/{stream_name('marginwatch-ada', channel)}"


def each_channel_one_way(role: Policy, arn_of: Callable[[str], str], read: str, write: str) -> None:
    for topic in CATALOGUE:
        arn = arn_of(topic.name)
        assert role.allows(read, arn) == (topic.name in INPUTS), topic.name
        assert role.allows(write, arn) == (topic.name in OUTPUTS), topic.name
        assert not role.allows(read, arn.replace("-ada", "-bob"))
        assert not role.allows(write, arn.replace("-ada", "-bob"))


@pytest.fixture(scope="module")
def on_kafka(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    transport = KafkaChannels(Settings(student="ada"))
    made = synthesize(tmp_path_factory.mktemp("kafka"), OfStudent(), transport)
    return made.role("JobRole", GIVEN)


@pytest.fixture(scope="module")
def on_kinesis(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    transport = KinesisChannels(Settings(student="ada", transport="kinesis"))
    return synthesize(tmp_path_factory.mktemp("kinesis"), OfStudent(), transport).role("JobRole")


def test_kafka_topics_are_read_or_written_and_not_both(on_kafka: Policy) -> None:
    each_channel_one_way(on_kafka, topic_arn, "kafka-cluster:ReadData", "kafka-cluster:WriteData")


def test_kafka_sink_numbers_its_records(on_kafka: Policy) -> None:
    """Its client does so unless told not to, and is refused without this."""
    for action in ("Connect", "DescribeCluster", "WriteDataIdempotently"):
        assert on_kafka.allows(f"kafka-cluster:{action}", CLUSTER)


def test_kafka_groups_are_sparks_own(on_kafka: Policy) -> None:
    for action in ("kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"):
        assert on_kafka.allows(action, f"{GROUPS}/spark-kafka-source-1f2e-executor")
        assert not on_kafka.allows(action, f"{GROUPS}/marginwatch-ada-router")


def test_kafka_job_makes_and_drops_no_topic(on_kafka: Policy) -> None:
    found = {action for action in on_kafka.actions if action.startswith("kafka-cluster:")}
    assert found == {
        f"kafka-cluster:{name}"
        for name in (
            *("AlterGroup", "Connect", "DescribeCluster", "DescribeGroup", "DescribeTopic"),
            *("ReadData", "WriteData", "WriteDataIdempotently"),
        )
    }
    assert not [one for one in on_kafka.actions if one.startswith(("kafka:", "kinesis:"))]


def test_kinesis_streams_are_read_or_written_and_not_both(on_kinesis: Policy) -> None:
    each_channel_one_way(on_kinesis, stream_arn, "kinesis:GetRecords", "kinesis:PutRecords")
    assert not [one for one in on_kinesis.actions if one.startswith("kafka")]
    assert not [one for one in on_kinesis.actions if one.endswith(("Stream*", ":*"))]
