"""The streaming job's place: an EMR Serverless application, its buckets, its role, its switch."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

import aws_cdk as cdk
from aws_cdk import aws_emrserverless as emr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from margin.topics import DEAD_LETTER, INPUTS, MARGIN_CALC, STRESS_BETA_SPY, STRESS_TIMS
from stacks.acknowledged import acknowledge, acknowledge_resource
from stacks.emr_runtime import ARCHITECTURE, RELEASE
from stacks.function import StepFunction
from stacks.packaging import COMMON, stage
from stacks.published import publish

OUTPUTS = (MARGIN_CALC, STRESS_BETA_SPY, STRESS_TIMS, DEAD_LETTER)
EMR = "emr-serverless.amazonaws.com"
# A driver and an executor of 1 vCPU and 4 GB run; the rest is room for what restarts. An account
# may have 16 vCPU in all, and a job beyond that fails after it was accepted.
CAPACITY = {
    "class": {"cpu": "4 vCPU", "memory": "16 GB", "disk": "80 GB"},
    "prod": {"cpu": "12 vCPU", "memory": "48 GB", "disk": "240 GB"},
}
IDLE_MINUTES = 15
MINUTES_AN_HOUR = 60
# S3A lists before it reads, and writes large files in parts. It sets no ACL, and may not.
READ = ("s3:GetObject",)
READ_WRITE = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject")
# A packaged job is at packages/<version>/, a checkpoint at checkpoints/<job>/<state version>/.
ARTIFACTS, CHECKPOINTS = "packages", "checkpoints"


class RiskSettings(Protocol):
    """What of a deploy's settings counts here."""

    @property
    def student(self) -> str: ...
    @property
    def profile(self) -> str: ...
    @property
    def prefix(self) -> str: ...
    @property
    def ttl_hours(self) -> int: ...
    @property
    def customer_key(self) -> bool: ...


class StreamNetwork(Protocol):
    """Where workers get their addresses; brokers let their security group in."""

    @property
    def subnet_ids(self) -> Sequence[str]: ...
    @property
    def stream_security_group_id(self) -> str: ...


class StreamTransport(Protocol):
    """Kafka or Kinesis: gives the job's role what it needs to read or write one channel."""

    def grant_consume(self, role: iam.Role, channel: str) -> None: ...
    def grant_produce(self, role: iam.Role, channel: str) -> None: ...


