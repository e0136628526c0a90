"""The Enforcement stack: functions, machine, outbox mapping, schedule and outputs."""

import importlib
import json
import re
from typing import Any

import pytest

from stacks.enforcement import DEFINITION
from stacks.permissions import RUNGS, STEPS


def function_of(assembly: Any, step: str) -> dict[str, Any]:
    found: dict[str, Any] = assembly.one(
        assembly.enforcement, "AWS::Lambda::Function", step.title()
    )
    return found


@pytest.mark.parametrize("step", STEPS)
def test_function_is_arm_python_with_a_log_group_of_its_own(assembly: Any, step: str) -> None:
    function = function_of(assembly, step)
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert (function["MemorySize"], function["Timeout"]) == (256, 30)
    group = function["LoggingConfig"]["LogGroup"]["Ref"]
    assert group.startswith(f"{step.title()}Logs")
    assert assembly.enforcement["Resources"][group]["Properties"]["RetentionInDays"] == 14


@pytest.mark.parametrize("step", STEPS)
def test_handler_string_names_a_function(assembly: Any, step: str) -> None:
    module, _, name = function_of(assembly, step)["Handler"].rpartition(".")
    assert module == f"functions.{step}"
    assert callable(getattr(importlib.import_module(module), name))


@pytest.mark.parametrize("step", STEPS)
def test_function_is_given_the_variables_it_uses(assembly: Any, step: str) -> None:
    variables = function_of(assembly, step)["Environment"]["Variables"]
    assert tuple(sorted(variables)) == tuple(sorted(STEPS[step].variables))


def test_parameters_reach_the_functions(assembly: Any) -> None:
    parameters = assembly.enforcement["Parameters"]
    assert parameters["LadderSpeed"]["Default"] == "1"
    assert "Default" not in parameters["KafkaBootstrap"]
    assert parameters["KafkaAuth"]["AllowedValues"] == ["none", "iam"]
    variables = function_of(assembly, "publisher")["Environment"]["Variables"]
    assert variables["KAFKA_BOOTSTRAP"] == {"Ref": "KafkaBootstrap"}
    assert variables["KAFKA_AUTH"] == {"Ref": "KafkaAuth"}
    rung = function_of(assembly, "call")["Environment"]["Variables"]
    assert rung["LADDER_SPEED"] == {"Ref": "LadderSpeed"}


def test_machine_is_the_definition_file_with_every_name_filled_in(assembly: Any) -> None:
    machine = assembly.one(assembly.enforcement, "AWS::StepFunctions::StateMachine")
    assert machine["StateMachineType"] == "STANDARD"
    assert json.loads(machine["DefinitionString"]) == json.loads(DEFINITION.read_text())
    names = set(re.findall(r"\$\{(\w+)\}", machine["DefinitionString"]))
    assert names == set(machine["DefinitionSubstitutions"])
    for step in RUNGS:
        target = machine["DefinitionSubstitutions"][f"{step.title()}Arn"]["Fn::GetAtt"]
        assert target[0].startswith(f"{step.title()}Function")


def test_machine_is_traced_and_logs_no_account_data(assembly: Any) -> None:
    machine = assembly.one(assembly.enforcement, "AWS::StepFunctions::StateMachine")
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False


def test_publisher_is_fed_new_outbox_rows_only(assembly: Any) -> None:
    mapping = assembly.one(assembly.enforcement, "AWS::Lambda::EventSourceMapping")
    assert mapping["FunctionName"]["Ref"].startswith("PublisherFunction")
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["MaximumRetryAttempts"] == 5
    (given,) = mapping["FilterCriteria"]["Filters"]
    assert json.loads(given["Pattern"]) == {
        "eventName": ["INSERT"],
        "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "OUT#"}]}}},
    }


def test_sweeper_runs_every_minute(assembly: Any) -> None:
    rule = assembly.one(assembly.enforcement, "AWS::Events::Rule")
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert rule["Targets"][0]["Arn"]["Fn::GetAtt"][0].startswith("SweeperFunction")


def test_outputs_are_what_the_local_parts_read(assembly: Any) -> None:
    assert set(assembly.enforcement["Outputs"]) == {
        "TableName",
        "AuditBucket",
        "NoticesTopicArn",
        "StateMachineArn",
        "RouterName",
        "PublisherName",
        "SweeperName",
    }
