"""What is left is found by tag and by name, on every page, and nobody else's is."""

from __future__ import annotations

from typing import Any

import pytest
from support.recorded_aws import RecordedAws

from functions.adapters.inventory import Inventory, Leftover, take_inventory
from functions.adapters.listings import LISTINGS
from stacks.teardown_permissions import LISTED

ARN = "arn:aws:{service}:us-east-1:111122223333:{rest}"
# IAM calls these services otherwise than boto3 does.
IAM_NAMES = {"resourcegroupstaggingapi": "tag", "stepfunctions": "states"}
# And S3 this operation.
IAM_ACTIONS = {"s3:ListBuckets": "s3:ListAllMyBuckets"}


@pytest.fixture
def aws() -> RecordedAws:
    return RecordedAws()


def tagged(aws: RecordedAws, *arns: str, student: str = "ana") -> None:
    aws.answers["resourcegroupstaggingapi", "GetResources"].append(
        {
            "ResourceTagMappingList": [
                {
                    "ResourceARN": arn,
                    "Tags": [
                        {"Key": "Project", "Value": "marginwatch"},
                        {"Key": "Student", "Value": student},
                    ],
                }
                for arn in arns
            ]
        }
    )


def topic(name: str) -> str:
    return ARN.format(service="sns", rest=name)


def topics(aws: RecordedAws, *names: str, more: str | None = None) -> None:
    page: dict[str, Any] = {"Topics": [{"TopicArn": topic(name)} for name in names]}
    aws.answers["sns", "ListTopics"].append(page | ({"NextToken": more} if more else {}))


def found(aws: RecordedAws, **options: Any) -> list[tuple[str, str, str]]:
    inventory = take_inventory("ana", aws, **options)
    assert inventory.unread == ()
    return [(one.kind, one.name, one.found_by) for one in inventory.leftovers]


def test_an_empty_account_is_clean(aws: RecordedAws) -> None:
    assert take_inventory("ana", aws) == Inventory(leftovers=())
    assert take_inventory("ana", aws).clean


def test_a_tag_is_enough_and_so_is_a_name(aws: RecordedAws) -> None:
    tagged(aws, topic("Notices8A3F"))
    topics(aws, "Notices8A3F", "marginwatch-ana-notices", "somebody-elses")
    assert found(aws) == [
        ("SNS topic", "Notices8A3F", "tag"),
        ("SNS topic", "marginwatch-ana-notices", "name"),
    ]


def test_every_page_is_read(aws: RecordedAws) -> None:
    topics(aws, "marginwatch-ana-1", more="two")
    topics(aws, "marginwatch-ana-2", more="three")
    topics(aws, "marginwatch-ana-3")
    assert [name for _, name, _ in found(aws)] == [f"marginwatch-ana-{n}" for n in (1, 2, 3)]


def test_another_students_tag_beats_a_name_that_begins_alike(aws: RecordedAws) -> None:
    tagged(aws, topic("marginwatch-ana-b-notices"), student="ana-b")
    topics(aws, "marginwatch-ana-b-notices", "marginwatch-anabel-notices")
    assert found(aws) == []


def test_a_name_counts_behind_a_slash(aws: RecordedAws) -> None:
    name = "/aws/lambda/marginwatch-ana-router"
    arn = ARN.format(service="logs", rest=f"log-group:{name}:*")
    aws.answers["logs", "DescribeLogGroups"].append(
        {"logGroups": [{"logGroupName": name, "arn": arn}]}
    )
    assert found(aws) == [("log group", name, "name")]


def test_stacks_that_are_kept_are_not_left_over(aws: RecordedAws) -> None:
    topics(aws, "marginwatch-ana-teardown-operator", "marginwatch-ana-notices")
    assert found(aws, kept_stacks=("teardown",)) == [
        ("SNS topic", "marginwatch-ana-notices", "name")
    ]


def test_the_network_stays_but_not_what_is_billed_in_it(aws: RecordedAws) -> None:
    stack = {
        "StackName": "marginwatch-ana-network",
        "StackId": ARN.format(service="cloudformation", rest="stack/marginwatch-ana-network/1"),
        "StackStatus": "CREATE_COMPLETE",
        "CreationTime": "2026-11-25T13:00:00Z",
    }
    aws.answers["cloudformation", "DescribeStacks"].append({"Stacks": [stack]})
    endpoint = {
        "VpcEndpointId": "vpce-1",
        "State": "available",
        "SubnetIds": ["subnet-1", "subnet-2"],
        "Tags": [{"Key": "Name", "Value": "marginwatch-ana-network/lambda"}],
    }
    aws.answers["ec2", "DescribeVpcEndpoints"].append({"VpcEndpoints": [endpoint]})
    (left,) = take_inventory("ana", aws).leftovers
    assert left == Leftover(
        kind="interface endpoint",
        name="marginwatch-ana-network/lambda",
        arn="vpce-1",
        found_by="name",
        prices=(("vpce", 2),),  # an hour's price for each zone
    )