class Risk(cdk.Stack):
    """Costs nothing until a job runs: capacity is not kept warm."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        settings: RiskSettings,
        network: StreamNetwork,
        transport: StreamTransport,
    ) -> None:
        super().__init__(
            scope,
            name,
            stack_name=f"{settings.prefix}-risk",
            description="marginwatch: the streaming job",
        )
        self._settings = settings
        key = self._key() if settings.customer_key else None
        self.artifacts = self._bucket("Artifacts", key)
        self.checkpoints = self._bucket("Checkpoints", key)
        self.application = self._application(network)
        self.job_role = self._job_role(key)
        for channel in INPUTS:
            transport.grant_consume(self.job_role, channel)
        for channel in OUTPUTS:
            transport.grant_produce(self.job_role, channel)
        self.controller = self._controller()
        self._publish_names()

    @property
    def _is_class(self) -> bool:
        return self._settings.profile == "class"

    @property
    def application_arn(self) -> str:
        return self.application.attr_arn

    def _key(self) -> kms.Key:
        return kms.Key(
            self,
            "Key",
            description="marginwatch: packages and checkpoints of the streaming job",
            enable_key_rotation=True,
            pending_window=cdk.Duration.days(7),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )

    def _bucket(self, name: str, key: kms.Key | None) -> s3.Bucket:
        leaves = self._is_class
        bucket = s3.Bucket(
            self,
            name,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=True if key else None,
            enforce_ssl=True,
            # ACLs are off, so that nobody can open an object by one.
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=cdk.Duration.days(1))
            ],
            # Both can be made again: packages from the sources, checkpoints from the topics.
            removal_policy=cdk.RemovalPolicy.DESTROY if leaves else cdk.RemovalPolicy.RETAIN,
            auto_delete_objects=leaves,
        )
        acknowledge(
            bucket,
            "S1",
            "Access logs need a bucket more, and a checkpoint writes thousands of objects an "
            "hour. What is kept can be made again.",
        )
        return bucket

    def _application(self, network: StreamNetwork) -> emr.CfnApplication:
        return emr.CfnApplication(
            self,
            "Application",
            name=f"{self._settings.prefix}-stream",
            release_label=RELEASE.label,
            type="SPARK",
            architecture=ARCHITECTURE,
            maximum_capacity=emr.CfnApplication.MaximumAllowedResourcesProperty(
                **CAPACITY[self._settings.profile]
            ),
            # No initial capacity: it is billed while nothing runs.
            auto_start_configuration=emr.CfnApplication.AutoStartConfigurationProperty(
                enabled=True
            ),
            auto_stop_configuration=emr.CfnApplication.AutoStopConfigurationProperty(
                enabled=True, idle_timeout_minutes=IDLE_MINUTES
            ),
            network_configuration=emr.CfnApplication.NetworkConfigurationProperty(
                subnet_ids=list(network.subnet_ids),
                security_group_ids=[network.stream_security_group_id],
            ),
        )

    def _job_role(self, key: kms.Key | None) -> iam.Role:
        """What a run may do. Only this application of this account can take the role."""
        statements = [
            _allow(READ, self.artifacts.arn_for_objects(f"{ARTIFACTS}/*")),
            _allow(READ_WRITE, self.checkpoints.arn_for_objects(f"{CHECKPOINTS}/*")),
            # To make a folder, S3A asks whether one above it is a file.
            _allow(READ, self.checkpoints.arn_for_objects(CHECKPOINTS)),
            _allow(("s3:ListBucket",), self.artifacts.bucket_arn, self.checkpoints.bucket_arn),
        ]
        if key:
            statements.append(_allow(("kms:Decrypt", "kms:GenerateDataKey"), key.key_arn))
        role = iam.Role(
            self,
            "JobRole",
            assumed_by=iam.ServicePrincipal(
                EMR,
                conditions={
                    "StringEquals": {"aws:SourceAccount": self.account},
                    "ArnEquals": {"aws:SourceArn": self.application_arn},
                },
            ),
            inline_policies={"Stream": iam.PolicyDocument(statements=statements)},
        )
        for bucket, prefix, reason in (
            (self.artifacts, ARTIFACTS, "Every file of a package, to read."),
            (self.checkpoints, CHECKPOINTS, "Spark names the files of its checkpoints."),
        ):
            acknowledge_resource(role, f"<{self._id_of(bucket)}.Arn>/{prefix}/*", reason)
        return role

    def _controller(self) -> StepFunction:
        """Starts, stops and looks; CloudFormation cannot, because a run is no resource."""
        runs = f"{self.application_arn}/jobruns/*"
        # The CDK copies an asset when it is declared, so the staged folder can go right after.
        with TemporaryDirectory() as folder:
            controller = StepFunction(
                self,
                "JobController",
                step="job_controller",
                settings=self._settings,
                code=lambda_.Code.from_asset(str(stage(Path(folder), COMMON))),
                environment={
                    "EMR_APPLICATION_ID": self.application.attr_application_id,
                    "JOB_ROLE_ARN": self.job_role.role_arn,
                    "ARTIFACT_BUCKET": self.artifacts.bucket_name,
                    "LONGEST_MINUTES": str(self.longest_minutes),
                    "STUDENT": self._settings.student,
                },
                statements=[
                    _allow(
                        ("emr-serverless:ListJobRuns", "emr-serverless:StartJobRun"),
                        self.application_arn,
                    ),
                    _allow(
                        (
                            "emr-serverless:CancelJobRun",
                            "emr-serverless:GetJobRun",
                            # A run is started with tags.
                            "emr-serverless:TagResource",
                        ),
                        runs,
                    ),
                    iam.PolicyStatement(
                        actions=["iam:PassRole"],
                        resources=[self.job_role.role_arn],
                        conditions={"StringEquals": {"iam:PassedToService": EMR}},
                    ),
                ],
            )
        acknowledge_resource(
            controller.role,
            f"<{self._id_of(self.application)}.Arn>/jobruns/*",
            "Any run of this one application: EMR names runs when they start.",
        )
        return controller

    @property
    def longest_minutes(self) -> int:
        """How long a run may last; 0, without end, outside a class."""
        return self._settings.ttl_hours * MINUTES_AN_HOUR if self._is_class else 0

    def _publish_names(self) -> None:
        """By name and not by export, so that stacks go in any order."""
        names = {
            "emr-application-id": self.application.attr_application_id,
            "job-role-arn": self.job_role.role_arn,
            "job-controller": self.controller.function.function_name,
            "artifact-bucket": self.artifacts.bucket_name,
            "checkpoint-bucket": self.checkpoints.bucket_name,
        }
        publish(self, self._settings, names)

    def _id_of(self, resource: Construct) -> str:
        """The name of a resource within its template."""
        element = resource if isinstance(resource, cdk.CfnElement) else resource.node.default_child
        assert isinstance(element, cdk.CfnElement)
        return str(self.resolve(element.logical_id))


def _allow(actions: tuple[str, ...], *resources: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resources))
