"""What must survive a release: the table, the audit bucket and the notices topic."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.acknowledged import acknowledge
from stacks.published import publish
from stacks.settings import Settings

# Names in the parameter store, under which other stacks find what is here.
TABLE, STREAM = "accounts-table", "accounts-stream-arn"
AUDIT, NOTICES, KEY = "audit-bucket-name", "notices-arn", "state-key-arn"
# A class: long enough to show that a record cannot be replaced, short enough to empty the bucket
# the day after. Else what SEC 17a-4(a) asks of a broker's records, 6 years.
LOCK_DAYS = {"class": 1, "prod": 6 * 365 + 2}
KEY_WAITS = cdk.Duration.days(7)


class State(cdk.Stack):
    """Resources that other stacks find by name; nothing here knows who uses them."""

    def __init__(self, scope: Construct, name: str, settings: Settings) -> None:
        super().__init__(scope, name, description="marginwatch: accounts, audit trail, notices")
        self._settings = settings
        leaves = settings.leaves_nothing
        self._removal = cdk.RemovalPolicy.DESTROY if leaves else cdk.RemovalPolicy.RETAIN
        self.key = self._key() if settings.customer_key else None
        self.table = self._table()
        self.audit = self._audit()
        self.notices = self._notices()
        self._publish_names()

    def _key(self) -> kms.Key:
        return kms.Key(
            self,
            "Key",
            alias=f"alias/{self._settings.prefix}-state",
            description="marginwatch: accounts, audit trail and notices",
            enable_key_rotation=True,
            pending_window=KEY_WAITS,
            removal_policy=self._removal,
        )

    def _table(self) -> dynamodb.Table:
        kept = not self._settings.leaves_nothing
        table = dynamodb.Table(
            self,
            "Accounts",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            stream=dynamodb.StreamViewType.NEW_IMAGE,
            encryption_key=self.key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=kept
            ),
            deletion_protection=kept,
            removal_policy=self._removal,
        )
        if not kept:
            acknowledge(
                table,
                "DDB3",
                "The accounts of a class are gone with it: a second copy would outlive them.",
            )
        return table

    def _audit(self) -> s3.Bucket:
        days = cdk.Duration.days(LOCK_DAYS[self._settings.profile])
        bucket = s3.Bucket(
            self,
            "Audit",
            versioned=True,
            object_lock_enabled=True,
            # Governance: somebody with a permission of its own can lift it. A firm may want
            # compliance, which nobody can lift, and which no account can be rid of.
            object_lock_default_retention=s3.ObjectLockRetention.governance(days),
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.KMS if self.key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=self.key,
            bucket_key_enabled=True if self.key else None,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            # The teardown empties the bucket of a class first, past the lock.
            removal_policy=self._removal,
        )
        acknowledge(
            bucket,
            "S1",
            "Access logs need a second bucket. Each record is hash-chained and locked, so a "
            "change is found without them.",
        )
        return bucket

    def _notices(self) -> sns.Topic:
        return sns.Topic(
            self,
            "Notices",
            topic_name=f"{self._settings.prefix}-notices",
            enforce_ssl=True,
            master_key=self.key,
        )

    def _publish_names(self) -> None:
        stream = self.table.table_stream_arn
        assert stream is not None, "the table has a stream"
        values = {
            TABLE: self.table.table_name,
            STREAM: stream,
            AUDIT: self.audit.bucket_name,
            NOTICES: self.notices.topic_arn,
        }
        publish(self, self._settings, values | ({KEY: self.key.key_arn} if self.key else {}))
