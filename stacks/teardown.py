"""Deployed first, goes last: at a time set when it is deployed, it takes the other stacks down.

A deploy that fails half way is taken down too, because nothing here knows the other stacks but
by name.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.acknowledged import acknowledge_resource
from stacks.function import TIMEOUT, StepFunction
from stacks.packaging import COMMON, PROJECT, stage
from stacks.retention import log_retention
from stacks.settings import Settings, SettingsError
from stacks.teardown_permissions import (
    ORDER,
    STEPS,
    WILDCARDS,
    stacks_to_delete,
    statements,
)

DEFINITION = PROJECT / "functions" / "teardown.asl.json"
EXPIRY = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
# The inventory asks some twenty services, one after the other.
LOOK_AROUND = cdk.Duration.minutes(5)


def operator_topic_name(prefix: str) -> str:
    """The topic of whoever runs the system: every alarm, and what the teardown has to say."""
    return f"{prefix}-teardown-operator"


def scheduled(expires_at: str) -> str:
    """A moment with its zone, as the scheduler takes it: in UTC, without the zone.

    Raises SettingsError where it is none.

    >>> scheduled("2026-11-26T19:00:00+01:00")
    '2026-11-26T18:00:00'
    """
    try:
        moment = datetime.fromisoformat(expires_at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise SettingsError(
            f"expires_at: expected a moment such as 2026-11-26T18:00:00Z, found {expires_at!r}; "
            "leave it to `marginwatch aws deploy`"
        )
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()


class Teardown(cdk.Stack):
    """A one-time schedule, the machine it starts, and who is told."""

    def __init__(self, scope: Construct, name: str, settings: Settings) -> None:
        super().__init__(
            scope,
            name,
            stack_name=f"{settings.prefix}-teardown",
            description="marginwatch: takes the other stacks down when their time is over",
        )
        self._settings = settings
        self.topic = self._topic()
        self.steps = self._steps()
        self.machine = self._machine()
        self.schedule = self._schedule(self._expires_at())
        self._alarms()
        cdk.CfnOutput(self, "TeardownMachineArn", value=self.machine.state_machine_arn)
        cdk.CfnOutput(self, "OperatorTopicArn", value=self.topic.topic_arn)

    def _topic(self) -> sns.Topic:
        topic = sns.Topic(
            self,
            "Operator",
            topic_name=operator_topic_name(self._settings.prefix),
            enforce_ssl=True,
        )
        # A topic with a policy has no default one: alarms must be let in by name.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Alarms",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        return topic

    def _steps(self) -> Mapping[str, StepFunction]:
        # The CDK copies an asset when it is declared, so the staged folder can go right after.
        with TemporaryDirectory() as folder:
            code = lambda_.Code.from_asset(str(stage(Path(folder), COMMON)))
            return {step: self._step(step, code) for step in STEPS}

    def _step(self, step: str, code: lambda_.Code) -> StepFunction:
        made = StepFunction(
            self,
            step.title(),
            step=f"teardown_{step}",
            settings=self._settings,
            code=code,
            environment=self._environment() if step == "verify" else {},
            statements=statements(step, self, self._settings),
            timeout=LOOK_AROUND if step == "verify" else TIMEOUT,
        )
        for resource, reason in WILDCARDS[step](self, self._settings):
            acknowledge_resource(made.role, resource, reason)
        return made

    def _environment(self) -> dict[str, str]:
        kept = set(ORDER) - set(stacks_to_delete(self._settings.profile))
        return {"STUDENT": self._settings.student, "KEPT_STACKS": " ".join(sorted(kept))}

    def _machine(self) -> sfn.StateMachine:
        arns = {step: made.function.function_arn for step, made in self.steps.items()}
        names = [f"{self._settings.prefix}-{name}" for name in self._deleted()]
        role = self._machine_role(list(arns.values()))
        machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=f"{self._settings.prefix}-teardown",
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_string(DEFINITION.read_text()),
            definition_substitutions={
                **{f"{step.title()}Arn": arn for step, arn in arns.items()},
                "Stacks": ",".join(names),
                "TopicArn": self.topic.topic_arn,
            },
            role=role,
            logs=sfn.LogOptions(
                destination=logs.LogGroup(
                    self,
                    "MachineLogs",
                    retention=log_retention(self._settings.profile),
                    removal_policy=cdk.RemovalPolicy.DESTROY,
                ),
                level=sfn.LogLevel.ALL,
                # Ids and names of AWS resources only: they are what one wants to read afterwards.
                include_execution_data=True,
            ),
            tracing_enabled=True,
        )
        reason = "Log delivery and X-Ray have no resources to name: AWS asks for *."
        acknowledge_resource(role, "*", reason)
        return machine

    def _deleted(self) -> tuple[str, ...]:
        return stacks_to_delete(self._settings.profile)

    def _machine_role(self, functions: list[str]) -> iam.Role:
        return iam.Role(
            self,
            "MachineRole",
            assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
            inline_policies={
                "Machine": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=functions),
                        iam.PolicyStatement(
                            actions=["sns:Publish"], resources=[self.topic.topic_arn]
                        ),
                    ]
                )
            },
        )

    def _expires_at(self) -> str:
        """UTC, without a zone. Not given at synth, CloudFormation insists on it.

        Raises SettingsError for a context value that is no moment.
        """
        given = self.node.try_get_context("expires_at")
        if not given:
            return cdk.CfnParameter(
                self,
                "ExpiresAt",
                allowed_pattern=EXPIRY,
                description="When the stacks are taken down, UTC, as 2026-11-26T18:00:00",
            ).value_as_string
        return scheduled(str(given))

    def _schedule(self, expires_at: str) -> scheduler.CfnSchedule:
        group = scheduler.CfnScheduleGroup(self, "Group", name=self._group_name())
        # The time is in the name: a schedule that has fired stays as it is, so the next deploy
        # makes another one.
        stamp = cdk.Fn.join("", cdk.Fn.split(":", expires_at))
        return scheduler.CfnSchedule(
            self,
            "Schedule",
            name=f"{self._group_name()}-{stamp}",
            # A spent schedule stays until the next deploy replaces it: CloudFormation has no
            # ActionAfterCompletion. It is free.
            group_name=group.ref,
            schedule_expression=f"at({expires_at})",
            schedule_expression_timezone="UTC",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=self.machine.state_machine_arn,
                role_arn=self._schedule_role().role_arn,
                input="{}",
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=86_400, maximum_retry_attempts=185
                ),
            ),
        )

    def _group_name(self) -> str:
        return f"{self._settings.prefix}-teardown"

    def _schedule_role(self) -> iam.Role:
        return iam.Role(
            self,
            "ScheduleRole",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            ),
            inline_policies={
                "Start": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["states:StartExecution"],
                            resources=[self.machine.state_machine_arn],
                        )
                    ]
                )
            },
        )

    def _alarms(self) -> None:
        """What ends in neither a notice nor a clean account must be heard all the same."""
        machine = {"StateMachineArn": self.machine.state_machine_arn}
        group = {"ScheduleGroup": self._group_name()}
        for name, namespace, metric, dimensions in (
            ("failed", "AWS/States", "ExecutionsFailed", machine),
            ("timed-out", "AWS/States", "ExecutionsTimedOut", machine),
            ("not-started", "AWS/Scheduler", "InvocationDroppedCount", group),
        ):
            alarm = cloudwatch.Alarm(
                self,
                "".join(part.title() for part in name.split("-")),
                alarm_name=f"{self._group_name()}-{name}",
                alarm_description="marginwatch: the teardown did not end clean; what is left "
                "costs money, `marginwatch aws verify-clean` lists it",
                metric=cloudwatch.Metric(
                    namespace=namespace,
                    metric_name=metric,
                    dimensions_map=dimensions,
                    statistic="Sum",
                    period=cdk.Duration.minutes(1),
                ),
                threshold=1,
                evaluation_periods=1,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
            alarm.add_alarm_action(actions.SnsAction(self.topic))
