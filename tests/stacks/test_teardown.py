"""The Teardown stack: when it starts, what each step may do, and that nobody is left unheard."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.policies import Policy, Resolver, policy_of

from stacks.application import new_app
from stacks.settings import Settings, SettingsError
from stacks.teardown import DEFINITION, Teardown, scheduled
from stacks.teardown_permissions import ORDER, STEPS

SERVICE = "arn:aws:{service}:us-east-1:111122223333:{rest}"
TAGS = {"aws:ResourceTag/Project": "marginwatch", "aws:ResourceTag/Student": "ana"}
OTHERS = {**TAGS, "aws:ResourceTag/Student": "ben"}
ROUTER = SERVICE.format(service="lambda", rest="function:marginwatch-ana-router")


def synthesized(folder: Path, *, profile: str = "class", expires_at: str | None = None) -> Any:
    """The template of one student; an open finding of the AWS Solutions rules raises."""
    app = new_app(folder, nag=True, expires_at=expires_at)
    Teardown(app, "Teardown", Settings(student="ana", profile=profile))
    app.synth()
    return json.loads((folder / "Teardown.template.json").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("teardown")


@pytest.fixture(scope="module")
def template(folder: Path) -> Any:
    return synthesized(folder, expires_at="2026-11-26T19:00:00+01:00")


@pytest.fixture(scope="module")
def of_prod(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return synthesized(tmp_path_factory.mktemp("prod"), profile="prod")


def one(template: Any, kind: str, prefix: str = "") -> dict[str, Any]:
    """The properties of the one resource of this type whose name begins so."""
    (found,) = [
        resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind and name.startswith(prefix)
    ]
    properties: dict[str, Any] = found
    return properties


def policy(template: Any, step: str) -> Policy:
    role = one(template, "AWS::IAM::Role", f"{step.title()}Role")
    resolver = Resolver(template, {"ExpiresAt": "2026-11-26T18:00:00"})
    return policy_of([inline["PolicyDocument"] for inline in role["Policies"]], resolver)


@pytest.mark.usefixtures("template")
def test_cfn_lint_finds_nothing(folder: Path) -> None:
    cfn_lint = str(Path(sys.executable).with_name("cfn-lint"))
    command = [cfn_lint, "--ignore-checks", "W3005", "--", str(folder / "Teardown.template.json")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == ""


def test_schedule_fires_once_in_utc_and_tries_for_a_day(template: Any) -> None:
    schedule = one(template, "AWS::Scheduler::Schedule")
    # 19:00 in Berlin
    assert schedule["ScheduleExpression"] == "at(2026-11-26T18:00:00)"
    assert schedule["ScheduleExpressionTimezone"] == "UTC"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] == 24 * 60 * 60
    assert schedule["Target"]["Arn"]["Ref"].startswith("Machine")


def test_another_time_is_another_schedule(template: Any, of_prod: Any) -> None:
    resolver = Resolver(of_prod, {"ExpiresAt": "2026-12-01T08:30:00"})
    names = [one(template, "AWS::Scheduler::Schedule")["Name"]]
    parts = one(of_prod, "AWS::Scheduler::Schedule")["Name"]["Fn::Join"]
    split = parts[1][1]["Fn::Join"]
    names.append(parts[1][0] + split[0].join(resolver(split[1])))
    assert names == [
        "marginwatch-ana-teardown-2026-11-26T180000",
        "marginwatch-ana-teardown-2026-12-01T083000",
    ]


def test_without_a_time_there_is_no_deploy(of_prod: Any, template: Any) -> None:
    asked = of_prod["Parameters"]["ExpiresAt"]
    assert "Default" not in asked
    assert re.fullmatch(asked["AllowedPattern"], "2026-11-26T18:00:00")
    assert not re.fullmatch(asked["AllowedPattern"], "in four hours")
    assert "ExpiresAt" not in template["Parameters"]


@pytest.mark.parametrize("text", ["tomorrow", "2026-11-26T18:00:00", "4"])
def test_what_is_no_moment_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^expires_at: expected .*, found .*; .*$") as caught:
        scheduled(text)
    assert text in str(caught.value)


def test_machine_is_the_definition_file_with_every_name_filled_in(template: Any) -> None:
    machine = one(template, "AWS::StepFunctions::StateMachine")
    assert machine["StateMachineType"] == "STANDARD"
    assert json.loads(machine["DefinitionString"]) == json.loads(DEFINITION.read_text())
    names = set(re.findall(r"\$\{(\w+)\}", machine["DefinitionString"]))
    assert names == set(machine["DefinitionSubstitutions"])


def test_stacks_go_writers_first_and_prod_keeps_its_state(template: Any, of_prod: Any) -> None:
    def deleted(found: Any) -> list[str]:
        machine = one(found, "AWS::StepFunctions::StateMachine")
        names = machine["DefinitionSubstitutions"]["Stacks"].split(",")
        return [name.removeprefix("marginwatch-ana-") for name in names]

    in_order = ["observability", "enforcement", "risk", "transport", "state"]
    assert deleted(template) == in_order
    assert deleted(of_prod) == in_order[:-1]
    variables = one(of_prod, "AWS::Lambda::Function", "Verify")["Environment"]["Variables"]
    assert variables["KEPT_STACKS"] == "state"


@pytest.mark.parametrize("step", STEPS)
def test_handler_string_names_a_function(template: Any, step: str) -> None:
    function = one(template, "AWS::Lambda::Function", step.title())
    module, _, name = function["Handler"].rpartition(".")
    assert module == f"functions.teardown_{step}"
    assert callable(getattr(importlib.import_module(module), name))


LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
ACTIONS = {
    "mappings": {
        *("cloudformation:ListStackResources", "lambda:GetEventSourceMapping"),
        "lambda:UpdateEventSourceMapping",
    },
    "jobs": {
        *("cloudformation:ListStackResources", "emr-serverless:GetApplication"),
        *("emr-serverless:ListJobRuns", "emr-serverless:CancelJobRun"),
    },
    "applications": {
        *("cloudformation:ListStackResources", "emr-serverless:GetApplication"),
        "emr-serverless:StopApplication",
    },
    "buckets": {
        *("cloudformation:ListStackResources", "s3:DeleteBucket", "s3:ListBucketVersions"),
        *("s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:DeleteObjectVersion"),
    },
    "stack": {"cloudformation:DeleteStack", "cloudformation:DescribeStacks"},
}


@pytest.mark.parametrize("step", ACTIONS)
def test_role_allows_exactly_this(template: Any, step: str) -> None:
    assert policy(template, step).actions == ACTIONS[step] | LOGS


def test_verify_reads_and_changes_nothing(template: Any) -> None:
    verbs = {action.split(":")[1] for action in policy(template, "verify").actions - LOGS}
    assert not [verb for verb in verbs if not re.match("Describe|Get|List", verb)]


@pytest.mark.parametrize("stack", ORDER)
def test_only_the_students_own_stacks_can_be_deleted(template: Any, stack: str) -> None:
    role, action = policy(template, "stack"), "cloudformation:DeleteStack"
    own = SERVICE.format(service="cloudformation", rest=f"stack/marginwatch-ana-{stack}/0a1b")
    assert role.allows(action, own)
    for other in (f"marginwatch-ben-{stack}", f"marginwatch-ana-b-{stack}", "marginwatch-ana"):
        assert not role.allows(action, own.replace(f"marginwatch-ana-{stack}", other))


@pytest.mark.parametrize("stack", ["network", "teardown"])
def test_network_and_teardown_stay(template: Any, stack: str) -> None:
    own = SERVICE.format(service="cloudformation", rest=f"stack/marginwatch-ana-{stack}/0a1b")
    assert not policy(template, "stack").allows("cloudformation:DeleteStack", own)


def test_state_cannot_be_deleted_in_prod(of_prod: Any) -> None:
    own = SERVICE.format(service="cloudformation", rest="stack/marginwatch-ana-state/0a1b")
    assert not policy(of_prod, "stack").allows("cloudformation:DeleteStack", own)
    audit = "arn:aws:s3:::marginwatch-ana-state-audit1f2e/audit/1.json"
    buckets = policy(of_prod, "buckets")
    assert not buckets.allows("s3:DeleteObjectVersion", audit)
    assert "s3:BypassGovernanceRetention" not in buckets.actions


def test_buckets_are_those_of_the_students_stacks(template: Any) -> None:
    role = policy(template, "buckets")
    audit = "arn:aws:s3:::marginwatch-ana-state-audit1f2e"
    assert role.allows("s3:BypassGovernanceRetention", f"{audit}/audit/1.json")
    assert role.allows("s3:DeleteBucket", audit)
    for other in ("arn:aws:s3:::payroll", audit.replace("-ana-", "-ben-")):
        assert not role.allows("s3:DeleteBucket", other)
        assert not role.allows("s3:DeleteObjectVersion", f"{other}/1.json")


@pytest.mark.parametrize(
    ("step", "action", "path"),
    [
        ("jobs", "CancelJobRun", "/applications/a1/jobruns/j1"),
        ("applications", "StopApplication", "/applications/a1"),
    ],
)
def test_jobs_and_applications_are_the_students_by_their_tags(
    template: Any, step: str, action: str, path: str
) -> None:
    role, arn = policy(template, step), SERVICE.format(service="emr-serverless", rest=path)
    assert role.allows(f"emr-serverless:{action}", arn, TAGS)
    assert not role.allows(f"emr-serverless:{action}", arn, OTHERS)
    assert not role.allows(f"emr-serverless:{action}", arn)


def test_mappings_are_those_of_the_students_functions(template: Any) -> None:
    role = policy(template, "mappings")
    arn = SERVICE.format(service="lambda", rest="event-source-mapping:0a1b")
    action = "lambda:UpdateEventSourceMapping"
    assert role.allows(action, arn, {"lambda:FunctionArn": ROUTER})
    other = ROUTER.replace("-ana-", "-ben-")
    assert not role.allows(action, arn, {"lambda:FunctionArn": other})


def test_every_end_but_a_clean_one_rings(template: Any) -> None:
    watched = {
        (alarm["Namespace"], alarm["MetricName"])
        for alarm in (
            resource["Properties"]
            for resource in template["Resources"].values()
            if resource["Type"] == "AWS::CloudWatch::Alarm"
        )
        if alarm["AlarmActions"] and alarm["Threshold"] == 1
    }
    assert watched == {
        ("AWS/States", "ExecutionsFailed"),
        ("AWS/States", "ExecutionsTimedOut"),
        ("AWS/Scheduler", "InvocationDroppedCount"),
    }


def test_alarms_are_let_in_by_the_topics_policy(template: Any) -> None:
    statements = one(template, "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    (alarms,) = [s for s in statements if s["Effect"] == "Allow"]
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


DEFINED: dict[str, Any] = json.loads(DEFINITION.read_text())["States"]


@pytest.mark.parametrize("name", [n for n, s in DEFINED.items() if s["Type"] == "Task"])
def test_every_error_is_caught_and_kept_for_the_notice(name: str) -> None:
    (catch,) = DEFINED[name]["Catch"]
    assert catch["ErrorEquals"] == ["States.ALL"]
    told = "problems" in catch.get("Assign", {})
    assert told or DEFINED[catch["Next"]]["Type"] == "Fail"


@pytest.mark.parametrize("name", [n for n in DEFINED if n.startswith("WaitFor")])
def test_every_wait_is_of_a_loop_with_an_end(name: str) -> None:
    ways = [s for s in DEFINED.values() if s["Type"] == "Choice"]
    (choice,) = [s for s in ways if name in (s["Default"], *(c["Next"] for c in s["Choices"]))]
    conditions = " ".join(c["Condition"] for c in choice["Choices"])
    assert re.search(r"\$tries >= \d+|\$round < 3", conditions)
