"""What must survive a release: the table, the audit bucket and the notices topic."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct


class State(cdk.Stack):
    """Three resources that other stacks are given; nothing here knows who uses them."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name, description="marginwatch: accounts, audit trail, notices")
        self.table = self._table()
        self.audit = self._audit()
        self.notices = sns.Topic(self, "Notices", enforce_ssl=True)

    def _table(self) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            "Accounts",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            stream=dynamodb.StreamViewType.NEW_IMAGE,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )

    def _audit(self) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Audit",
            versioned=True,
            object_lock_enabled=True,
            # Governance, one day: long enough to show that a record cannot be replaced, short
            # enough that a class account can be emptied the day after.
            object_lock_default_retention=s3.ObjectLockRetention.governance(cdk.Duration.days(1)),
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            # A bucket with locked records cannot be deleted, so the stack must not try.
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        cdk.Validations.of(bucket).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-S1",
                reason="Access logs need a second bucket. Each record is hash-chained and locked, "
                "so a change is found without them.",
            )
        )
        return bucket
