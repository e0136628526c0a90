"""Dashboard and alarms: each metric is sent by somebody, and no account is a dimension."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from functions import metrics
from margin.topics import DEAD_LETTER, MARGIN_CALC
from stacks.application import add_stacks, new_app
from stacks.settings import Settings

# What AWS sends by itself, by the documents of each service.
SENT_BY_AWS = {
    ("AWS/EMRServerless", "RunningJobs"),
    ("AWS/Kafka", "MessagesInPerSec"),
    ("AWS/Kinesis", "IncomingRecords"),
    ("AWS/Lambda", "Errors"),
    ("AWS/Lambda", "IteratorAge"),
    ("AWS/Lambda", "OffsetLag"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    ("AWS/States", "ExecutionThrottled"),
    ("AWS/States", "ExecutionsAborted"),
    ("AWS/States", "ExecutionsFailed"),
    ("AWS/States", "ExecutionsTimedOut"),
}
SENT_BY_US = {
    (metrics.NAMESPACE, name)
    for name in (metrics.CASES_HALTED, metrics.CASES_PAST_DEADLINE, metrics.OUTBOX_LEFT)
}
JOBS = 'SELECT SUM(RunningJobs) FROM "AWS/EMRServerless" '


class Templates:
    """Every template of one student, by the stack's short name."""

    def __init__(self, folder: Path, transport: str) -> None:
        self.folder = folder
        app = new_app(folder, check_templates=False)
        add_stacks(app, Settings(student="ana", transport=transport))
        app.synth()

    def __getitem__(self, stack: str) -> Any:
        return json.loads((self.folder / f"marginwatch-ana-{stack}.template.json").read_text())

    def of_type(self, stack: str, kind: str) -> dict[str, dict[str, Any]]:
        return {
            name: resource["Properties"]
            for name, resource in self[stack]["Resources"].items()
            if resource["Type"] == kind
        }

    def alarms(self) -> dict[str, dict[str, Any]]:
        found = self.of_type("observability", "AWS::CloudWatch::Alarm").values()
        return {one["AlarmName"].removeprefix("marginwatch-ana-"): one for one in found}


@pytest.fixture(scope="module", params=["kafka", "kinesis"])
def transport(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory, transport: str) -> Templates:
    return Templates(tmp_path_factory.mktemp(transport), transport)


