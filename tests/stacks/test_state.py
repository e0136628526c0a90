"""The State stack, by the properties that other parts rely on."""

from typing import Any


def test_table_is_keyed_streamed_expiring_and_recoverable(assembly: Any) -> None:
    table = assembly.one(assembly.state, "AWS::DynamoDB::Table")
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_audit_bucket_is_locked_private_and_outlives_its_stack(assembly: Any) -> None:
    bucket = assembly.one(assembly.state, "AWS::S3::Bucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["ObjectLockConfiguration"]["Rule"] == {
        "DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}
    }
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    audit = next(r for r in assembly.state["Resources"].values() if r["Type"] == "AWS::S3::Bucket")
    assert audit["DeletionPolicy"] == "Retain"


def test_bucket_and_topic_refuse_plain_http(assembly: Any) -> None:
    for kind in ("AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy"):
        (statement,) = assembly.one(assembly.state, kind)["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
