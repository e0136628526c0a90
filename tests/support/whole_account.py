"""The emulator with every service that an inventory asks, and stacks of one student on it."""

from __future__ import annotations

from pathlib import Path

# First, for it chooses the Node.js that the CDK starts.
import stacks  # noqa: F401

# isort: split
import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from local.emulator import SERVICES, Emulator
from stacks.settings import Settings
from stacks.teardown import Teardown

STUDENT = "ana"


class WholeAccount(Emulator):
    """The services of the local run, and those that only an inventory asks."""

    def __enter__(self) -> WholeAccount:
        self.start()
        return self

    def _environment(self, mark: str) -> dict[str, str]:
        return super()._environment(mark) | {"SERVICES": f"{SERVICES},ec2,tagging"}


def settings(student: str = STUDENT, profile: str = "class") -> Settings:
    return Settings(
        student=student, profile=profile, transport="kinesis", esm_mode="on-demand", ttl_hours=4
    )


def synthesize(folder: Path, student: str = STUDENT, profile: str = "class") -> Path:
    """The teardown, and small stacks under the names of the real ones."""
    chosen = settings(student, profile)
    app = cdk.App(
        outdir=str(folder), analytics_reporting=False, builtin_cloud_formation_validation=False
    )
    Teardown(app, "Teardown", chosen)
    for make in (_observability, _enforcement, _risk, _transport, _state):
        name = make.__name__.strip("_")
        stack = cdk.Stack(app, name.title(), stack_name=f"{chosen.prefix}-{name}")
        cdk.Tags.of(stack).add("Project", "marginwatch")
        cdk.Tags.of(stack).add("Student", student)
        make(stack, chosen)
    app.synth()
    return folder


def _observability(stack: cdk.Stack, chosen: Settings) -> None:
    metric = cloudwatch.Metric(namespace="marginwatch", metric_name="CasesHalted")
    cloudwatch.Alarm(
        stack,
        "Halted",
        alarm_name=f"{chosen.prefix}-halted",
        metric=metric,
        threshold=1,
        evaluation_periods=1,
    )


def _enforcement(stack: cdk.Stack, chosen: Settings) -> None:
    function = lambda_.Function(
        stack,
        "Router",
        function_name=f"{chosen.prefix}-router",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(event, context):\n    return {}\n"),
    )
    queue = sqs.Queue(stack, "Inbox", queue_name=f"{chosen.prefix}-inbox")
    function.add_event_source(sources.SqsEventSource(queue))


def _risk(stack: cdk.Stack, chosen: Settings) -> None:
    s3.Bucket(stack, "Checkpoints", bucket_name=f"{chosen.prefix}-risk-checkpoints")


def _transport(stack: cdk.Stack, chosen: Settings) -> None:
    stream = kinesis.Stream(
        stack, "Calc", stream_name=f"{chosen.prefix}-margin-calc-v1", shard_count=3
    )
    stream.apply_removal_policy(cdk.RemovalPolicy.DESTROY)


def _state(stack: cdk.Stack, chosen: Settings) -> None:
    s3.Bucket(
        stack,
        "Audit",
        bucket_name=f"{chosen.prefix}-state-audit",
        versioned=True,
        object_lock_enabled=True,
        object_lock_default_retention=s3.ObjectLockRetention.governance(cdk.Duration.days(1)),
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )
