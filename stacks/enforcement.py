"""The ladder: router, rungs, publisher and sweeper around one state machine."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.function import StepFunction
from stacks.packaging import PROJECT
from stacks.permissions import AUDIT_OBJECTS, RUNGS, STEPS, Resources, statements
from stacks.state import State

DEFINITION = PROJECT / "functions" / "enforcement.asl.json"
# Named, so that roles can point at it before it exists: it needs the ARNs of their functions.
MACHINE_NAME = "marginwatch-enforcement"
USES_KAFKA = frozenset({"publisher", "sweeper"})
OUTBOX_INSERTS = {
    "eventName": ["INSERT"],
    "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "OUT#"}]}}},
}


class Enforcement(cdk.Stack):
    """Everything that acts on an account. It reads and writes what `State` keeps."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        state: State,
        code: lambda_.Code,
        kafka_code: lambda_.Code,
    ) -> None:
        super().__init__(scope, name, description="marginwatch: the enforcement ladder")
        self._state = state
        environment = self._environment()
        self.steps = {
            step: self._step(step, kafka_code if step in USES_KAFKA else code, environment)
            for step in STEPS
        }
        self.machine = self._machine()
        self._publish_outbox()
        self._sweep_every_minute()
        self._outputs()
        self._acknowledge_wildcards()

    def _environment(self) -> Mapping[str, str]:
        speed = cdk.CfnParameter(
            self,
            "LadderSpeed",
            default="1",
            allowed_pattern=r"\d{1,6}(\.\d{1,4})?",
            description="Divides every period of the ladder; 1 on a real desk, more in a demo",
        )
        bootstrap = cdk.CfnParameter(
            self, "KafkaBootstrap", description="Brokers the publisher writes to, as host:port,..."
        )
        auth = cdk.CfnParameter(
            self,
            "KafkaAuth",
            default="iam",
            allowed_values=["none", "iam"],
            description="iam on Amazon MSK, none on a local broker",
        )
        return {
            "TABLE_NAME": self._state.table.table_name,
            "AUDIT_BUCKET": self._state.audit.bucket_name,
            "NOTICES_TOPIC_ARN": self._state.notices.topic_arn,
            "STATE_MACHINE_ARN": self._machine_arn("stateMachine", MACHINE_NAME),
            "KAFKA_BOOTSTRAP": bootstrap.value_as_string,
            "KAFKA_AUTH": auth.value_as_string,
            "LADDER_SPEED": speed.value_as_string,
        }

    def _machine_arn(self, resource: str, name: str) -> str:
        return self.format_arn(
            service="states",
            resource=resource,
            resource_name=name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )

    def _resources(self) -> Resources:
        stream = self._state.table.table_stream_arn
        assert stream is not None, "the table of State has a stream"
        return Resources(
            table=self._state.table.table_arn,
            stream=stream,
            audit=self._state.audit.bucket_arn,
            machine=self._machine_arn("stateMachine", MACHINE_NAME),
            executions=self._machine_arn("execution", f"{MACHINE_NAME}:*"),
            notices=self._state.notices.topic_arn,
        )

    def _step(self, step: str, code: lambda_.Code, environment: Mapping[str, str]) -> StepFunction:
        return StepFunction(
            self,
            step.title(),
            step=step,
            code=code,
            environment={name: environment[name] for name in STEPS[step].variables},
            statements=statements(STEPS[step], self._resources()),
        )

    def _machine(self) -> sfn.StateMachine:
        rungs = {step: self.steps[step].function.function_arn for step in RUNGS}
        return sfn.StateMachine(
            self,
            "Ladder",
            state_machine_name=MACHINE_NAME,
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_string(DEFINITION.read_text()),
            definition_substitutions={
                **{f"{step.title()}Arn": arn for step, arn in rungs.items()},
                "TableName": self._state.table.table_name,
                "TopicArn": self._state.notices.topic_arn,
            },
            role=self._machine_role(list(rungs.values())),
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self,
                    "LadderLogs",
                    retention=logs.RetentionDays.TWO_WEEKS,
                    removal_policy=cdk.RemovalPolicy.DESTROY,
                ),
                level=sfn.LogLevel.ALL,
                # Inputs and results hold accounts and task tokens, which are credentials.
                include_execution_data=False,
            ),
            tracing_enabled=True,
        )

    def _machine_role(self, rung_arns: list[str]) -> iam.Role:
        allowed = (
            ("lambda:InvokeFunction", rung_arns),
            ("dynamodb:UpdateItem", [self._state.table.table_arn]),
            ("sns:Publish", [self._state.notices.topic_arn]),
        )
        return iam.Role(
            self,
            "LadderRole",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            inline_policies={
                "Ladder": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(actions=[action], resources=resources)
                        for action, resources in allowed
                    ]
                )
            },
        )

    def _publish_outbox(self) -> None:
        lambda_.EventSourceMapping(
            self,
            "Outbox",
            target=self.steps["publisher"].function,
            event_source_arn=self._state.table.table_stream_arn,
            # The oldest first: an outbox row written before the mapping was ready still counts.
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            filters=[lambda_.FilterCriteria.filter(OUTBOX_INSERTS)],
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            # Then the row is left to the sweep, and its neighbours go through.
            retry_attempts=5,
        )

    def _sweep_every_minute(self) -> None:
        events.Rule(
            self,
            "EveryMinute",
            schedule=events.Schedule.rate(cdk.Duration.minutes(1)),
            targets=[targets.LambdaFunction(self.steps["sweeper"].function)],
        )

    def _outputs(self) -> None:
        values = {
            "TableName": self._state.table.table_name,
            "AuditBucket": self._state.audit.bucket_name,
            "NoticesTopicArn": self._state.notices.topic_arn,
            "StateMachineArn": self.machine.state_machine_arn,
            "RouterName": self.steps["router"].function.function_name,
            "PublisherName": self.steps["publisher"].function.function_name,
            "SweeperName": self.steps["sweeper"].function.function_name,
        }
        for name, value in values.items():
            cdk.CfnOutput(self, name, value=value)

    def _acknowledge_wildcards(self) -> None:
        audit = f"{self._import_name(self._state.audit.bucket_arn)}/{AUDIT_OBJECTS}"
        stream = f"{self._import_name(self._state.table.table_arn)}/stream/*"
        execution = (
            f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{MACHINE_NAME}:*"
        )
        append = "One object a record, under one prefix; nothing is replaced or deleted."
        log_delivery = "Log delivery and X-Ray have no resources to name: AWS asks for *."
        for role, resource, reason in (
            (self.steps["publisher"].role, audit, append),
            (self.steps["sweeper"].role, audit, append),
            (self.steps["publisher"].role, stream, "Streams are listed by table, to find the one."),
            (self.steps["sweeper"].role, execution, "Any execution of this one machine, to read."),
            (self.machine.role, "*", log_delivery),
        ):
            cdk.Validations.of(role).acknowledge(
                cdk.Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{resource}]", reason=reason)
            )

    def _import_name(self, arn: str) -> str:
        """The name under which an ARN of the State stack arrives in this one."""
        name: str = self.resolve(self._state.export_value(arn))["Fn::ImportValue"]
        return name
