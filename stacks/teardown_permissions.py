"""What each step of the teardown may do, and why a `*` in it is as narrow as AWS lets it be."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from stacks.settings import Settings

Statements: TypeAlias = Iterator[iam.PolicyStatement]
Reasons: TypeAlias = Iterator[tuple[str, str]]

# Writers first, what they write to last. The network is free and stays.
ORDER = ("observability", "enforcement", "risk", "transport", "state")
# Outside a class the accounts and the audit trail outlive everything.
KEPT_IN_PROD = "state"
WITH_BUCKETS = ("risk", "state")

# Read only; none of these lists can be asked for less than a whole account and region.
LISTED = (
    *("cloudformation:DescribeStacks", "cloudwatch:DescribeAlarms", "cloudwatch:ListDashboards"),
    *("dynamodb:DescribeTable", "dynamodb:ListTables"),
    *("ec2:DescribeAddresses", "ec2:DescribeNatGateways", "ec2:DescribeVpcEndpoints"),
    *("emr-serverless:ListApplications", "emr-serverless:ListJobRuns", "events:ListRules"),
    *("kafka:ListClustersV2", "kinesis:DescribeStreamSummary", "kinesis:ListStreams"),
    *("kms:DescribeKey", "kms:ListAliases", "kms:ListKeys"),
    *("lambda:ListEventSourceMappings", "lambda:ListFunctions", "logs:DescribeLogGroups"),
    *("s3:ListAllMyBuckets", "scheduler:ListSchedules", "sns:ListTopics", "sqs:ListQueues"),
    *("states:ListStateMachines", "tag:GetResources"),
)


def stacks_to_delete(profile: str) -> tuple[str, ...]:
    return tuple(one for one in ORDER if profile == "class" or one != KEPT_IN_PROD)


def statements(step: str, stack: cdk.Stack, settings: Settings) -> Statements:
    """The statements of one step's role, beside its log group."""
    yield from STEPS[step](stack, settings)


def _stack_arns(stack: cdk.Stack, settings: Settings) -> list[str]:
    return [
        stack.format_arn(
            service="cloudformation", resource="stack", resource_name=f"{settings.prefix}-{name}/*"
        )
        for name in stacks_to_delete(settings.profile)
    ]


def _list_resources(stack: cdk.Stack, settings: Settings) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=["cloudformation:ListStackResources"], resources=_stack_arns(stack, settings)
    )


def _mappings(stack: cdk.Stack, settings: Settings) -> Statements:
    yield _list_resources(stack, settings)
    yield iam.PolicyStatement(
        actions=["lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping"],
        resources=[_mapping_arn(stack)],
        conditions={"ArnLike": {"lambda:FunctionArn": _function_arn(stack, settings)}},
    )


def _mapping_arn(stack: cdk.Stack) -> str:
    return _colon_arn(stack, "lambda", "event-source-mapping", "*")


def _function_arn(stack: cdk.Stack, settings: Settings) -> str:
    return _colon_arn(stack, "lambda", "function", f"{settings.prefix}-*")


def _colon_arn(stack: cdk.Stack, service: str, resource: str, name: str) -> str:
    return stack.format_arn(
        service=service,
        resource=resource,
        resource_name=name,
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )


def _of_application(stack: cdk.Stack, settings: Settings, path: str, *actions: str) -> Statements:
    """Applications and their runs have ids, no names: the student's by their tags."""
    yield iam.PolicyStatement(
        actions=[f"emr-serverless:{action}" for action in actions],
        resources=[_emr_arn(stack, path)],
        conditions={
            "StringEquals": {
                "aws:ResourceTag/Project": "marginwatch",
                "aws:ResourceTag/Student": settings.student,
            }
        },
    )


def _emr_arn(stack: cdk.Stack, path: str) -> str:
    return stack.format_arn(service="emr-serverless", resource="/applications", resource_name=path)


def _jobs(stack: cdk.Stack, settings: Settings) -> Statements:
    yield _list_resources(stack, settings)
    yield from _of_application(stack, settings, "*", "GetApplication", "ListJobRuns")
    yield from _of_application(stack, settings, "*/jobruns/*", "CancelJobRun")