def used(alarm: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(namespace, name, dimensions) of each metric of an alarm."""
    queries = alarm.get("Metrics", [{"MetricStat": {"Metric": alarm}}])
    stats = [query["MetricStat"]["Metric"] for query in queries if "MetricStat" in query]
    return [
        (
            stat["Namespace"],
            stat["MetricName"],
            {pair["Name"]: pair["Value"] for pair in stat.get("Dimensions", ())},
        )
        for stat in stats
    ]


def test_cfn_lint_finds_nothing(templates: Templates) -> None:
    cfn_lint = str(Path(sys.executable).with_name("cfn-lint"))
    file = templates.folder / "marginwatch-ana-observability.template.json"
    done = subprocess.run([cfn_lint, "--", str(file)], capture_output=True, text=True)
    assert done.stdout == ""


def test_the_alarms_are_these(templates: Templates) -> None:
    assert sorted(templates.alarms()) == [
        *("case-halted", "dead-letters", "executions-failed", "executions-throttled"),
        *("function-errors", "job-not-running", "no-margin-results", "outbox-behind"),
        *("outbox-left", "past-deadline", "router-behind", "unrouted"),
    ]


def test_every_metric_is_sent_by_aws_or_by_us(templates: Templates) -> None:
    for name, alarm in templates.alarms().items():
        if name == "job-not-running":
            (query,) = alarm["Metrics"]
            assert query["Expression"].startswith(JOBS)
            continue
        found = used(alarm)
        assert found, name
        assert {(space, metric) for space, metric, _ in found} <= SENT_BY_AWS | SENT_BY_US, name


def test_no_account_is_a_dimension(templates: Templates) -> None:
    known = {
        *("Cluster Name", "FunctionName", "QueueName", "StateMachineArn", "StreamName"),
        *("Topic", "service"),
    }
    for alarm in templates.alarms().values():
        for _, _, dimensions in used(alarm):
            assert set(dimensions) <= known


def test_silence_of_the_stream_rings_and_silence_of_trouble_does_not(templates: Templates) -> None:
    ringing = {"job-not-running", "no-margin-results"}
    for name, alarm in templates.alarms().items():
        expected = "breaching" if name in ringing else "notBreaching"
        assert alarm["TreatMissingData"] == expected, name
    quiet = templates.alarms()["no-margin-results"]
    assert (quiet["EvaluationPeriods"], quiet["Period"]) == (5, 60)


def test_every_alarm_tells_the_operator_that_the_teardown_stack_keeps(
    templates: Templates,
) -> None:
    (topic,) = templates.of_type("teardown", "AWS::SNS::Topic").values()
    for alarm in templates.alarms().values():
        for told in (alarm["AlarmActions"], alarm["OKActions"]):
            (arn,) = told
            assert arn["Fn::Join"][1][-1] == f":{topic['TopicName']}"


def test_functions_of_the_metrics_exist(templates: Templates) -> None:
    functions = templates.of_type("enforcement", "AWS::Lambda::Function").values()
    existing = {one["FunctionName"] for one in functions}
    for alarm in templates.alarms().values():
        for _, _, dimensions in used(alarm):
            for key in ("FunctionName", "service"):
                assert dimensions.get(key) is None or dimensions[key] in existing
    errors = {d["FunctionName"] for _, _, d in used(templates.alarms()["function-errors"])}
    assert errors == existing


def test_machine_queue_and_application_of_the_metrics_exist(templates: Templates) -> None:
    (machine,) = templates.of_type("enforcement", "AWS::StepFunctions::StateMachine").values()
    ((_, _, dimensions),) = used(templates.alarms()["executions-throttled"])
    arn = dimensions["StateMachineArn"]["Fn::Join"][1][-1]
    assert arn.endswith(f":stateMachine:{machine['StateMachineName']}")
    queues = templates.of_type("enforcement", "AWS::SQS::Queue").values()
    ((_, _, dimensions),) = used(templates.alarms()["unrouted"])
    assert dimensions["QueueName"] in {queue["QueueName"] for queue in queues}
    (application,) = templates.of_type("risk", "AWS::EMRServerless::Application").values()
    (query,) = templates.alarms()["job-not-running"]["Metrics"]
    assert query["Expression"] == f"{JOBS}WHERE ApplicationName = '{application['Name']}'"


def test_channels_of_the_metrics_exist(templates: Templates, transport: str) -> None:
    alarms = templates.alarms()
    watched = {"no-margin-results": MARGIN_CALC, "dead-letters": DEAD_LETTER}
    for name, channel in watched.items():
        ((_, _, dimensions),) = used(alarms[name])
        if transport == "kafka":
            kind = "AWS::MSK::ServerlessCluster"
            (cluster,) = templates.of_type("transport", kind).values()
            expected = {"Cluster Name": cluster["ClusterName"], "Topic": channel}
            assert dimensions == expected
        else:
            streams = templates.of_type("transport", "AWS::Kinesis::Stream").values()
            assert dimensions["StreamName"].endswith(channel.replace(".", "-"))
            assert dimensions["StreamName"] in {stream["Name"] for stream in streams}


def test_lag_is_counted_as_the_transport_counts_it(templates: Templates, transport: str) -> None:
    lag = templates.alarms()["router-behind"]
    ((_, metric, dimensions),) = used(lag)
    assert dimensions == {"FunctionName": "marginwatch-ana-router"}
    expected = {"kafka": ("OffsetLag", 1_000), "kinesis": ("IteratorAge", 60_000)}
    assert (metric, lag["Threshold"]) == expected[transport]


def test_one_dashboard_shows_every_alarm(templates: Templates) -> None:
    (board,) = templates.of_type("observability", "AWS::CloudWatch::Dashboard").values()
    assert board["DashboardName"] == "marginwatch-ana"
    text = json.dumps(board["DashboardBody"])
    for name in templates.alarms():
        assert f'\\"title\\":\\"{name}\\"' in text.replace("\\\\", "\\"), name


@pytest.mark.parametrize("stack", ["teardown", "enforcement", "risk", "transport"])
def test_every_log_group_ends_and_every_function_has_one(templates: Templates, stack: str) -> None:
    groups = templates.of_type(stack, "AWS::Logs::LogGroup")
    assert all(group["RetentionInDays"] for group in groups.values())
    for name, function in templates.of_type(stack, "AWS::Lambda::Function").items():
        if function["Handler"].startswith("functions."):
            assert function["LoggingConfig"]["LogGroup"]["Ref"] in groups, name
