"""The State stack, by the properties that other parts rely on."""

from support.stack_variants import Variant

TABLE, BUCKET = "AWS::DynamoDB::Table", "AWS::S3::Bucket"


def test_table_is_keyed_streamed_and_expiring(variant: Variant) -> None:
    table = variant.state.one(TABLE)
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_what_a_class_leaves_and_what_production_keeps(variant: Variant) -> None:
    kept = variant.settings.profile == "prod"
    table = variant.state.one(TABLE)
    recovery = table["PointInTimeRecoverySpecification"]
    assert recovery == {"PointInTimeRecoveryEnabled": kept}
    assert table["DeletionProtectionEnabled"] is kept
    for kind in (TABLE, BUCKET):
        (resource,) = variant.state.of_type(kind).values()
        assert resource["DeletionPolicy"] == ("Retain" if kept else "Delete")


def test_audit_bucket_is_versioned_locked_and_private(variant: Variant) -> None:
    bucket = variant.state.one(BUCKET)
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    days = {"class": 1, "prod": 2192}[variant.settings.profile]
    assert bucket["ObjectLockConfiguration"]["Rule"] == {
        "DefaultRetention": {"Mode": "GOVERNANCE", "Days": days}
    }
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_a_key_of_its_own_covers_table_bucket_and_topic(variant: Variant) -> None:
    keys = variant.state.of_type("AWS::KMS::Key")
    bucket = variant.state.one(BUCKET)["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
    used = [
        variant.state.one(TABLE).get("SSESpecification", {}).get("KMSMasterKeyId"),
        bucket["ServerSideEncryptionByDefault"].get("KMSMasterKeyID"),
        variant.state.one("AWS::SNS::Topic").get("KmsMasterKeyId"),
    ]
    if not variant.settings.customer_key:
        assert (keys, used) == ({}, [None, None, None])
        return
    ((name, key),) = keys.items()
    assert key["Properties"]["EnableKeyRotation"] is True
    assert {variant.state.resolve(one).rpartition("/")[2] for one in used} == {name}


def test_bucket_and_topic_refuse_plain_http(variant: Variant) -> None:
    for kind in ("AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy"):
        (statement,) = variant.state.one(kind)["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_names_are_published_under_the_student(variant: Variant) -> None:
    names = {one["Properties"]["Name"] for one in variant.state.of_type(PARAMETER).values()}
    expected = {"accounts-table", "accounts-stream-arn", "audit-bucket-name", "notices-arn"}
    key = {"state-key-arn"} if variant.settings.customer_key else set()
    home = f"/marginwatch/{variant.settings.student}"
    assert names == {f"{home}/{name}" for name in expected | key}


PARAMETER = "AWS::SSM::Parameter"