def _applications(stack: cdk.Stack, settings: Settings) -> Statements:
    yield _list_resources(stack, settings)
    yield from _of_application(stack, settings, "*", "GetApplication", "StopApplication")


def _buckets(stack: cdk.Stack, settings: Settings) -> Statements:
    yield _list_resources(stack, settings)
    yield iam.PolicyStatement(
        actions=["s3:DeleteBucket", "s3:ListBucketVersions"],
        resources=list(_bucket_arns(stack, settings)),
    )
    bypass = ["s3:BypassGovernanceRetention"] if settings.profile == "class" else []
    yield iam.PolicyStatement(
        actions=[*bypass, "s3:DeleteObject", "s3:DeleteObjectVersion"],
        resources=[f"{arn}/*" for arn in _bucket_arns(stack, settings)],
    )


def _bucket_arns(stack: cdk.Stack, settings: Settings) -> Iterator[str]:
    """CloudFormation names a bucket after its stack."""
    for name in WITH_BUCKETS:
        if name in stacks_to_delete(settings.profile):
            yield f"arn:{stack.partition}:s3:::{settings.prefix}-{name}-*"


def _stack(stack: cdk.Stack, settings: Settings) -> Statements:
    # No pass of a role: CloudFormation deletes a stack with the role that it was made with.
    yield iam.PolicyStatement(
        actions=["cloudformation:DeleteStack", "cloudformation:DescribeStacks"],
        resources=_stack_arns(stack, settings),
    )


def _verify(_stack: cdk.Stack, _settings: Settings) -> Statements:
    yield iam.PolicyStatement(actions=list(LISTED), resources=["*"])


STEPS: Mapping[str, Callable[[cdk.Stack, Settings], Statements]] = MappingProxyType(
    {
        "mappings": _mappings,
        "jobs": _jobs,
        "applications": _applications,
        "buckets": _buckets,
        "stack": _stack,
        "verify": _verify,
    }
)


def _stack_reasons(_stack: cdk.Stack, settings: Settings) -> Reasons:
    for name in stacks_to_delete(settings.profile):
        arn = f"arn:{_PSEUDO.format(service='cloudformation')}:stack/{settings.prefix}-{name}/*"
        yield arn, "One stack of this student: AWS puts an id of its own behind the name."


def _mapping_reasons(stack: cdk.Stack, settings: Settings) -> Reasons:
    yield from _stack_reasons(stack, settings)
    arn = f"arn:{_PSEUDO.format(service='lambda')}:event-source-mapping:*"
    yield arn, "Mappings have ids, no names: those of this student's functions, by a condition."


def _emr_reasons(*paths: str) -> Callable[[cdk.Stack, Settings], Reasons]:
    def reasons(stack: cdk.Stack, settings: Settings) -> Reasons:
        yield from _stack_reasons(stack, settings)
        for path in paths:
            arn = f"arn:{_PSEUDO.format(service='emr-serverless')}:/applications/{path}"
            yield arn, "Applications and runs have ids, no names: this student's, by their tags."

    return reasons


def _bucket_reasons(stack: cdk.Stack, settings: Settings) -> Reasons:
    yield from _stack_reasons(stack, settings)
    for arn in _bucket_arns(stack, settings):
        text = arn.replace(stack.partition, "<AWS::Partition>")
        yield text, "Buckets of one stack of this student: AWS ends their names."
        yield f"{text}/*", "Every object of such a bucket has to go before the bucket can."


def _list_reasons(_stack: cdk.Stack, _settings: Settings) -> Reasons:
    yield "*", "Lists and descriptions only: AWS takes no resource for them."


# How cdk-nag writes an ARN of the stack's own account and region.
_PSEUDO = "<AWS::Partition>:{service}:<AWS::Region>:<AWS::AccountId>"
WILDCARDS: Mapping[str, Callable[[cdk.Stack, Settings], Reasons]] = MappingProxyType(
    {
        "mappings": _mapping_reasons,
        "jobs": _emr_reasons("*", "*/jobruns/*"),
        "applications": _emr_reasons("*"),
        "buckets": _bucket_reasons,
        "stack": _stack_reasons,
        "verify": _list_reasons,
    }
)