def test_a_service_that_refuses_makes_the_account_not_clean(aws: RecordedAws) -> None:
    topics(aws, "marginwatch-ana-notices")
    aws.refusals["kafka", "ListClustersV2"] = "AccessDeniedException"
    inventory = take_inventory("ana", aws)
    assert not inventory.clean
    assert [one.name for one in inventory.leftovers] == ["marginwatch-ana-notices"]
    (unread,) = inventory.unread
    assert unread.startswith("MSK clusters: ")
    assert "AccessDeniedException" in unread


def test_without_tags_names_are_still_found_and_it_is_said(aws: RecordedAws) -> None:
    topics(aws, "marginwatch-ana-notices")
    aws.refusals["resourcegroupstaggingapi", "GetResources"] = "AccessDeniedException"
    inventory = take_inventory("ana", aws)
    assert len(inventory.leftovers) == 1
    assert len(inventory.unread) == 1


def everything(aws: RecordedAws) -> None:
    """One of each that is billed by the hour or month, and ended ones beside them."""
    cluster = {"ClusterName": "marginwatch-ana", "ClusterArn": "c1", "ClusterType": "SERVERLESS"}
    aws.answers["kafka", "ListClustersV2"].append(
        {
            "ClusterInfoList": [
                {**cluster, "State": "ACTIVE"},
                {**cluster, "State": "DELETING", "ClusterArn": "c2"},
            ]
        }
    )
    application = {"id": "a1", "name": "marginwatch-ana-stream", "arn": "a1", "state": "STARTED"}
    aws.answers["emr-serverless", "ListApplications"].append(
        {"applications": [{**application, "architecture": "ARM64"}]}
    )
    aws.answers["emr-serverless", "ListJobRuns"].append(
        {
            "jobRuns": [
                {"id": "j1", "arn": "j1", "state": "RUNNING"},
                {"id": "j2", "arn": "j2", "state": "CANCELLED"},
            ]
        }
    )
    stream = {"StreamStatus": "ACTIVE", "StreamModeDetails": {"StreamMode": "PROVISIONED"}}
    aws.answers["kinesis", "ListStreams"].append(
        {
            "StreamNames": [],
            "HasMoreStreams": False,
            "StreamSummaries": [
                {**stream, "StreamName": "marginwatch-ana-x", "StreamARN": "s1"},
                {
                    "StreamName": "marginwatch-ana-y",
                    "StreamARN": "s2",
                    "StreamStatus": "ACTIVE",
                    "StreamModeDetails": {"StreamMode": "ON_DEMAND"},
                },
            ],
        }
    )
    aws.answers["kinesis", "DescribeStreamSummary"].append(
        {"StreamDescriptionSummary": {"OpenShardCount": 3}}
    )
    key = ARN.format(service="kms", rest="key/k1")
    aws.answers["kms", "ListAliases"].append(
        {"Aliases": [{"AliasName": "alias/marginwatch-ana", "TargetKeyId": "k1"}]}
    )
    aws.answers["kms", "ListKeys"].append({"Keys": [{"KeyId": "k1", "KeyArn": key}]})
    aws.answers["kms", "DescribeKey"].append(
        {"KeyMetadata": {"KeyId": "k1", "KeyManager": "CUSTOMER", "KeyState": "Enabled"}}
    )
    aws.answers["dynamodb", "ListTables"].append({"TableNames": ["marginwatch-ana-accounts"]})
    aws.answers["dynamodb", "DescribeTable"].append({"Table": {"TableArn": "t1"}})


def test_prices_are_named_by_what_is_billed(aws: RecordedAws) -> None:
    everything(aws)
    prices = {(one.kind, one.name): one.prices for one in take_inventory("ana", aws).leftovers}
    assert prices == {
        ("MSK cluster", "marginwatch-ana"): (("msk_cluster", 1),),
        # A driver and an executor of 1 vCPU and 4 GB each.
        ("EMR job run", "marginwatch-ana-stream/j1"): (("emr_vcpu_arm", 2), ("emr_gb_arm", 8)),
        ("Kinesis stream", "marginwatch-ana-x"): (("kds_shard", 3),),
        ("Kinesis stream", "marginwatch-ana-y"): (("kds_stream", 1),),
        ("KMS key", "marginwatch-ana"): (("kms", 1),),
        ("EMR application", "marginwatch-ana-stream"): (),
        ("table", "marginwatch-ana-accounts"): (),
    }


def test_a_key_that_waits_for_its_deletion_is_not_left_over(aws: RecordedAws) -> None:
    everything(aws)
    gone = {"KeyId": "k1", "KeyManager": "CUSTOMER", "KeyState": "PendingDeletion"}
    aws.answers["kms", "DescribeKey"] = [{"KeyMetadata": gone}]
    assert "KMS key" not in {one.kind for one in take_inventory("ana", aws).leftovers}


def test_verify_may_do_exactly_what_the_inventory_does(aws: RecordedAws) -> None:
    everything(aws)
    take_inventory("ana", aws)
    called = {f"{IAM_NAMES.get(service, service)}:{name}" for service, name in aws.calls}
    assert {IAM_ACTIONS.get(one, one) for one in called} == set(LISTED)


def test_every_kind_that_the_stacks_make_is_listed() -> None:
    assert {"MSK clusters", "EMR job runs", "interface endpoints", "buckets"} <= set(LISTINGS)
