"""The one construct for every Lambda function: its role, its log group and its limits."""

from collections.abc import Iterable, Mapping
from typing import Protocol

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.acknowledged import acknowledge_resource
from stacks.network import Places
from stacks.retention import log_retention

TIMEOUT = cdk.Duration.seconds(30)
MEMORY_MIB = 256
# What Lambda needs to put a function, or what reads for it, into subnets. AWS takes no resource.
INTERFACES = (
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)


class FunctionSettings(Protocol):
    """What of the app's settings counts for a function."""

    @property
    def prefix(self) -> str: ...
    @property
    def profile(self) -> str: ...


class StepFunction(Construct):
    """The function of one step, run as `functions.<step>.handler`, with a role of its own."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        step: str,
        settings: FunctionSettings,
        code: lambda_.Code,
        environment: Mapping[str, str],
        statements: Iterable[iam.PolicyStatement],
        timeout: cdk.Duration = TIMEOUT,
    ) -> None:
        super().__init__(scope, name)
        self.name = f"{settings.prefix}-{step}"
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{self.name}",
            retention=log_retention(settings.profile),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={
                "Step": iam.PolicyDocument(statements=[self._write_logs(), *statements])
            },
        )
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=self.name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"functions.{step}.handler",
            code=code,
            role=self.role,
            log_group=self.log_group,
            memory_size=MEMORY_MIB,
            timeout=timeout,
            environment=dict(environment),
        )
        cdk.Validations.of(self.function).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-L1",
                reason="Python 3.13 is the newest version that every part of the project supports.",
            )
        )

    def place(self, places: Places) -> None:
        """Run it in the isolated subnets. Its own code may do nothing there but talk to Kafka."""
        function = self.function.node.default_child
        assert isinstance(function, lambda_.CfnFunction)
        function.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
            subnet_ids=list(places.subnet_ids),
            security_group_ids=[places.client_security_group_id],
        )
        self.allow_interfaces()

    def allow_interfaces(self) -> None:
        """Let Lambda, and not the function's code, make network interfaces with this role."""
        self.role.add_to_policy(iam.PolicyStatement(actions=list(INTERFACES), resources=["*"]))
        own_arn = cdk.Stack.of(self).format_arn(
            service="lambda",
            resource="function",
            resource_name=self.name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        self.role.add_to_policy(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=list(INTERFACES),
                resources=["*"],
                conditions={"ArnEquals": {"lambda:SourceFunctionArn": own_arn}},
            )
        )
        acknowledge_resource(
            self.role,
            "*",
            "EC2 names no interface beforehand. The function's own code is denied it.",
        )

    def _write_logs(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[self.log_group.log_group_arn],
        )
