"""The ladder: router, rungs, publisher and sweeper around one state machine."""

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from margin.topics import MARGIN_CALC
from stacks.acknowledged import acknowledge, acknowledge_resource
from stacks.function import StepFunction
from stacks.packaging import COMMON, PROJECT, WITH_KAFKA, code_of
from stacks.permissions import (
    AUDIT_OBJECTS,
    KEY_ACTIONS,
    RUNGS,
    STEPS,
    Resources,
    statements,
)
from stacks.published import published
from stacks.retention import log_retention
from stacks.settings import Settings
from stacks.state import AUDIT, KEY, NOTICES, STREAM, TABLE
from stacks.transport import RETRIES, Channels

DEFINITION = PROJECT / "functions" / "enforcement.asl.json"
# Each minute: what a stream row was lost for, and cases whose execution died.
SWEPT = ("publisher", "sweeper")
UNROUTED_DAYS = cdk.Duration.days(14)
OUTBOX_INSERTS = {
    "eventName": ["INSERT"],
    "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "OUT#"}]}}},
}


def unrouted_queue_name(prefix: str) -> str:
    """The queue of assessments that the router could not take."""
    return f"{prefix}-unrouted"


class Enforcement(cdk.Stack):
    """Everything that acts on an account. It reads and writes what `State` keeps."""

    def __init__(self, scope: Construct, name: str, settings: Settings, channels: Channels) -> None:
        super().__init__(scope, name, description="marginwatch: the enforcement ladder")
        self._settings, self._channels = settings, channels
        # Named, so that roles can point at it before it exists: it needs their functions' ARNs.
        self.machine_name = f"{settings.prefix}-enforcement"
        self._resources = self._find_resources()
        self.unrouted = self._unrouted()
        environment = self._environment()
        self.steps = {step: self._step(step, environment) for step in STEPS}
        self.machine = self._machine()
        self._feed_router()
        self._feed_publisher()
        self._sweep_every_minute()
        self._outputs()
        self._acknowledge_wildcards()

    def _known(self, name: str) -> str:
        return published(self, self._settings, name)

    def _find_resources(self) -> Resources:
        table = self.format_arn(
            service="dynamodb", resource="table", resource_name=self._known(TABLE)
        )
        return Resources(
            table=table,
            stream=self._known(STREAM),
            audit=f"arn:{self.partition}:s3:::{self._known(AUDIT)}",
            machine=self._machine_arn("stateMachine", self.machine_name),
            executions=self._machine_arn("execution", f"{self.machine_name}:*"),
            notices=self._known(NOTICES),
            key=self._known(KEY) if self._settings.customer_key else "",
        )

    def _environment(self) -> Mapping[str, str]:
        speed = cdk.CfnParameter(
            self,
            "LadderSpeed",
            default="1",
            allowed_pattern=r"\d{1,6}(\.\d{1,4})?",
            description="Divides every period of the ladder; 1 on a real desk, more in a demo",
        )
        return {
            "TABLE_NAME": self._known(TABLE),
            "AUDIT_BUCKET": self._known(AUDIT),
            "NOTICES_TOPIC_ARN": self._known(NOTICES),
            "STATE_MACHINE_ARN": self._resources.machine,
            "LADDER_SPEED": speed.value_as_string,
        }

    def _machine_arn(self, resource: str, name: str) -> str:
        return self.format_arn(
            service="states",
            resource=resource,
            resource_name=name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )

    def _step(self, step: str, known: Mapping[str, str]) -> StepFunction:
        permissions = STEPS[step]
        environment = {name: known[name] for name in permissions.variables}
        if permissions.produces:
            environment |= self._channels.environment(self)
        made = StepFunction(
            self,
            step.title(),
            step=step,
            settings=self._settings,
            code=code_of(WITH_KAFKA if permissions.produces else COMMON),
            environment=environment,
            statements=statements(permissions, self._resources),
        )
        for channel in permissions.produces:
            self._channels.grant_produce(made.role, channel)
        if permissions.produces:
            self._channels.place_producer(made)
        return made

    def _machine(self) -> sfn.StateMachine:
        rungs = {step: self.steps[step].function.function_arn for step in RUNGS}
        return sfn.StateMachine(
            self,
            "Ladder",
            state_machine_name=self.machine_name,
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_string(DEFINITION.read_text()),
            definition_substitutions={
                **{f"{step.title()}Arn": arn for step, arn in rungs.items()},
                "TableName": self._known(TABLE),
                "TopicArn": self._known(NOTICES),
            },
            role=self._machine_role(list(rungs.values())),
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self,
                    "LadderLogs",
                    # Step Functions may write to any group whose name begins so.
                    log_group_name=f"/aws/vendedlogs/states/{self.machine_name}",
                    retention=log_retention(self._settings.profile),
                    removal_policy=cdk.RemovalPolicy.DESTROY,
                ),
                level=sfn.LogLevel.ALL,
                # Inputs and results hold accounts and task tokens, which are credentials.
                include_execution_data=False,
            ),
            tracing_enabled=True,
        )

    def _machine_role(self, rung_arns: list[str]) -> iam.Role:
        resources = self._resources
        allowed = (
            (["lambda:InvokeFunction"], rung_arns),
            (["dynamodb:UpdateItem"], [resources.table]),
            (["sns:Publish"], [resources.notices]),
            ([f"kms:{action}" for action in KEY_ACTIONS], [resources.key]),
        )
        return iam.Role(
            self,
            "LadderRole",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            inline_policies={
                "Ladder": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(actions=actions, resources=named)
                        for actions, named in allowed
                        if all(named)
                    ]
                )
            },
        )

    def _unrouted(self) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            "Unrouted",
            queue_name=unrouted_queue_name(self._settings.prefix),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=UNROUTED_DAYS,
        )
        acknowledge(queue, "SQS3", "It is itself where what failed goes.")
        return queue

    def _feed_router(self) -> None:
        """Where the emulator has no such source, a process beside it plays this mapping."""
        fed = cdk.CfnParameter(
            self,
            "FeedRouter",
            default="true",
            allowed_values=["false", "true"],
            description="false where something else invokes the router",
        )
        router = self.steps["router"]
        is_fed = cdk.CfnCondition(
            self, "RouterIsFed", expression=cdk.Fn.condition_equals(fed.value_as_string, "true")
        )
        mapping = self._channels.attach_consumer(router, MARGIN_CALC, self.unrouted)
        mapping.cfn_options.condition = is_fed
        mapping.node.add_dependency(router.role)
        if self._channels.parks_failures:
            # Whatever else invokes the router hears from it which records failed.
            url = cdk.Fn.condition_if(is_fed.logical_id, self.unrouted.queue_url, "")
            router.function.add_environment("UNROUTED_QUEUE_URL", url.to_string())

    def _feed_publisher(self) -> None:
        mapping = lambda_.CfnEventSourceMapping
        given = lambda_.FilterCriteria.filter(OUTBOX_INSERTS)
        made = mapping(
            self,
            "Outbox",
            function_name=self.steps["publisher"].function.function_name,
            event_source_arn=self._resources.stream,
            # The oldest first: an outbox row written before the mapping was ready still counts.
            starting_position="TRIM_HORIZON",
            filter_criteria=mapping.FilterCriteriaProperty(
                filters=[mapping.FilterProperty(pattern=given["pattern"])]
            ),
            bisect_batch_on_function_error=True,
            function_response_types=["ReportBatchItemFailures"],
            # Then the row is left to the sweep, and its neighbours go through.
            maximum_retry_attempts=RETRIES,
        )
        made.node.add_dependency(self.steps["publisher"].role)

    def _sweep_every_minute(self) -> None:
        events.Rule(
            self,
            "EveryMinute",
            rule_name=f"{self._settings.prefix}-every-minute",
            schedule=events.Schedule.rate(cdk.Duration.minutes(1)),
            targets=[targets.LambdaFunction(self.steps[step].function) for step in SWEPT],
        )

    def _outputs(self) -> None:
        values = {
            "TableName": self._known(TABLE),
            "AuditBucket": self._known(AUDIT),
            "NoticesTopicArn": self._known(NOTICES),
            "StateMachineArn": self.machine.state_machine_arn,
            "UnroutedQueueUrl": self.unrouted.queue_url,
            "RouterName": self.steps["router"].function.function_name,
            "PublisherName": self.steps["publisher"].function.function_name,
            "SweeperName": self.steps["sweeper"].function.function_name,
        }
        for name, value in values.items():
            cdk.CfnOutput(self, name, value=value)

    def _acknowledge_wildcards(self) -> None:
        own = "<AWS::Partition>:{}:<AWS::Region>:<AWS::AccountId>"
        audit = f"arn:<AWS::Partition>:s3:::<AuditBucketName>/{AUDIT_OBJECTS}"
        stream = f"arn:{own.format('dynamodb')}:table/<AccountsTable>/stream/*"
        execution = f"arn:{own.format('states')}:execution:{self.machine_name}:*"
        for role, resource, reason in (
            (
                self.steps["publisher"].role,
                audit,
                "One object a record, under one prefix; nothing is replaced or deleted.",
            ),
            (
                self.steps["publisher"].role,
                stream,
                "Streams are listed by table, to find the one.",
            ),
            (
                self.steps["sweeper"].role,
                execution,
                "Any execution of this one machine, to read.",
            ),
            (
                self.machine.role,
                "*",
                "Log delivery and X-Ray have no resources to name: AWS asks for *.",
            ),
        ):
            acknowledge_resource(role, resource, reason)
