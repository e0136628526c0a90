"""The defects of the published reference design's stacks, each by name: ours has none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.policies import ACCOUNT_NUMBER, REGION
from support.stack_variants import Variant

from margin.topics import INPUTS, MARGIN_CALC

HOME = f"{REGION}:{ACCOUNT_NUMBER}"
MAPPING = "AWS::Lambda::EventSourceMapping"


def mappings(variant: Variant) -> dict[str, dict[str, Any]]:
    return {name: one["Properties"] for name, one in variant.enforcement.of_type(MAPPING).items()}


def kafka_arn(variant: Variant, kind: str, name: str) -> str:
    return f"arn:aws:kafka:{HOME}:{kind}/{variant.settings.prefix}/0a1b-2c-s1/{name}"


def test_port_is_that_of_iam_and_neither_9092_nor_9094(assembly: Variant) -> None:
    """MSK Serverless listens on 9098 only: security groups for 9092 and 9094 connect nothing."""
    text = json.dumps(assembly.network.template)
    assert '"FromPort": 9098' in text
    assert "9092" not in text
    assert "9094" not in text


def test_what_is_in_the_network_reaches_all_that_it_calls(assembly: Variant) -> None:
    """A function was put into a VPC without an endpoint for anything that it calls."""
    services = [
        json.dumps(one["Properties"]["ServiceName"])
        for one in assembly.network.of_type("AWS::EC2::VPCEndpoint").values()
    ]
    assert len(services) == 2
    assert any(".s3" in service for service in services)
    assert any(".dynamodb" in service for service in services)
    # What calls Step Functions and SNS stays outside.
    functions = assembly.enforcement.of_type("AWS::Lambda::Function").values()
    placed = [one["Properties"]["Handler"] for one in functions if "VpcConfig" in one["Properties"]]
    assert sorted(placed) == ["functions.feeder.handler", "functions.publisher.handler"]


def test_topics_and_groups_have_arns_of_their_own(assembly: Variant) -> None:
    """A topic was named CLUSTER-ARN/*, which is no topic: nothing was ever allowed."""
    router = assembly.enforcement.role("RouterRole")
    topic, group = kafka_arn(assembly, "topic", MARGIN_CALC), kafka_arn(assembly, "group", "")
    assert router.allows("kafka-cluster:ReadData", topic)
    assert router.allows("kafka-cluster:AlterGroup", f"{group}{assembly.settings.prefix}-router")
    wrong = kafka_arn(assembly, "cluster", MARGIN_CALC)
    assert not router.allows("kafka-cluster:ReadData", wrong)


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        ("RouterRole", ("DescribeTopic", "ReadData")),
        ("RouterRole", ("DescribeGroup", "AlterGroup")),
        ("PublisherRole", ("DescribeTopic", "WriteData")),
        ("PublisherRole", ("Connect", "WriteDataIdempotently")),
    ],
)
def test_the_four_missing_permissions_are_given(
    assembly: Variant, role: str, actions: tuple[str, ...]
) -> None:
    """Group, DescribeTopic and idempotent writing were missing: consumer and producer hang."""
    given = assembly.enforcement.role(role).actions
    assert {f"kafka-cluster:{action}" for action in actions} <= given


def test_the_router_has_an_event_source(variant: Variant) -> None:
    """The function that should act had nothing that invokes it."""
    sources = [one for name, one in mappings(variant).items() if name != "Outbox"]
    assert len(sources) == 1
    assert "FilterCriteria" in sources[0]
    assert sources[0]["StartingPosition"] == "TRIM_HORIZON"


def test_capacity_is_capped_and_not_kept_warm(variant: Variant) -> None:
    """Workers were kept initialised, and billed while nothing ran."""
    application = variant.risk.one("AWS::EMRServerless::Application")
    assert "InitialCapacity" not in application
    assert int(application["MaximumCapacity"]["Cpu"].split()[0]) <= 16


def test_alarms_are_on_what_hurts_and_tell_somebody(variant: Variant) -> None:
    """One alarm watched a processor, and no action was behind it."""
    alarms = variant.observability.of_type("AWS::CloudWatch::Alarm").values()
    names = {one["Properties"]["AlarmName"] for one in alarms}
    assert len(names) >= 10
    assert {f"{variant.settings.prefix}-{n}" for n in ("no-margin-results", "case-halted")} <= names
    assert all(one["Properties"]["AlarmActions"] for one in alarms)
    assert not [name for name in names if "cpu" in name.lower()]


def test_audit_is_not_deleted_after_90_days(variant: Variant) -> None:
    """A lifecycle rule removed the audit trail that had to be kept for years."""
    bucket = variant.state.one("AWS::S3::Bucket")
    rules = bucket.get("LifecycleConfiguration", {}).get("Rules", [])
    assert not [r for r in rules if "ExpirationInDays" in r or "NoncurrentVersionExpiration" in r]
    assert bucket["ObjectLockEnabled"] is True


def test_the_job_reads_every_input(variant: Variant) -> None:
    """Only fills and prices were read: cash was made up, and betas were a constant."""
    role = variant.risk.role("JobRole")
    for channel in INPUTS:
        if variant.settings.transport == "kafka":
            assert role.allows("kafka-cluster:ReadData", kafka_arn(variant, "topic", channel))
        else:
            name = f"{variant.settings.prefix}-{channel.replace('.', '-')}"
            arn = f"arn:aws:kinesis:{HOME}:stream/{name}"
            assert role.allows("kinesis:GetRecords", arn)
