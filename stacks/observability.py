"""One dashboard and the alarms: every metric here is one that AWS or our functions send.

Everything is known by name, so this stack can come last and go first.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from margin.topics import DEAD_LETTER, MARGIN_CALC
from stacks.enforcement import unrouted_queue_name
from stacks.permissions import STEPS
from stacks.settings import Settings
from stacks.teardown import operator_topic_name

MINUTE = cdk.Duration.minutes(1)
# As functions/metrics.py sends them.
NAMESPACE = "marginwatch"
LAG_RECORDS, AGE_MS = 1_000, 60_000
NOT_BREACHING = cloudwatch.TreatMissingData.NOT_BREACHING
BREACHING = cloudwatch.TreatMissingData.BREACHING
AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One alarm. It rings after `minutes` in a row; `missing` says what silence means."""

    name: str
    text: str
    metric: cloudwatch.IMetric
    threshold: int = 1
    minutes: int = 1
    comparison: cloudwatch.ComparisonOperator = field(default=AT_LEAST)
    missing: cloudwatch.TreatMissingData = field(default=NOT_BREACHING)


class Observability(cdk.Stack):
    """Alarms go to the operator's topic, which the teardown stack keeps."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        settings: Settings,
        transport: cdk.Stack,
        enforcement: cdk.Stack,
        state: cdk.Stack,
    ) -> None:
        super().__init__(
            scope,
            name,
            stack_name=f"{settings.prefix}-observability",
            description="marginwatch: dashboard and alarms",
        )
        # Last: alarms that watch what is not there yet would ring while it is made.
        for stack in (transport, enforcement, state):
            self.add_stack_dependency(stack)
        self._settings = settings
        watches = tuple(self._watches())
        action = actions.SnsAction(self._operator())
        self.alarms = tuple(self._alarm(watch, action) for watch in watches)
        self._dashboard(watches)

    def _operator(self) -> sns.ITopic:
        name = operator_topic_name(self._settings.prefix)
        arn = self.format_arn(service="sns", resource=name)
        return sns.Topic.from_topic_arn(self, "Operator", arn)

    def _alarm(self, watch: Watch, action: actions.SnsAction) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            "".join(part.title() for part in watch.name.split("-")),
            alarm_name=f"{self._settings.prefix}-{watch.name}",
            alarm_description=f"marginwatch: {watch.text}",
            metric=watch.metric,
            threshold=watch.threshold,
            evaluation_periods=watch.minutes,
            comparison_operator=watch.comparison,
            treat_missing_data=watch.missing,
        )
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        return alarm

    def _watches(self) -> Iterator[Watch]:
        yield from self._of_the_stream()
        yield from self._of_the_ladder()
        yield from self._of_the_outbox()

    def _of_the_stream(self) -> Iterator[Watch]:
        yield Watch(
            name="no-margin-results",
            text="no margin was calculated for 5 minutes; is the streaming job running?",
            metric=self._records(MARGIN_CALC),
            minutes=5,
            comparison=BELOW,
            missing=BREACHING,
        )
        yield Watch(
            name="job-not-running",
            text="the streaming job is not running; `marginwatch aws job status` says why",
            metric=self._running_jobs(),
            minutes=5,
            comparison=BELOW,
            missing=BREACHING,
        )
        yield Watch(
            name="dead-letters",
            text="records were refused; their reasons are in the dead-letter channel",
            metric=self._records(DEAD_LETTER),
        )
        yield Watch(
            name="unrouted",
            text="assessments that the router could not take wait in its dead-letter queue",
            metric=_metric(
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                {"QueueName": unrouted_queue_name(self._settings.prefix)},
                "Maximum",
            ),
        )
        yield self._lag()

    def _of_the_ladder(self) -> Iterator[Watch]:
        yield Watch(
            name="case-halted",
            text="the stream and the second key disagree on an account; a person has to look",
            metric=self._ours("sweeper", "CasesHalted"),
        )
        yield Watch(
            name="past-deadline",
            text="an open case should have moved on by itself and did not",
            metric=self._ours("sweeper", "CasesPastDeadline"),
            minutes=2,
        )
        yield Watch(
            name="executions-failed",
            text="a case's execution failed or timed out; the sweeper resumes it",
            metric=self._sum(
                [
                    self._of_machine(metric)
                    for metric in ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted")
                ]
            ),
        )
        yield Watch(
            name="executions-throttled",
            text="Step Functions refuses to start or go on with cases",
            metric=self._of_machine("ExecutionThrottled"),
        )
        yield Watch(
            name="function-errors",
            text="functions end with errors; their logs say why",
            metric=self._sum([self._of_function(step, "Errors") for step in STEPS]),
            minutes=3,
        )

    def _of_the_outbox(self) -> Iterator[Watch]:
        yield Watch(
            name="outbox-left",
            text="decisions were taken and nobody was told of them for 5 minutes",
            metric=self._ours("publisher", "OutboxLeft"),
            minutes=5,
        )
        yield Watch(
            name="outbox-behind",
            text="the publisher is a minute behind the table's stream",
            metric=self._of_function("publisher", "IteratorAge", "Maximum"),
            threshold=AGE_MS,
            minutes=3,
        )

    def _lag(self) -> Watch:
        """How far the router is behind: in records on Kafka, in time on Kinesis."""
        on_kafka = self._settings.transport == "kafka"
        metric = "OffsetLag" if on_kafka else "IteratorAge"
        return Watch(
            name="router-behind",
            text="assessments wait for the router; accounts are enforced too late",
            metric=self._of_function("router", metric, "Maximum"),
            threshold=LAG_RECORDS if on_kafka else AGE_MS,
            minutes=3,
        )

    def _records(self, channel: str) -> cloudwatch.Metric:
        """How much was written to one channel, as the transport counts it."""
        if self._settings.transport == "kafka":
            cluster = {"Cluster Name": self._settings.prefix, "Topic": channel}
            return _metric("AWS/Kafka", "MessagesInPerSec", cluster)
        stream = f"{self._settings.prefix}-{channel.replace('.', '-')}"
        return _metric("AWS/Kinesis", "IncomingRecords", {"StreamName": stream})

    def _running_jobs(self) -> cloudwatch.MathExpression:
        """A query: which dimensions stand beside the application's name depends on the release."""
        name = f"{self._settings.prefix}-stream"
        return cloudwatch.MathExpression(
            expression='SELECT SUM(RunningJobs) FROM "AWS/EMRServerless" '
            f"WHERE ApplicationName = '{name}'",
            using_metrics={},
            period=MINUTE,
            label="running jobs",
        )

    def _ours(self, step: str, metric: str) -> cloudwatch.Metric:
        return _metric(NAMESPACE, metric, {"service": self._name(step)}, "Maximum")

    def _of_function(self, step: str, metric: str, statistic: str = "Sum") -> cloudwatch.Metric:
        return _metric("AWS/Lambda", metric, {"FunctionName": self._name(step)}, statistic)

    def _name(self, step: str) -> str:
        return f"{self._settings.prefix}-{step}"

    def _of_machine(self, metric: str) -> cloudwatch.Metric:
        arn = self.format_arn(
            service="states",
            resource="stateMachine",
            resource_name=self._name("enforcement"),
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        return _metric("AWS/States", metric, {"StateMachineArn": arn})

    def _sum(self, metrics: Iterable[cloudwatch.Metric]) -> cloudwatch.MathExpression:
        used: Mapping[str, cloudwatch.IMetric] = {f"m{n}": one for n, one in enumerate(metrics)}
        return cloudwatch.MathExpression(
            # A function that did not run has no figure, and must not hide those that did.
            expression="+".join(f"FILL({one}, 0)" for one in used),
            using_metrics=used,
            period=MINUTE,
            label="together",
        )

    def _dashboard(self, watches: Iterable[Watch]) -> None:
        """One graph an alarm, with the alarms' states on top."""
        board = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=self._settings.prefix)
        board.add_widgets(
            cloudwatch.AlarmStatusWidget(alarms=list(self.alarms), width=24, title="Alarms")
        )
        graphs = [
            cloudwatch.GraphWidget(title=watch.name, left=[watch.metric], width=8)
            for watch in watches
        ]
        for row in range(0, len(graphs), 3):
            board.add_widgets(*graphs[row : row + 3])


def _metric(
    namespace: str, name: str, dimensions: Mapping[str, str], statistic: str = "Sum"
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dict(dimensions),
        statistic=statistic,
        period=MINUTE,
    )
