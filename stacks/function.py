"""The one construct for every Lambda function: its role, its log group and its limits."""

from collections.abc import Iterable, Mapping

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

TIMEOUT = cdk.Duration.seconds(30)
MEMORY_MIB = 256


class StepFunction(Construct):
    """The function of one step, run as `functions.<step>.handler`, with a role of its own."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        step: str,
        code: lambda_.Code,
        environment: Mapping[str, str],
        statements: Iterable[iam.PolicyStatement],
    ) -> None:
        super().__init__(scope, name)
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.TWO_WEEKS,
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
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"functions.{step}.handler",
            code=code,
            role=self.role,
            log_group=self.log_group,
            memory_size=MEMORY_MIB,
            timeout=TIMEOUT,
            environment=dict(environment),
        )
        cdk.Validations.of(self.function).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-L1",
                reason="Python 3.13 is the newest version that every part of the project supports.",
            )
        )

    def _write_logs(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[self.log_group.log_group_arn],
        )
