"""The transport: what is built, what it costs by the hour, who may use it."""

import json
from collections.abc import Mapping

import pytest
from support.stack_variants import FUNCTION, Variant

from local.bridge import ENFORCED_ONLY
from margin.channels import stream_name
from margin.topics import CATALOGUE, DAY_MS, topic
from stacks.transport_kafka import catalogue_digest
from stacks.transport_kinesis import retention_hours

KAFKA = ("ka-class-on", "ka-class-pr", "ka-prod-on", "ka-prod-pr")
KINESIS = tuple(name.replace("ka-", "ki-") for name in KAFKA)
ENDPOINT, STREAM = "AWS::EC2::VPCEndpoint", "AWS::Kinesis::Stream"


@pytest.mark.parametrize("name", KAFKA)
def test_cluster_takes_iam_only_in_two_subnets(variants: Mapping[str, Variant], name: str) -> None:
    cluster = variants[name].transport.one("AWS::MSK::ServerlessCluster")
    assert cluster["ClusterName"] == f"marginwatch-{name}"
    assert cluster["ClientAuthentication"] == {"Sasl": {"Iam": {"Enabled": True}}}
    (place,) = cluster["VpcConfigs"]
    assert len(place["SubnetIds"]) == 2
    assert place["SecurityGroups"] == [f"{{{{resolve:ssm:/marginwatch/{name}/brokers-group}}}}"]


def test_endpoints_are_those_that_a_shape_needs(variant: Variant) -> None:
    """Each is billed by the hour in each zone."""
    services = {
        str(variant.transport.resolve(one["Properties"]["ServiceName"])).rpartition(".")[2]
        for one in variant.transport.of_type(ENDPOINT).values()
    }
    settings = variant.settings
    if settings.transport == "kinesis":
        assert services == {"kinesis-streams"}
    else:
        assert services == ({"lambda", "sts"} if settings.esm_mode == "on-demand" else set())
    for one in variant.transport.of_type(ENDPOINT).values():
        assert one["Properties"]["VpcEndpointType"] == "Interface"
        assert one["Properties"]["PrivateDnsEnabled"] is True
        assert len(one["Properties"]["SubnetIds"]) == 2


@pytest.mark.parametrize("name", KAFKA)
def test_topics_are_made_before_the_brokers_are_known(
    variants: Mapping[str, Variant], name: str
) -> None:
    """What depends on the brokers' addresses finds its topic."""
    transport = variants[name].transport
    topics = transport.named("Catalogue", "Custom::KafkaTopics")
    made = transport.one("Custom::KafkaTopics")
    assert made["Catalogue"] == catalogue_digest()
    assert made["Bootstrap"]["Fn::GetAtt"][1] == "BootstrapBrokerStringSaslIam"
    parameter = transport.named("Namekafkabootstrap", "AWS::SSM::Parameter")
    dependencies = transport.of_type("AWS::SSM::Parameter")[parameter]["DependsOn"]
    assert topics in dependencies


@pytest.mark.parametrize("name", KAFKA)
def test_topic_administrator_is_inside_with_exactly_this(
    variants: Mapping[str, Variant], name: str
) -> None:
    transport = variants[name].transport
    function = transport.one(FUNCTION, "TopicAdmin")
    assert function["VpcConfig"]["SecurityGroupIds"] == [
        f"{{{{resolve:ssm:/marginwatch/{name}/clients-group}}}}"
    ]
    role = transport.role("TopicAdminRole")
    kafka = {one for one in role.actions if one.startswith("kafka")}
    assert kafka == {
        *("kafka-cluster:AlterCluster", "kafka-cluster:Connect", "kafka-cluster:DescribeCluster"),
        *("kafka-cluster:AlterTopic", "kafka-cluster:AlterTopicDynamicConfiguration"),
        *("kafka-cluster:CreateTopic", "kafka-cluster:DescribeTopic"),
        "kafka-cluster:DescribeTopicDynamicConfiguration",
    }
    own = f"arn:aws:kafka:us-east-1:111122223333:topic/marginwatch-{name}/0a1b/fills.v1"
    assert role.allows("kafka-cluster:CreateTopic", own)
    assert not role.allows("kafka-cluster:CreateTopic", own.replace(name, "other"))
    assert not role.allows("kafka-cluster:DeleteTopic", own)


@pytest.mark.parametrize("name", KAFKA)
def test_published_arns_are_those_of_the_cluster(
    variants: Mapping[str, Variant], name: str
) -> None:
    transport = variants[name].transport
    found = {
        one["Properties"]["Name"].rpartition("/")[2]: one["Properties"]["Value"]
        for one in transport.of_type("AWS::SSM::Parameter").values()
    }
    home = "arn:aws:kafka:us-east-1:111122223333"
    cluster = f"marginwatch-{name}/0a1b-2c-s1"
    assert transport.resolve(found["kafka-cluster-arn"]) == f"{home}:cluster/{cluster}"
    assert transport.resolve(found["kafka-topics-arn"]) == f"{home}:topic/{cluster}"
    assert transport.resolve(found["kafka-groups-arn"]) == f"{home}:group/{cluster}"


@pytest.mark.parametrize("name", KINESIS)
def test_streams_are_the_catalogue(variants: Mapping[str, Variant], name: str) -> None:
    streams = {
        one["Properties"]["Name"]: one["Properties"]
        for one in variants[name].transport.of_type(STREAM).values()
    }
    assert set(streams) == {stream_name(f"marginwatch-{name}", one.name) for one in CATALOGUE}
    for one in CATALOGUE:
        stream = streams[stream_name(f"marginwatch-{name}", one.name)]
        assert stream["ShardCount"] == one.partitions
        assert stream["StreamEncryption"]["EncryptionType"] == "KMS"


def test_a_stream_keeps_a_day_in_a_class_and_a_topic_as_long_as_it_can() -> None:
    fills, accounts = topic("fills.v1"), topic("accounts.v1")
    assert fills.retention_ms == 7 * DAY_MS
    assert [retention_hours(one, "class") for one in (fills, accounts)] == [24, 24]
    assert [retention_hours(one, "prod") for one in (fills, accounts)] == [7 * 24, 365 * 24]


def test_filter_is_what_the_bridge_applies_offline(assembly: Variant) -> None:
    mapping = assembly.enforcement.one("AWS::Lambda::EventSourceMapping", "Assessments")
    (given,) = mapping["FilterCriteria"]["Filters"]
    assert json.loads(given["Pattern"]) == {"value": json.loads(ENFORCED_ONLY)}
